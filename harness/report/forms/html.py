"""`report.html`: a story as one page that is opened without a network."""

from pathlib import Path

from harness.errors import ModelError
from harness.report.gallery import Drawing, draw_story
from harness.report.page.document import document
from harness.report.save import write_text
from harness.report.story import Story

NAME = "report.html"


def write(story: Story, folder: Path) -> list[Path]:
    """Writes the page and, where matplotlib is installed, its figures into `figures/` beside it.

    Args:
        story: What is told.
        folder: Where the files are written.

    Returns:
        The files, the page first.

    Raises:
        DataError: A file cannot be written.
    """
    drawings: list[Drawing] = []
    undrawn = None
    try:
        drawings = draw_story(folder / "figures", story)
    except ModelError as error:
        undrawn = f"No figures: {error}"
    write_text(folder / NAME, document(story, drawings, undrawn))
    return [folder / NAME, *(drawing.path for drawing in drawings)]
