"""HTML that is built from elements, so that no text of a model can become anything but text."""

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape

from harness.report.table import plain

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-:][A-Za-z0-9]+)*")
_EMPTY = frozenset({"meta", "link", "br"})


@dataclass(frozen=True, slots=True)
class Markup:
    """Finished HTML. Made by `element`, `joined` and `program` alone."""

    html: str


Content = Markup | str


def element(name: str, /, *content: Content, **attributes: str) -> Markup:
    """An element; whatever is not Markup is escaped, and what cannot be seen is spelled out.

    Args:
        name: Of the element, as the code knows it.
        *content: What it holds.
        **attributes: A name may end in `_`, and other `_` become `-`.

    Raises:
        ValueError: A name is none.
    """
    return tagged(name, {_attribute(key): value for key, value in attributes.items()}, *content)


def tagged(name: str, attributes: dict[str, str], *content: Content) -> Markup:
    """The same, with names of attributes as they are.

    Raises:
        ValueError: A name is none.
    """
    for word in (name, *attributes):
        if not _NAME.fullmatch(word):
            raise ValueError(f"{word!r} is no name of an element or attribute")
    said = "".join(f' {key}="{escape(plain(value))}"' for key, value in attributes.items())
    if name in _EMPTY:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{joined(*content).html}</{name}>")


def joined(*content: Content) -> Markup:
    """Several in a row."""
    return Markup("".join(c.html if isinstance(c, Markup) else escape(plain(c)) for c in content))


def program(name: str, text: str) -> tuple[Markup, str]:
    """A `style` or `script` of our own, and the source that a content security policy allows.

    Raises:
        ValueError: The text would end the element.
    """
    if "</" in text or "<!--" in text:
        raise ValueError(f"the text of a {name} cannot hold the end of an element")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return Markup(f"<{name}>{text}</{name}>"), f"'sha256-{digest}'"


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
