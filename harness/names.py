"""Model names as they may be shown and kept."""

import re
from pathlib import Path

_DOTTED = re.compile(r"(^|[:,])(\.\.?/[^,]*)")
_REPEATS = re.compile(r"repeats:(\d+):")
_USER = re.compile(r"//[^/@]*@")


def public(name: str) -> str:
    """The name without the credentials that its address may hold."""
    return _USER.sub("//", name)


def anchored(name: str, folder: Path) -> str:
    """A path or a name with paths in it that begin with ./ or ../, made relative to a folder.

    Args:
        name: A path, `SCHEME:PATH`, or a judge's name that is composed of several.
        folder: What the paths in it are relative to.
    """
    return _DOTTED.sub(lambda found: found[1] + _place(folder / found[2]), name)


def takes_part(name: str, judge: str) -> bool:
    """Whether a judge of that name is the judge, or one of those that it is composed of."""
    return re.search(rf"(?:^|[:,]){re.escape(name)}(?:,|$)", judge) is not None


def repeats(judge: str) -> int:
    """How often a judge of that name is asked the same, if it is one that is asked repeatedly.

    Returns:
        N of `repeats:N:JUDGE`, and 0 for any other.
    """
    found = _REPEATS.match(judge)
    return int(found[1]) if found else 0


def _place(place: Path) -> str:
    # Still with a dot before it, or a folder that is absent would pass for a name on the hub.
    here = "" if place.is_absolute() or str(place).startswith("..") else "./"
    return f"{here}{place}"
