"""The records of an evaluation, each holding the one before it, and the protocols around them.

    Prompt -> Generation -> Comparison -> Verdict -> Score

A *model* answers prompts, a *judge* turns comparisons into verdicts, a *benchmark* says which
prompts, which comparisons, how a judge is asked and read, and what the verdicts add up to.
Caching, retrying and showing progress are wrappers that are themselves models or judges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a response is drawn."""

    max_tokens: int
    temperature: float = 0.0
    """0 is greedy; otherwise in (0, 2]."""
    top_p: float = 1.0
    """In (0, 1]."""
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0
    """How many log-probabilities to return for each token, the likeliest first; 0 is none."""
    sample: int = 0
    """Which of several samples of one prompt this is: part of its seed and of its address."""

    def canonical(self) -> dict[str, Any]:
        """What differs from the defaults: stays the same when fields are added some day."""
        plain = Decoding(max_tokens=0)
        return {
            f.name: type(getattr(plain, f.name))(getattr(self, f.name))  # 1 and 1.0 are the same
            for f in fields(self)
            if getattr(self, f.name) != getattr(plain, f.name)
        }


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one model is asked."""

    id: str
    """Unique within its benchmark. Two prompts with different ids may ask the same."""
    turns: tuple[str, ...]
    """What the user says, turn by turn; the model answers each before it sees the next."""
    decoding: Decoding
    system: str | None = None
    choices: tuple[str, ...] = ()
    """Texts whose log-probabilities are asked for instead of an answer.

    Each turn is then a context of its own, and there is a response for each turn and choice, those
    after the first turn first. Without turns each text stands alone, and a longer one than the
    window is read window by window.
    """
    raw: bool = False
    """Whether turns are given as they are, with no chat template; one that is too long loses its
    beginning."""


LIKELIEST, GIVEN = "likeliest", "given"
"""How a response to a choice ends: whether each of its tokens was the likeliest in its place."""


class Token(NamedTuple):
    """One token of a response with its log-probability."""

    text: str
    logprob: float
    """Natural logarithm, at most 0."""
    top: tuple[tuple[str, float], ...]
    """The likeliest tokens at this position with their log-probabilities, the likeliest first."""


class Usage(NamedTuple):
    """Tokens that were read and written, as the backend counted them."""

    prompt_tokens: int = 0
    """All that were read, those from the provider's cache of prompts among them."""
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt's, those that came from the cache of prompts, at a price of their own."""
    batched: bool = False
    """Whether they were bought by batch, at its price."""

    @property
    def total(self) -> int:
        """All that were read and written."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Response:
    """What came back for one turn."""

    text: str
    finish_reason: str = "stop"
    """"stop", "length", or whatever else the backend said.

    Of a choice: LIKELIEST or GIVEN.
    """
    tokens: tuple[Token, ...] = ()
    """Empty unless the prompt's decoding asked for log-probabilities."""
    usage: Usage = field(default_factory=Usage)
    served_by: str = ""
    """What the server says it is: model and system fingerprint. Empty for local models."""
    cut: int = 0
    """Tokens at the beginning of the context that did not fit the model's window."""

    @property
    def logprob(self) -> float:
        """Natural log-probability of the whole text."""
        return sum(token.logprob for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Generation:
    """A model's answer to a prompt."""

    prompt: Prompt
    model: str
    """Name of the model that answered."""
    responses: tuple[Response, ...]
    """One per turn; empty when the model refused this prompt for good (see `failure`)."""
    failure: str | None = None
    """Why there is no answer: the request itself was refused (too long, filtered)."""

    @property
    def text(self) -> str:
        """The last response; empty when there is none."""
        return self.responses[-1].text if self.responses else ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a judge is shown."""

    candidate: Generation
    baseline: Generation | None = None
    """The opponent's answer to the same prompt; None when the candidate is rated alone."""
    turn: int = -1
    """Which turn is judged, as an index into the responses; -1 is the last."""

    @property
    def texts(self) -> tuple[str, str | None]:
        """What candidate and baseline said in that turn; "" where nobody answered."""
        theirs = None if self.baseline is None else _said(self.baseline, self.turn)
        return _said(self.candidate, self.turn), theirs

    def swap(self) -> "Comparison":
        """The same pair with the sides exchanged."""
        if self.baseline is None:
            return self
        return replace(self, candidate=self.baseline, baseline=self.candidate)


def _said(generation: Generation, turn: int) -> str:
    return generation.responses[turn].text if generation.responses else ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A judge's answer that is not in the form asked."""

    cause: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said of a comparison."""

    comparison: Comparison
    judge: str
    value: float | None
    """Preference for the candidate in [0, 1], or a rating; None is unread, never averaged."""
    cause: str | None = None
    """Why it is unread; None when it was read."""
    raw: Generation | None = None
    """The judge's own words, when words were asked for."""
    votes: tuple["Verdict", ...] = ()
    """What it was made of: both orders, the members of a jury, repeats; most verdicts are whole."""


@dataclass(frozen=True, slots=True)
class Score:
    """A number with its error and its failures."""

    metric: str
    """One of the card's, or what a judge says of itself; `METRIC/PART` is the metric of a part."""
    value: float | None
    """None is withheld: coverage is below the benchmark's threshold."""
    n: int
    """Verdicts that entered the value."""
    n_unread: int = 0
    """Verdicts that were asked for and could not be used."""
    interval: tuple[float, float] | None = None
    """95 % confidence interval, in the unit of the value."""
    standard_error: float | None = None
    bounds: tuple[float, float] | None = None
    """The value if every unread verdict went against, or for, the candidate."""
    unit: str = "fraction"
    """"fraction" in [0, 1] (percent only in reports), "correlation", "characters" or "rating"."""
    doubts: tuple[str, ...] = ()
    """Why a careful reader would not trust the value, one clause each."""

    @property
    def coverage(self) -> float:
        """Share of verdicts that could be used, in [0, 1]."""
        asked = self.n + self.n_unread
        return self.n / asked if asked else 0.0


class Watch(Protocol):
    """Sees each call of a backend before it is made, and each answer before it is used."""

    def started(self, prompts: Sequence[Prompt], /) -> None:
        """Called from any thread; the calls are made only after it has returned."""

    def finished(self, generations: Sequence[Generation], /) -> None:
        """Called from any thread, in the order in which answers arrive."""


class _Unwatched:
    def started(self, prompts: Sequence[Prompt], /) -> None:
        pass

    def finished(self, generations: Sequence[Generation], /) -> None:
        pass


UNWATCHED: Watch = _Unwatched()
"""Nobody looks."""


class Model(Protocol):
    """Anything that answers prompts."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Whatever decides its answers: weights, template, precision. Never a path or a key."""

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        Raises:
            ModelError: Some calls failed for good; what did arrive was shown to `watch`.
        """


@runtime_checkable
class Closing(Protocol):
    """A model that holds memory or a process until it is closed; asked again, it starts anew."""

    def close(self) -> None:
        """Lets go of them."""


@runtime_checkable
class Keeping(Protocol):
    """A model that knows what it need not ask again."""

    def missing(self, prompts: Sequence[Prompt], /) -> list[Prompt]:
        """The prompts that it would have to ask."""


@runtime_checkable
class Choosy(Protocol):
    """A model that knows what it cannot be asked."""

    def examine(self, prompts: Sequence[Prompt], /) -> None:
        """Looks at the prompts before anything is paid for; none of them is asked.

        Raises:
            ModelError: It cannot answer such prompts.
        """


@runtime_checkable
class Explaining(Protocol):
    """A model that goes about prompts of some kinds in ways that its identity does not tell."""

    def explain(self, prompts: Sequence[Prompt], /) -> Mapping[str, str]:
        """How it answers such prompts; the same for the same kinds of prompts, always."""


@runtime_checkable
class Rendering(Protocol):
    """A model that can tell what it is shown."""

    def render(self, prompt: Prompt, /) -> str:
        """The text that a prompt's first turn becomes.

        Raises:
            ModelError: Its chat template refuses or drops a message, or there is none.
        """

    def lint(self) -> list[str]:
        """What looks wrong in how its template, tokenizer and stop tokens fit together."""


def innermost(model: Model) -> Model:
    """The model that answers, inside whatever wraps it."""
    inner = getattr(model, "model", None)
    return model if inner is None else innermost(inner)


@runtime_checkable
class Counting(Protocol):
    """A model that can count what it reads, and reads nothing for it."""

    def count_tokens(self, prompt: Prompt, /) -> int | None:
        """Tokens of the prompt as the model is shown it; None when it cannot be told."""


def close(model: Model) -> None:
    """Closes a model, through whatever wraps it; most have nothing to let go of."""
    inner = getattr(model, "model", None)
    if inner is not None:
        close(inner)
    elif isinstance(model, Closing):
        model.close()


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What a user may say of how models are run; each backend reads what concerns it."""

    concurrency: int = 64
    """Most calls in flight at once, for servers."""
    batch_size: int = 16
    """Most sequences in one forward pass, for models in this process."""
    chat_template: str | None = None
    """`fastchat:NAME` for a checkpoint that ships no chat template of its own."""
    dtype: str = "auto"
    """One of "auto", "float32", "bfloat16", "float16"."""
    trust_remote_code: bool = False
    """Whether code inside a checkpoint may run."""
    partial: bool = False
    """Whether recorded answers may leave prompts unanswered; those count as unread."""


class Judge(Protocol):
    """Anything that turns comparisons into verdicts."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Whatever decides its verdicts: the model's identity and the rubric."""

    def __call__(self, comparisons: Sequence[Comparison], /) -> list[Verdict]:
        """One verdict per comparison, in the order of the comparisons."""


@runtime_checkable
class Reporting(Protocol):
    """A judge that has something to say of its own reliability."""

    def report(self, verdicts: Sequence[Verdict], /) -> "list[Score]":
        """How far the votes behind its verdicts agree."""


class Assets(Protocol):
    """Official data files by name."""

    def read(self, name: str, /) -> bytes:
        """The file's content, unpacked and checked against its pinned hash.

        Raises:
            DataError: It is not here and cannot be had, or is not the pinned file.
        """

    def has(self, name: str, /) -> bool:
        """Whether the file is on this machine."""

    def names(self, prefix: str, /) -> list[str]:
        """Names of all official files that begin so, in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Rubric:
    """How a judge is asked, and how its answer is read. It never calls anyone."""

    name: str
    """The published name of the judging procedure."""
    digest: str
    """SHA-256 of the official template, so that two rubrics are told apart."""
    decoding: Decoding
    """How the judge decodes; `top_logprobs` says what it must be able to return."""
    ask: Callable[[Comparison], Prompt]
    """The judge's prompt: the baseline is shown first, the candidate second."""
    read: Callable[[Generation], float | Unread]
    """Preference for the side shown second, in [0, 1], or why there is none."""
    shows_candidate_first: Callable[[Comparison], bool]
    """The published order of the two sides, the same each time it is asked."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A benchmark's own exact judge: it needs no model, since what is right is known."""

    name: str
    """The published name of the scoring procedure."""
    digest: str
    """SHA-256 of what it matches against, so that two matchers are told apart."""
    match: Callable[[Comparison], float | Unread]
    """How right the answer is, in [0, 1], or why that cannot be said."""


Grader = Rubric | Matcher
"""How a benchmark decides about answers."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a benchmark is, as published."""

    name: str
    version: str
    title: str
    paper: str
    """arXiv id."""
    source: str
    """The upstream repository at the commit whose procedure is followed."""
    licence: str
    judge: str
    """The official judge, used unless another is asked for; "exact" where a matcher decides."""
    n_prompts: int
    metrics: tuple[str, ...]
    """The first is the main one."""
    assets: tuple[str, ...]
    """Names of the official files that a run reads."""
    min_coverage: float
    """Below this share of usable verdicts a score is withheld, in (0, 1]."""
    notes: str = ""

    @property
    def label(self) -> str:
        """Name and version as the user writes them."""
        return f"{self.name}@{self.version}"


Rows = Sequence[Mapping[str, Any]]
"""Rows of a published file, read as JSON, JSON lines or CSV."""


class Recorded(NamedTuple):
    """A judgment that somebody else has already paid for."""

    comparison: Comparison
    raw: Response
    """What the judge said, as published."""
    judge: str
    """Whose judgment it is, as a judge's name."""


class Item(NamedTuple):
    """One verdict as data."""

    id: str
    """Of the prompt."""
    value: float | None
    cause: str | None
    """Why there is no value."""


def prompt_of(item_id: str) -> str:
    """The id of the prompt that an item is of."""
    prompt, found, turn = item_id.rpartition("/turn-")
    return prompt if found and turn.isdecimal() else item_id


def one_each(verdicts: Sequence[Verdict]) -> list[Item]:
    """An item for each verdict, called after its prompt and, where one is named, its turn."""
    return [Item(_item_id(v.comparison), v.value, v.cause) for v in verdicts]


def _item_id(comparison: Comparison) -> str:
    turn = f"/turn-{comparison.turn + 1}" if comparison.turn >= 0 else ""
    return f"{comparison.candidate.prompt.id}{turn}"


class Rescored(NamedTuple):
    """What published judgments of one model add up to."""

    model: str
    judge: str
    scores: list[Score]
    items: list[Item]


class Redrawn(NamedTuple):
    """A score that is no mean of items, refitted on prompts drawn with replacement."""

    metric: str
    value: float
    prompts: tuple[str, ...]
    """Their ids: two models with the same had the same drawn."""
    draws_b: Sequence[float]
    """The value of every replicate."""


@dataclass(frozen=True, slots=True)
class Files:
    """How a benchmark's published file formats are read and written.

    Every reader raises DataError when the rows are not of the published form.
    """

    read_outputs: Callable[[Rows, Assets], dict[tuple[str, ...], tuple[str, ...]]]
    """Answers by the turns of the prompt that they answer."""
    write_outputs: Callable[[Sequence[Generation]], list[dict[str, Any]]]
    read_judgments: Callable[[Rows, Assets], list[Recorded]]
    """The rows that carry a judge's raw answer."""
    write_judgments: Callable[[Sequence[Verdict]], list[dict[str, Any]]]
    rescore: Callable[[Rows, Assets], Rescored]
    """One model's published judgments, no model called."""
    rescore_outputs: Callable[[Rows, Assets], Rescored] | None = None
    """One model's answers, where a matcher decides; None where a judge must."""
    split: Callable[[Rows], dict[str, Rows]] = lambda rows: {"": rows}
    """A file's judgments by model, where a file may be of many; "" is the whole file."""
    redraw: Callable[[Rows, Assets], Redrawn | None] | None = None
    """One model's judgments over resampled prompts, where a score is no mean of items; None where
    nothing was read."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `verify`: recomputed numbers against published ones."""

    claim: str
    n: int
    """How many published numbers were recomputed."""
    largest: float
    """Largest absolute difference, in the published unit."""
    limit: float
    worst: str = ""
    """Where the largest difference is."""
    notes: tuple[str, ...] = ()
    provable: bool = True
    """False where what it would be recomputed from is not to be had here; the notes say what."""

    @property
    def holds(self) -> bool:
        """Whether something was compared and every difference is within the limit."""
        return self.n > 0 and self.largest <= self.limit


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Everything that the pipeline needs to know of one benchmark."""

    card: Card
    load: Callable[[Assets], list[Prompt]]
    """The prompts in published order, with unique ids."""
    compare: Callable[[Sequence[Generation], Assets], list[Comparison]]
    """What the judge is shown: one comparison for each generation or turn."""
    grader: Callable[[Assets], Grader]
    aggregate: Callable[[Sequence[Verdict], Assets], list[Score]]
    files: Files
    verify: Callable[[Assets], list[Check]]
    """Recomputes published numbers from published judgments."""
    identify: Callable[[Assets], Mapping[str, str]]
    """What of the data decides the score and may differ between machines."""
    items: Callable[[Sequence[Verdict]], list[Item]] = one_each
    """What is told of single prompts."""
    cluster: Callable[[str], str] = prompt_of
    """What an item, by its id, stands or falls with: the same prompt, or task."""
    categories: Callable[[Assets], Mapping[str, str]] | None = None
    """The published category of each prompt, by its id."""
    turns: tuple[int, ...] = (-1,)
    """Which turns of a prompt are judged, as indices into its responses."""
    both_orders: bool = False
    """Whether every pair is judged both ways round, as candidate first, then as baseline."""
    duel: Callable[[Assets], Rubric] | None = None
    """How a judge compares two answers, where the published protocol rates one; for `compare`."""
