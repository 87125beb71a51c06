"""Any task, group or tag of lm-eval: `lm_eval:TASK[:SHOTS][:chat][:hub]`.

Examples: `lm_eval:piqa`, `lm_eval:gsm8k:8`, `lm_eval:gsm8k:8:chat`. Data are official files where
there are some, else the hub's; `hub` takes the hub's in any case. `chat` asks through the model's
chat template, with the examples in the user's turn.
"""

from harness.errors import SpecError
from harness.lm_eval.opening import Part, Suite, only
from harness.lm_eval.suite import benchmark
from harness.types import Benchmark, Card

_FORM = "lm_eval:TASK[:SHOTS][:chat][:hub]"


def build(rest: str) -> Benchmark:
    """The benchmark of one task, led by the first metric of its definition.

    Raises:
        SpecError: What follows the task is none of its options.
    """
    task, *options = rest.split(":")
    shots = [int(option) for option in options if option.isdecimal()]
    words = [option for option in options if not option.isdecimal()]
    if not task or len(shots) > 1 or not {"chat", "hub"} >= set(words):
        raise SpecError(f"expected {_FORM}, came 'lm_eval:{rest}'")
    card = Card(
        name=f"lm_eval:{rest}",
        version="0.4.13",
        title=f"lm-eval's {rest.replace(':', ', ')}",
        paper="2405.14782",
        source="https://github.com/EleutherAI/lm-evaluation-harness/tree/4e7e0d47f33bc71070c1d38394bafbb52b117163",
        licence="MIT (code)",
        judge="exact",
        n_prompts=0,
        metrics=("as the task says",),
        assets=(),
        min_coverage=0.95,
    )
    part = Part(task, only(task), shots=shots[0] if shots else None)
    return benchmark(card, Suite([part], hub="hub" in words, chat="chat" in words))
