"""`report.html`: a story as one page that is opened without a network."""

from collections.abc import Mapping
from pathlib import Path

from harness.classes import Classes
from harness.errors import ModelError
from harness.report.gallery import draw_story
from harness.report.page.document import document
from harness.report.save import write_text
from harness.report.story import Story


def write_html(
    story: Story, folder: Path, classes: Mapping[str, Classes] | None = None
) -> list[Path]:
    """Writes the page and, where matplotlib is installed, its figures beside it.

    Args:
        story: What is told.
        folder: Where `report.html` and `figures/*.svg` are written.
        classes: Of prompts by their ids, for figures by category, complexity and length.

    Returns:
        The files, the page first.

    Raises:
        DataError: A file cannot be written.
    """
    path = folder / "report.html"
    try:
        drawings = draw_story(folder / "figures", story, classes)
    except ModelError as error:
        drawings, undrawn = [], f"No figures: {error}"
    else:
        undrawn = None
    write_text(path, document(story, drawings, undrawn))
    return [path, *(drawing.path for drawing in drawings)]
