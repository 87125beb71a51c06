"""Model names as they may be shown and kept."""

import re
from pathlib import Path

_DOTTED = re.compile(r"(^|[:,])(\.\.?/[^,]*)")
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


def _place(place: Path) -> str:
    # Still with a dot before it, or a folder that is absent would pass for a name on the hub.
    here = "" if place.is_absolute() or str(place).startswith("..") else "./"
    return f"{here}{place}"
