"""What was asked and answered as points on a plane: near each other where their vectors are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError
from harness.report.canvas import canvas, legend, look

Array = npt.NDArray[np.float64]

_MOST = 2000
"""Points of one group that are drawn; more would only hide each other."""
_PERPLEXITY = 30.0


class Cloud(NamedTuple):
    """One set of axes."""

    title: str
    groups: Mapping[str, Array]
    """Vectors by the name of their group, each of shape [n, D]."""


class Plane(NamedTuple):
    """Vectors as points on a plane."""

    points_N_2: Array
    method: str
    """"t-SNE" or "PCA"."""


def clouds(path: Path, drawn: Sequence[Cloud], title: str) -> None:
    """Draws each cloud on a plane of its own, a point for each vector.

    Args:
        path: Of the SVG file.
        drawn: From left to right.
        title: Above all.

    Raises:
        ModelError: matplotlib is not installed.
        DataError: Vectors are not finite, not of one length or fewer than three, or the file
            cannot be written.
    """
    with canvas(path, (0.4 + 4.2 * len(drawn), 4.6)) as figure:
        figure.suptitle(title)
        axes: Any = figure.subplots(1, len(drawn), squeeze=False)[0]
        for place, cloud in zip(axes, drawn, strict=True):
            _scatter(place, cloud)
        legend(figure, axes)


def plane(vectors_N_D: Array) -> Plane:
    """The vectors on a plane: by t-SNE where scikit-learn is installed, else by PCA.

    Source: L. van der Maaten and G. Hinton, JMLR 9 (2008); as in arXiv 2309.11235, figure 4, and
    arXiv 2401.10020, figure 6.

    Raises:
        DataError: They are not finite, or fewer than three.
    """
    if vectors_N_D.ndim != 2 or len(vectors_N_D) < 3 or not np.isfinite(vectors_N_D).all():
        raise DataError(
            f"expected three or more finite vectors of one length, came an array of shape "
            f"{vectors_N_D.shape}; embed at least three texts"
        )
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        return Plane(pca(vectors_N_D), "PCA")
    # A learning rate and a start that do not depend on chance; the seed is for what remains.
    perplexity = min(_PERPLEXITY, (len(vectors_N_D) - 1) / 3)
    start_N_2 = pca(vectors_N_D)
    start_N_2 /= max(float(start_N_2[:, 0].std()), 1e-12) / 1e-4
    found = TSNE(
        2, perplexity=perplexity, init=start_N_2, random_state=0, method=_method(vectors_N_D)
    )
    return Plane(np.asarray(found.fit_transform(vectors_N_D), np.float64), "t-SNE")


def pca(vectors_N_D: Array) -> Array:
    """Coordinates along the two directions of most variance, shape [N, 2].

    Of each direction the sign is such that its largest loading is positive.
    """
    centred_N_D = vectors_N_D - vectors_N_D.mean(0)
    _, _, directions = np.linalg.svd(centred_N_D, full_matrices=False)
    first = directions[:2]
    signs = np.sign(first[range(len(first)), np.abs(first).argmax(1)])
    points = centred_N_D @ (first * signs[:, None]).T
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def _method(vectors_N_D: Array) -> str:
    return "exact" if len(vectors_N_D) < 200 else "barnes_hut"


def _scatter(axes: Any, cloud: Cloud) -> None:
    groups = {name: some[:: -(-len(some) // _MOST) or 1] for name, some in cloud.groups.items()}
    widths = {some.shape[1:] for some in groups.values()}
    if len(widths) > 1:
        raise DataError(f"expected vectors of one length, came {sorted(widths)}; embed all alike")
    points_N_2, method = plane(np.concatenate([*groups.values()]))
    ends = np.cumsum([len(some) for some in groups.values()])[:-1]
    for number, (name, some) in enumerate(zip(groups, np.split(points_N_2, ends), strict=True)):
        colour, marker, _, face = look(number)
        shape = {"marker": marker, "facecolors": face, "edgecolors": colour}
        axes.scatter(*some.T, s=9, alpha=0.6, linewidths=0.5, label=name, **shape)
    axes.set(xticks=[], yticks=[], title=cloud.title, xlabel=method)
