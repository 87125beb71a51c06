"""What checkpoints are shown: the first prompt of each kind as text, and what looks wrong in it."""

import hashlib
from collections.abc import Iterator, Sequence

from harness.commands.setting import Setting
from harness.types import Model, Prompt, Rendering, innermost


def firsts(prompts: Sequence[Prompt]) -> list[Prompt]:
    """The first prompt of each kind: of each beginning that ids share, up to their last part."""
    found: dict[str, Prompt] = {}
    for prompt in prompts:
        found.setdefault(prompt.id.rpartition("/")[0], prompt)
    return list(found.values())


def rendered(model: Model, prompt: Prompt) -> str:
    """The exact text that a model is shown first; what is sent where only its server knows.

    Raises:
        ModelError: Its chat template refuses or drops a message, or there is none.
    """
    inner = innermost(model)
    if isinstance(inner, Rendering):
        return inner.render(prompt)
    system = "" if prompt.system is None else f"[system]\n{prompt.system}\n[user]\n"
    return system + (prompt.turns[0] if prompt.turns else "")


def show_prompts(name: str, model: Model, prompts: Sequence[Prompt], setting: Setting) -> str:
    """Prints the first prompt of each kind; returns their digest.

    Args:
        name: Of the checkpoint.
        model: Who is shown them.
        prompts: Of one benchmark.
        setting: Where they are printed.
    """
    digest = hashlib.sha256()
    for prompt in firsts(prompts):
        text = rendered(model, prompt)
        digest.update(f"{len(text)}\n{text}".encode(errors="surrogatepass"))
        own = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
        setting.say(f"--- {name} is shown {prompt.id} ({own}):\n{text}")
        for choice in prompt.choices:
            setting.say(f"--- and asked how likely is: {choice!r}")
    return digest.hexdigest()


def warnings(model: Model, prompts: Sequence[Prompt]) -> Iterator[str]:
    """What looks wrong in how a model's chat template, tokenizer and stop tokens fit together."""
    inner = innermost(model)
    if isinstance(inner, Rendering) and not all(prompt.raw for prompt in prompts):
        yield from inner.lint()
