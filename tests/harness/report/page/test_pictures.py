"""Figures in a page: no style inside, ids of their own, only what a figure needs."""

import re
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.report.canvas import canvas, tip
from harness.report.figures import Square, heat_map
from harness.report.page.pictures import picture


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    with canvas(tmp_path / "a.svg", (2, 2)) as figure:
        axes = figure.subplots()
        (line,) = axes.plot([0, 1], color="#0072B2", linestyle="--", marker="o")
        tip(line, "base: <1>")
        axes.set_title("a < b")
    return tmp_path / "a.svg"


def written(tmp_path: Path, inside: str) -> Path:
    path = tmp_path / "b.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 9 9">{inside}</svg>'
    )
    return path


def test_styles_are_attributes_and_text_is_text(drawn: Path) -> None:
    html = picture(drawn, "what it is", 0).html
    assert "style" not in html
    assert 'stroke="#0072b2"' in html
    assert 'stroke-dasharray="' in html
    assert ">a &lt; b</text>" in html
    assert "<title>base: &lt;1&gt;</title>" in html


@pytest.mark.parametrize(("font", "size"), [("700 12.5px 'DejaVu Sans'", "12.5"), ("serif", "9")])
def test_a_font_keeps_its_size_alone(tmp_path: Path, font: str, size: str) -> None:
    html = picture(written(tmp_path, f'<text style="font: {font}">a</text>'), "t", 0).html
    assert f'<text font-size="{size}">a</text>' in html


def test_it_is_an_image_with_a_name(drawn: Path) -> None:
    start = picture(drawn, 'a "b"', 0).html.split(">", 1)[0]
    assert 'role="img"' in start
    assert 'aria-label="a &quot;b&quot;"' in start
    assert "viewBox=" in start
    assert " width=" not in start


def test_no_two_figures_share_an_id_and_each_finds_its_own(drawn: Path) -> None:
    first, second = (picture(drawn, "t", number).html for number in (0, 1))
    ids = [{*re.findall(r' id="([^"]*)"', html)} for html in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for found, html in zip(ids, (first, second), strict=True):
        used = {*re.findall(r'(?:href="#|url\(#)([^")]*)', html)}
        assert used
        assert used <= found


def test_ink_takes_the_colour_of_the_page_and_paper_is_left_out(drawn: Path) -> None:
    html = picture(drawn, "t", 0).html
    assert "currentColor" in html
    assert "#1a1a1a" not in html
    assert "#ffffff" not in html


def test_a_heat_map_keeps_its_cells(tmp_path: Path) -> None:
    heat_map(tmp_path / "m.svg", ["a"], [[Square(80.0, "")]], "t")
    assert 'href="data:image/png;base64,' in picture(tmp_path / "m.svg", "t", 0).html


@pytest.mark.parametrize(
    "inside",
    [
        "<script>hit</script>",
        "<foreignObject>hit</foreignObject>",
        '<rect onclick="hit"/>',
        '<use xlink:href="http://example.invalid/hit"/>',
        '<image href="http://example.invalid/hit"/>',
        '<image href="data:text/html,hit"/>',
        '<rect fill="url(http://example.invalid/hit)"/>',
        '<rect style="fill: url(http://example.invalid/hit)"/>',
        '<a href="javascript:hit"><rect/></a>',
    ],
)
def test_what_no_figure_of_ours_has_is_left_out(tmp_path: Path, inside: str) -> None:
    assert "hit" not in picture(written(tmp_path, inside), "t", 0).html


@pytest.mark.parametrize("content", [None, "", "<svg>", "no figure"])
def test_a_file_that_is_no_figure_is_one_clear_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "c.svg"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=r"expected a figure in .*c\.svg.*draw it again"):
        picture(path, "t", 0)
