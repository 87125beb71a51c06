"""The whole page: one file, in order, small, and the same each time."""

import re

from harness.report.page.document import document
from harness.report.story import Story
from tests.stories import hostile, story


def test_nothing_in_it_points_outside() -> None:
    page = document(story(), [])
    assert {*re.findall(r'(?:src|href|action)="([^"#][^"]*)"', page)} == {"data:,"}
    assert not re.search(r"@import|url\(|//", re.sub(r"// .*", "", page))


def test_its_policy_allows_its_own_style_and_script_and_nothing_else() -> None:
    policy = re.search(
        r'http-equiv="Content-Security-Policy" content="([^"]*)"', document(story(), [])
    )
    assert policy
    assert re.fullmatch(
        r"default-src &#x27;none&#x27;; style-src &#x27;sha256-\S+&#x27;; "
        r"script-src &#x27;sha256-\S+&#x27;; img-src data:; base-uri &#x27;none&#x27;; "
        r"form-action &#x27;none&#x27;",
        policy[1],
    )


def test_contents_name_every_part_in_order() -> None:
    page = document(story(), [], "no figures today")
    links = re.findall(r'<li><a href="#([^"]*)"', page)
    assert links == re.findall(r'<section id="([^"]*)"', page)
    assert links[:3] == ["scores", "changes", "figures"]


def test_why_there_are_no_figures_is_said() -> None:
    assert "<p>no figures today</p>" in document(story(), [], "no figures today")


def test_without_figures_and_reason_there_is_no_such_part() -> None:
    assert 'id="figures"' not in document(story(), [])


def test_notes_stand_first() -> None:
    page = document(story(), [])
    assert page.index("Read this first") < page.index('id="scores"')
    quiet = Story("a", [], [], [], [], [], [], [], [])
    assert "Read this first" not in document(quiet, [])


def test_the_same_story_is_the_same_page() -> None:
    assert document(story(), []) == document(story(), [])


def test_hostile_text_makes_no_element() -> None:
    page = document(hostile('</script><script>hit()</script><b title="'), [])
    assert page.count("<script>") == page.count("</script>") == 1
    assert "<b" not in re.sub("<(body|button)", "", page)


def test_a_large_story_is_a_small_page() -> None:
    """Ten checkpoints on four tracks with 805 items: without figures well below 3 MB."""
    assert len(document(story(10, 805), []).encode()) < 500_000
