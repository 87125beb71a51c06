"""Whatever is not Markup is text, wherever it stands."""

import re
from base64 import b64decode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.page.markup import element, joined, program, tagged
from harness.report.table import plain


class Seen(HTMLParser):
    """What a reader of HTML finds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(), st.text())
def test_any_text_comes_back_as_content_and_as_attribute(content: str, told: str) -> None:
    seen = Seen(element("p", content, title=told).html)
    assert seen.tags == [("p", [("title", plain(told))])]
    assert seen.text == plain(content)


@given(st.text(alphabet="<>&\"'/=`! abx-"))
def test_no_markup_comes_of_text_that_looks_like_it(text: str) -> None:
    assert [tag for tag, _ in Seen(joined(text, element("b", text)).html).tags] == ["b"]


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert element("p", "a\u202eb\x00").html == "<p>a\\u202eb\\x00</p>"


def test_elements_hold_elements() -> None:
    assert element("p", "a", element("b", "<"), "c").html == "<p>a<b>&lt;</b>c</p>"


def test_names_of_attributes_may_be_words_of_python() -> None:
    assert element("p", class_="a", aria_label="b").html == '<p class="a" aria-label="b"></p>'


def test_an_empty_element_has_no_end() -> None:
    assert element("meta", charset="utf-8").html == '<meta charset="utf-8">'


@pytest.mark.parametrize("name", ["p onclick", "", "1a", "a>", "-a"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of an element or attribute"):
        tagged(name, {})
    with pytest.raises(ValueError, match="is no name of an element or attribute"):
        tagged("p", {name: ""})


def test_a_program_is_allowed_by_the_hash_of_what_stands_in_it() -> None:
    markup, source = program("script", "let a = 1 < 2;\n")
    inside = re.fullmatch(r"<script>(.*)</script>", markup.html, re.DOTALL)
    assert inside
    assert (
        b64decode(source.removeprefix("'sha256-").rstrip("'"))
        == sha256(inside[1].encode()).digest()
    )


@pytest.mark.parametrize("text", ["a </script> b", "<!-- a"])
def test_a_program_that_would_end_its_element_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="end of an element"):
        program("script", text)
