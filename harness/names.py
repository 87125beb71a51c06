"""Model names as they may be shown and kept."""

import re

_USER = re.compile(r"//[^/@]*@")


def public(name: str) -> str:
    """The name without the credentials that its address may hold."""
    return _USER.sub("//", name)
