"""A model that looks into the store before it asks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import AlignmentError
from harness.price_list import seller
from harness.pricing import either, paid, total
from harness.store.database import Answer, Bill, Sale, Store
from harness.store.encoding import address, encode_identity, encode_request, encode_responses
from harness.types import UNWATCHED, Generation, Model, Prompt, Response, Usage, Watch


@dataclass(frozen=True, slots=True)
class Cached:
    """A model whose answers are stored, and asked for only when they are not.

    Each call is written down before it is made and each answer before it is used, so a run that
    was killed asks again only what was in flight. A refusal is not an answer: the next run asks
    again. Prompts that ask the same are asked once.
    """

    model: Model
    """Who is asked for what is not stored."""
    store: Store
    run: str
    """Whose bill it is."""

    @property
    def name(self) -> str:
        """The name of the model behind."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The identity of the model behind: where an answer is kept does not change it."""
        return self.model.identity

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        The watch is shown every generation, those from the store too, but only calls that are
        really made.

        Raises:
            ModelError: Some calls failed for good; what did arrive is stored.
            DataError: The store cannot be read or written.
            AlignmentError: The model behind left a prompt without a generation.
        """
        record = _Record(self, prompts, watch)
        record.recall()
        missing = record.missing()
        if missing:
            self.model.generate(missing, record)
        return record.generations(prompts)

    def missing(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """The prompts that would have to be asked, each answer once."""
        record = _Record(self, prompts, UNWATCHED)
        record.recall()
        return record.missing()


_Delivery = tuple[str, tuple[Response, ...], str | None]
"""Address, responses, and why there are none."""


class _Record:
    """Writes calls and answers into the store as they happen.

    Every answer goes by its address: `_askers` are the prompts that it answers.
    """

    def __init__(self, cached: Cached, prompts: Sequence[Prompt], watch: Watch) -> None:
        self._cached = cached
        self._watch = watch
        self._seller = seller(cached.name)
        self._identity = encode_identity(cached.identity)
        self._requests = {prompt: encode_request(prompt) for prompt in prompts}
        self._addresses = {
            prompt: address(self._identity, request) for prompt, request in self._requests.items()
        }
        self._askers: defaultdict[str, list[Prompt]] = defaultdict(list)
        for prompt in prompts:
            self._askers[self._addresses[prompt]].append(prompt)
        self._calls: dict[str, int] = {}
        self._generations: dict[Prompt, Generation] = {}

    def recall(self) -> None:
        """Delivers what is stored."""
        stored = self._cached.store.answers(self._askers)
        self._deliver([(at, responses, None) for at, responses in stored.items()])

    def missing(self) -> list[Prompt]:
        """One prompt for each answer that is still to come."""
        firsts = (prompts[0] for prompts in self._askers.values())
        return [prompt for prompt in firsts if prompt not in self._generations]

    def generations(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """The generation of each prompt."""
        missing = len(self.missing())
        if missing:
            raise AlignmentError(
                f"expected {self._cached.name} to show an answer to each of "
                f"{len(self._askers)} prompts, but {missing} are without one; "
                "its backend must call `finished` with every generation"
            )
        return [self._generations[prompt] for prompt in prompts]

    def started(self, prompts: Sequence[Prompt], /) -> None:
        # The outer watch comes first: when it objects, nothing was sent and nothing may be owed.
        self._watch.started(prompts)
        sales = [self._sale(prompt) for prompt in prompts]
        calls = self._cached.store.open_calls(self._cached.run, self._seller, sales)
        self._calls.update(zip((sale.address for sale in sales), calls, strict=True))

    def finished(self, generations: Sequence[Generation], /) -> None:
        bills = [self._bill(one) for one in generations if self._at(one) in self._calls]
        answers = [self._answer(one) for one in generations if one.failure is None]
        first = self._cached.store.close_calls(self._identity, answers, bills)
        # Whoever was first wins, or a second run of this one would not give the same bits.
        self._deliver(
            [
                (self._at(one), first.get(self._at(one), one.responses), one.failure)
                for one in generations
            ]
        )

    def _sale(self, prompt: Prompt) -> Sale:
        return Sale(self._addresses[prompt], *either(self._cached.name, prompt))

    def _at(self, generation: Generation) -> str:
        return self._addresses[generation.prompt]

    def _answer(self, generation: Generation) -> Answer:
        request = self._requests[generation.prompt]
        return Answer(self._at(generation), request, encode_responses(generation.responses))

    def _bill(self, generation: Generation) -> Bill:
        call = self._calls.pop(self._at(generation))
        if generation.failure is not None:
            return Bill(call, "refused", Usage(), 0.0)
        responses = generation.responses
        return Bill(call, "answered", total(responses), paid(self._cached.name, responses))

    def _deliver(self, answers: Sequence[_Delivery]) -> None:
        name = self._cached.name
        shown = [
            Generation(prompt, name, responses, failure)
            for at, responses, failure in answers
            for prompt in self._askers[at]
        ]
        self._generations.update((one.prompt, one) for one in shown)
        if shown:
            self._watch.finished(shown)
