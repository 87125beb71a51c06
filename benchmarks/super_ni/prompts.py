"""What a model is asked: the Tk-Instruct encoding, or the same in a form for chat models.

Upstream leaves out positive examples, then cuts, where a prompt passes 1,024 tokens of the model's
own tokenizer. Here nothing is cut: prompts do not depend on who answers them.

Source: the encoding of
https://github.com/yizhongw/Tk-Instruct/blob/7c0e4000901e7c148fbb8964042ebfc433f8d98e/src/ni_collator.py
"""

from collections.abc import Callable
from string import punctuation

from benchmarks.super_ni.data import Instance, Task

Encode = Callable[[Task, Instance, int], str]
"""A prompt with so many positive examples."""


def tk_instruct(task: Task, instance: Instance, shots: int) -> str:
    """Definition, examples, input: each with its label, and a full stop where it lacks one."""
    shown = "".join(
        f" Positive Example {number} -\n"
        f"{_stopped('Input: ', pair.input)}\n"
        f"{_stopped(' Output: ', pair.output)}\n\n"
        for number, pair in enumerate(task.examples[:shots], 1)
    )
    asked = f"Now complete the following example -\n{_stopped('Input: ', instance.input)}\nOutput: "
    return f"{_stopped('Definition: ', task.definition)}\n\n{shown}{asked}"


def _stopped(label: str, text: str) -> str:
    labelled = label + text.strip()
    return labelled if labelled[-1] in punctuation else f"{labelled}."


def chat(task: Task, instance: Instance, shots: int) -> str:
    """The same parts as a person would write them, with nothing added to any text."""
    shown = "".join(
        f"Input:\n{pair.input.strip()}\nOutput:\n{pair.output.strip()}\n\n"
        for pair in task.examples[:shots]
    )
    examples = f"For example:\n\n{shown}" if shown else ""
    return (
        f"{task.definition.strip()}\n\n{examples}"
        f"Reply with the output for this input, and nothing else.\n\n"
        f"Input:\n{instance.input.strip()}"
    )
