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


def latex(tables: Sequence[Table]) -> str:
    """The tables one after the other; their document needs `\\usepackage{booktabs}`."""
    return "\n".join(["% needs \\usepackage{booktabs}", *map(_table, tables)])


def escaped(text: str) -> str:
    """The text as LaTeX prints it; nothing in it is a command."""
    return "".join(_SPECIAL.get(character, character) for character in plain(text))


def _table(table: Table) -> str:
    words = min(table.words, len(table.columns))
    sides = "l" * words + "r" * (len(table.columns) - words)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{escaped(table.title)}}}",
            rf"\begin{{tabular}}{{{sides}}}",
            r"\toprule",
            _line(table.columns),
            r"\midrule",
            *map(_line, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\footnotesize {escaped(note)}" for note in table.notes),
            r"\end{table}",
            "",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return rf"{' & '.join(map(escaped, cells))} \\"
