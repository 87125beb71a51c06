"""Numbers as they are said in English."""

_SAID = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen
twenty thirty forty fifty sixty seventy eighty ninety
"""
_ONES, _TENS = _SAID.split()[:20], ["", "", *_SAID.split()[20:]]


def in_words(number: int) -> str:
    """The number's name, from 0 to 999: 123 is "one hundred and twenty-three".

    Raises:
        ValueError: It lies outside.
    """
    if not 0 <= number <= 999:
        raise ValueError(f"expected a number from 0 to 999, came {number}")
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return f"{_TENS[tens]}-{_ONES[ones]}" if ones else _TENS[tens]
    hundreds, rest = divmod(number, 100)
    return f"{_ONES[hundreds]} hundred" + (f" and {in_words(rest)}" if rest else "")


def spellings(number: int) -> tuple[str, str, str]:
    """In digits, in words, and in words without hyphens."""
    said = in_words(number)
    return str(number), said, said.replace("-", " ")
