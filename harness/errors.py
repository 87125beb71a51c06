"""Every error that iterbench raises on purpose, drawn as a tree.

    HarnessError            run_eval prints its message and exits 2, without a traceback
      UnknownNameError      a name that nothing answers to; says the nearest known one
      SpecError             a run or series file: file, line, key, allowed values
      DataError             a data file: which file, row, field
      AlignmentError        a stage broke "one to one, in order"
      ModelError            a backend: what was asked, how often, the last cause
        ConversesError      one that only answers in conversations, asked for something else
      BudgetError           the user's money ends here: what is bought, what is left

A caller writes::

    try:
        result = evaluate(benchmark, model, judge, assets)
    except HarnessError as error:
        print(error)

Each message says what was expected, what came, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 12


class HarnessError(Exception):
    """Any error whose message alone is enough for the user."""


class UnknownNameError(HarnessError):
    """A name that nothing answers to.

    Args:
        kind: What was looked for, as a noun: "benchmark", "judge", "key".
        name: What came.
        known: Every name that would have been accepted.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=1)
        shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        hint = f"did you mean '{near[0]}'?" if near else f"known: {shown}"
        super().__init__(f"no {kind} is called '{name}'; {hint}")


class SpecError(HarnessError):
    """A run or series file that does not say what it must."""


class DataError(HarnessError):
    """A data file that is absent, damaged or for something else."""


class AlignmentError(HarnessError):
    """A stage returned other records than it was given."""


class ModelError(HarnessError):
    """A backend that could not answer."""


class ConversesError(ModelError):
    """A model that only answers in conversations was to go on with texts or to score them.

    Args:
        name: Of the model, as it may be shown.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"expected a model that goes on with given texts and tells how likely they are, came "
            f"'{name}', which only answers in conversations; name a checkpoint, "
            f"hf:PATH_OR_ID or vllm:PATH_OR_ID"
        )


class BudgetError(HarnessError):
    """A run that would cost more than its budget; what was bought is stored."""
