"""Tables as LaTeX, with the rules of booktabs."""

from collections.abc import Sequence

from harness.report.table import Table, plain

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": r"{[}",  # after \\ it would be an option
    "]": r"{]}",
    '"': r"\textquotedbl{}",
}


PREAMBLE = r"% needs \usepackage{booktabs,graphicx}"
"""What a file begins with: the packages of the document that takes it in."""


def latex(tables: Sequence[Table]) -> str:
    """The tables one after the other."""
    return "\n".join([PREAMBLE, *map(_table, tables)])


def tabular(sides: str, head: str, rows: Sequence[str]) -> list[str]:
    """The lines of a table with its rules, made smaller where it is wider than the text.

    Args:
        sides: `l` or `r` for each column.
        head: The cells of the first row with & between them, escaped.
        rows: Of the others.
    """
    return [
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *(rf"{row} \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}}",
    ]


def escaped(text: str) -> str:
    """The text as LaTeX prints it; nothing in it is a command."""
    characters = (_SPECIAL.get(character, character) for character in plain(text))
    return "".join(characters).replace("--", "-{}-")  # two would be one dash


def _table(table: Table) -> str:
    words = min(table.words, len(table.columns))
    sides = "l" * words + "r" * (len(table.columns) - words)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{escaped(table.title)}}}",
            *tabular(sides, _line(table.columns), [*map(_line, table.rows)]),
            *(rf"\par\footnotesize {escaped(note)}" for note in table.notes),
            r"\end{table}",
            "",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escaped, cells))
