"""Why an answer is not what a judge was asked for: nothing, cut short, a refusal, off form."""

import re

from harness.types import Generation, Unread

_REFUSES = re.compile(
    r"\W*(?:(?:I['’]?m|I am)(?: (?:very|so))? sorry|sorry,|I apologi[sz]e"
    r"|I (?:cannot|can['’]t|won['’]t|must decline|am (?:unable|not able) to)|as an AI\b)",
    re.IGNORECASE,
)


def off_form(answer: Generation, missing: str) -> Unread:
    """The cause for an answer in which what was asked for could not be found.

    Causes are few, so that those of many answers can be counted; the words themselves are kept with
    the verdict.

    Args:
        answer: What the judge said.
        missing: What it lacks, as "no [[rating]]".
    """
    text = answer.text.strip()
    if not text:
        return Unread("the judge said nothing")
    if answer.responses[-1].finish_reason == "length":
        return Unread(f"{missing}: cut short")
    if _REFUSES.match(text):
        return Unread(f"{missing}: the judge refuses")
    return Unread(missing)
