"""How AlpacaEval's judges are asked and read.

Source: tatsu-lab/alpaca_eval@cd543a1, `evaluators_configs/`, `completion_parsers.py` and
`processors.py`. The templates are read as data. Model text is put in after the template is split
into messages, and in one pass, so that a response which contains template markers stays text;
upstream splits and substitutes afterwards, which differs for such responses only.
"""

import ast
import hashlib
import math
import random
import re
from collections.abc import Callable
from typing import NamedTuple

from harness.judging import both_texts
from harness.reading import off_form
from harness.types import Assets, Comparison, Decoding, Generation, Prompt, Rubric, Unread

_CONFIGS = "alpaca_eval/evaluators_configs"
LOGPROB_TEMPLATE = f"{_CONFIGS}/alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt"
RANKING_TEMPLATE = f"{_CONFIGS}/alpaca_eval_gpt4/alpaca_eval.txt"

LOGPROB_DECODING = Decoding(max_tokens=1, temperature=1.0, top_logprobs=5)
"""One token at temperature 1, which the log-probabilities make irrelevant, as upstream's config."""
RANKING_DECODING = Decoding(max_tokens=100)

_MESSAGE = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
_SLOT = re.compile(r"\{(instruction|output_1|output_2)\}")


def logprob_rubric(assets: Assets) -> Rubric:
    """AlpacaEval 2.0: the probability of "M" against "m" as the judge's first token."""
    template = Template.parse(assets.read(LOGPROB_TEMPLATE))
    return template.rubric("weighted_alpaca_eval_gpt4_turbo", LOGPROB_DECODING, read_logprobs)


def ranking_rubric(assets: Assets) -> Rubric:
    """AlpacaEval 1.0: the judge writes a list of both models with their ranks."""
    template = Template.parse(assets.read(RANKING_TEMPLATE))
    return template.rubric("alpaca_eval_gpt4", RANKING_DECODING, read_ranking)


Reader = Callable[[Generation], float | Unread]


class Template(NamedTuple):
    """An official judge template, split into its two messages."""

    system: str
    user: str
    digest: str

    @classmethod
    def parse(cls, content: bytes) -> "Template":
        """Splits a ChatML template of a system and a user message."""
        messages = {role: text.strip() for role, text in _MESSAGE.findall(content.decode())}
        return cls(messages["system"], messages["user"], hashlib.sha256(content).hexdigest())

    def rubric(self, name: str, decoding: Decoding, read: Reader) -> Rubric:
        """The rubric that asks with this template."""

        def ask(comparison: Comparison) -> Prompt:
            return Prompt(
                id=f"{comparison.candidate.prompt.id}/{name}",
                turns=(self.fill(comparison),),
                decoding=decoding,
                system=self.system,
            )

        return Rubric(name, self.digest, decoding, ask, read, shows_candidate_first)

    def fill(self, comparison: Comparison) -> str:
        """The user message about a comparison, the baseline first."""
        candidate, baseline = both_texts(comparison, "alpaca_eval")
        texts = {
            "instruction": comparison.candidate.prompt.turns[0],
            "output_1": baseline,
            "output_2": candidate,
        }
        return _SLOT.sub(lambda slot: texts[slot[1]], self.user)


def shows_candidate_first(comparison: Comparison) -> bool:
    """Upstream's seeded order: a coin for each instruction, the same whatever the models are."""
    seed = f"is_switched_outputs{comparison.candidate.prompt.turns[0]}0"
    # As bytes, which seed as their text does, so that a lone surrogate has its coin too.
    coin = random.Random(seed.encode(errors="surrogatepass"))
    return coin.choices([False, True])[0]


def read_logprobs(answer: Generation) -> float | Unread:
    """P("M") / (P("m") + P("M")): the preference for the second output, in [0, 1]."""
    tokens = answer.responses[-1].tokens
    if not tokens:
        return Unread("no log-probabilities came back")
    odds = {text: math.exp(min(logp, 0.0)) for text, logp in tokens[0].top if text in {"m", "M"}}
    total = sum(odds.values())
    if not total > 0:
        return Unread(f"neither m nor M among the {len(tokens[0].top)} likeliest tokens")
    return odds.get("M", 0.0) / total


def read_ranking(answer: Generation) -> float | Unread:
    """1.0 when the judge ranks the first output second, 0.0 when it ranks it first."""
    try:
        ranking = ast.literal_eval(answer.text.strip())
        ranks = [entry["rank"] for entry in ranking if entry["model"] == "model_1"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return off_form(answer, "no list of models and ranks")
    if not ranks or ranks[0] not in (1, 2):
        return off_form(answer, "no rank 1 or 2 for model_1")
    return float(ranks[0] - 1)
