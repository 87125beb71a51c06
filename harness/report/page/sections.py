"""The parts of a page, in order."""

from typing import NamedTuple

from harness.report.judge_eval import judge_eval_table
from harness.report.page.comparisons import changes, fallen, game_of, gaps, parts, spreads, tax
from harness.report.page.markup import Markup, joined
from harness.report.page.overview import details, identity, scores
from harness.report.page.tables import tables
from harness.report.reproduction import reproduction_table
from harness.report.story import Story
from harness.report.table import Table


class Section(NamedTuple):
    """One part of the page, which the list of contents names."""

    id: str
    title: str
    body: Markup


def sections(story: Story) -> list[Section]:
    """All parts that the story has something for, figures left out."""
    made = [
        Section("scores", "Scores", scores(story)),
        Section("changes", "What changed", changes(story, story.changes)),
        Section("tax", "Alignment tax", tax(story)),
        Section("parts", "By category", parts(story)),
        Section("fallen", "Prompts that got worse", fallen(story)),
        Section("game", "Head to head", joined(*(game_of(story, one) for one in story.games))),
        Section("gaps", "Training judge against other judges", gaps(story)),
        Section("spreads", "What standard errors are made of", spreads(story)),
        Section("trial", "The judges on trial", tables(_trials(story))),
        Section("papers", "Beside the papers", tables([*map(reproduction_table, story.papers)])),
        Section("details", "Every score", details(story)),
        Section("identity", "What was scored", identity(story)),
    ]
    return [section for section in made if section.body.html]


def _trials(story: Story) -> list[Table]:
    return [judge_eval_table(one.judge, one.found) for one in story.trials]
