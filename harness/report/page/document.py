"""The page around its parts: head, contents, notes, figures."""

from collections.abc import Sequence
from importlib import resources

from harness.report.gallery import Drawing
from harness.report.page.markup import Markup, element, joined, program, tagged
from harness.report.page.pictures import picture
from harness.report.page.sections import Section, sections
from harness.report.page.tables import bullets
from harness.report.story import Story

_POLICY = (
    "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
"""Nothing is loaded, and only what is in the page's own style and script applies and runs."""


def document(story: Story, drawings: Sequence[Drawing], undrawn: str | None = None) -> str:
    """The whole page. It asks nothing of anyone: its policy forbids every request.

    Args:
        story: What it tells.
        drawings: The figures in it, in this order.
        undrawn: Why there are none.

    Raises:
        DataError: A figure cannot be read.
    """
    found = sections(story)
    figures = Section("figures", "Figures", _figures(drawings, undrawn))
    parts = [*found[:2], figures, *found[2:]] if figures.body.html else found
    style, allowed_style = _own("style", "page.css")
    script, allowed_script = _own("script", "page.js")
    head = _head(story, _POLICY.format(allowed_style, allowed_script), style)
    body = element("body", _header(story), _contents(parts), _main(story, parts), _footer(), script)
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en').html}\n"


def _own(kind: str, name: str) -> tuple[Markup, str]:
    return program(kind, resources.files(__package__).joinpath(name).read_text("utf-8"))


def _head(story: Story, policy: str, style: Markup) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{story.name}: series report"),
        style,
    )


def _header(story: Story) -> Markup:
    judged = {(track.benchmark, track.judge) for track in story.tracks}
    benchmarks = {track.benchmark for track in story.tracks}
    counts = (
        f"Checkpoints: {len(story.steps)}. Benchmarks: {len(benchmarks)}, with their judges "
        f"{len(judged)}. Intervals are of 95 %; every comparison is paired by prompt."
    )
    return element("header", element("h1", story.name), element("p", counts, class_="lead"))


def _contents(parts: Sequence[Section]) -> Markup:
    links = [element("a", part.title, href=f"#{part.id}") for part in parts]
    return element("nav", bullets(links), aria_label="Contents")


def _main(story: Story, parts: Sequence[Section]) -> Markup:
    told = [element("section", element("h2", part.title), part.body, id=part.id) for part in parts]
    return element("main", _notes(story), *told)


def _notes(story: Story) -> Markup:
    if not story.notes:
        return joined()
    title = element("strong", "Read this first")
    return element("section", title, bullets([*story.notes]), class_="notes", aria_label="Notes")


def _figures(drawings: Sequence[Drawing], undrawn: str | None) -> Markup:
    if undrawn is not None:
        return element("p", undrawn)
    drawn = [_figure(drawing, number) for number, drawing in enumerate(drawings)]
    return element("div", *drawn, class_="figures") if drawn else joined()


def _figure(drawing: Drawing, number: int) -> Markup:
    drawn = picture(drawing.path, drawing.title, number)
    caption = element("figcaption", f"{drawing.title}. {drawing.told}")
    # It scrolls by itself where it is too wide, by keyboard too.
    broad = {"class": "broad", "tabindex": "0"} if drawing.broad else {}
    return tagged("figure", broad, drawn, caption)


def _footer() -> Markup:
    return element("footer", element("p", "Made by iterbench.", class_="foot"))
