"""`pairrm` or `pairrm:PATH_OR_ID`: a pair ranker, which says which of two responses is better.

It is asked with one turn, the JSON array [source, first, second], and answers with the logit of
preferring the first, log-odds as Python writes a float.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.errors import DataError, ModelError
from harness.models.hf import locate
from harness.models.local.loading import Checkpoint, explained, load_tokenizer, resolve_dtype
from harness.models.local.pair_encoding import MARKS, Encoder, Pair, batches
from harness.models.local.pair_files import PairFiles, named_encoder, pair_files
from harness.models.local.slot import Slot
from harness.types import UNWATCHED, Generation, ModelOptions, Prompt, Response, Usage, Watch

DEFAULT = "llm-blender/PairRM"
"""The pair ranker that is meant when none is named."""

# A processor's caches are small: beyond this, rows together are slower than one by one.
_TOKENS = {"cpu": 1024, "cuda": 1 << 15}


def build(name: str, options: ModelOptions) -> "PairRM":
    """A pair ranker in a folder or on the hub, its files checked and nothing loaded yet.

    Args:
        name: "pairrm", "pairrm:PATH", "pairrm:ID" or "pairrm:ID@REVISION".
        options: `batch_size` and `dtype` are read. "auto" is float32: the network is small, and a
            judge should say the same everywhere.

    Raises:
        DataError: There is no such folder, or its files are incomplete.
        ModelError: It holds no pair ranker.
    """
    folder, revision = locate(name.partition(":")[2] or DEFAULT)
    encoder = named_encoder(folder)
    files = pair_files(folder, locate(encoder, weights=False)[0] if encoder else None)
    dtype = resolve_dtype("float32" if options.dtype == "auto" else options.dtype)
    return PairRM(name, _Key(files, files.fingerprint(), dtype), options.batch_size, revision)


class _Key(NamedTuple):
    files: PairFiles
    weights: str
    """Fingerprint of the files."""
    dtype: str


@dataclass(frozen=True, slots=True)
class PairRM:
    """A pair ranker, loaded when it is first asked."""

    name: str
    key: _Key
    batch_size: int = 16
    """Most pairs in one forward pass."""
    revision: str | None = None
    """The commit of one from the hub."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Weights, budgets and precision: the same wherever the files are."""
        files, weights, dtype = self.key
        return {
            "engine": "pair ranker",
            "weights": weights,
            "budgets": f"source {files.budgets.source}, candidate {files.budgets.candidate}",
            "dtype": dtype,
        }

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        Prompts that ask the same are answered by one forward pass. A prompt that is no array of
        three texts is refused. What is longer than its budget loses its last tokens.

        Raises:
            DataError: The files changed since it was built, or are damaged.
            ModelError: They hold no pair ranker, or it gives no numbers.
        """
        found: dict[Prompt, Generation] = {}
        for generations in self._answers(prompts, watch):
            watch.finished(generations)
            found.update((one.prompt, one) for one in generations)
        return [found[prompt] for prompt in prompts]

    def close(self) -> None:
        """Frees the memory of the weights, if they are there; a later question loads them again."""
        _slot.release(self.key)

    def _answers(self, prompts: Sequence[Prompt], watch: Watch) -> Iterator[list[Generation]]:
        askers: defaultdict[Pair | None, list[Prompt]] = defaultdict(list)
        for prompt in prompts:
            askers[_pair(prompt)].append(prompt)
        if refused := askers.pop(None, []):
            yield [Generation(prompt, self.name, (), _REFUSAL) for prompt in refused]
        pairs = [pair for pair in askers if pair]
        if not pairs:
            return
        with _slot.holding(self.key) as ranker:
            encoded = ranker.encoder.encode(pairs)
            sizes = [encoded.size(place) for place in range(len(pairs))]
            for places in batches(sizes, self.batch_size, ranker.tokens):
                watch.started([prompt for place in places for prompt in askers[pairs[place]]])
                logits = ranker.scorer([encoded.row(place) for place in places])
                yield [
                    Generation(prompt, self.name, (_response(logit, sizes[place]),))
                    for place, logit in zip(places, logits, strict=True)
                    for prompt in askers[pairs[place]]
                ]


_REFUSAL = (
    "expected one turn that is a JSON array of three texts [source, first, second]: a pair ranker "
    "judges, it answers nothing else"
)


def _pair(prompt: Prompt) -> Pair | None:
    if len(prompt.turns) != 1:
        return None
    try:
        asked = json.loads(prompt.turns[0])
    except ValueError:
        return None
    if not isinstance(asked, list) or len(asked) != 3:
        return None
    return Pair(*asked) if all(isinstance(text, str) for text in asked) else None


def _response(logit: float, size: int) -> Response:
    return Response(repr(logit), usage=Usage(size, 1))


class _Loaded(NamedTuple):
    scorer: Any
    encoder: Encoder
    tokens: int
    """Most tokens of a batch."""


def _load(key: _Key) -> _Loaded:
    from harness.models.local.pair_ranking import Scorer, read_ranker

    files, weights, dtype = key
    if files.fingerprint() != weights:
        raise DataError(f"{files.weights} changed after this run began; start the run again")
    tokenizer = load_tokenizer(Checkpoint(files.settings, weights, dtype))
    if not files.whole:
        tokenizer.add_tokens(list(MARKS))
    with explained(files.settings, "config.json with these weights"):
        network = read_ranker(files.weights, files.settings, dtype)
    if len(tokenizer) > network.vocabulary:
        raise ModelError(
            f"expected weights for the {len(tokenizer)} tokens of the tokenizer in "
            f"{files.settings}, came {network.vocabulary} in {files.weights}; these files do not "
            f"belong together"
        )
    scorer = Scorer(network, tokenizer.pad_token_id or 0)
    return _Loaded(scorer, Encoder(tokenizer, files.budgets), _TOKENS[network.device.type])


_slot: Slot[_Key, _Loaded] = Slot(_load)
