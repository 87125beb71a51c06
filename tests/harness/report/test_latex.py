"""Tables as LaTeX: rules of booktabs, and no command in anybody's name."""

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.report.latex import escaped, latex
from harness.report.table import Table


def test_a_table_has_the_rules_of_booktabs_and_a_line_for_each_row() -> None:
    made = latex([Table("T", ["row", "a"], [["x", "1"], ["y", "2"]], ["n"])])
    lines = made.splitlines()
    assert lines[0] == r"% needs \usepackage{booktabs,graphicx}"
    assert lines[3:12] == [
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"row & a \\",
        r"\midrule",
        r"x & 1 \\",
        r"y & 2 \\",
        r"\bottomrule",
        r"\end{tabular}}",
    ]
    assert r"\par\footnotesize n" in lines


def test_nothing_in_a_name_is_a_command() -> None:
    assert escaped(r"\input{/etc}") == r"\textbackslash{}input\{/etc\}"
    assert escaped("50 % & $x_1^2$ #~<|>") == (
        r"50 \% \& \$x\_1\textasciicircum{}2\$ \#\textasciitilde{}\textless{}\textbar{}"
        r"\textgreater{}"
    )


def test_two_dashes_stay_two() -> None:
    assert escaped("--pull") == "-{}-pull"


def test_a_name_stays_on_one_line() -> None:
    assert escaped("a\nb") == "a b"


def test_a_cell_that_begins_with_a_bracket_is_no_option_of_the_line_before() -> None:
    made = latex([Table("T", ["row", "a"], [["x", "1"], ["[2pt]", "2"]], [])])
    assert r"{[}2pt{]} & 2 " in made
    assert "\n[" not in made


@given(st.text())
def test_no_command_of_tex_is_left_bare(text: str) -> None:
    known = r"\\(text\w+\{\}|[{}$&#%_])|\{\[\}|\{\]\}|(?<=-)\{\}(?=-)"
    assert not re.search(r"[\\{}$&#%_^~]", re.sub(known, "", escaped(text)))
