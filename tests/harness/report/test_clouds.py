"""Vectors on a plane: near each other where they were, the same each time."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError
from harness.report.clouds import Array, Cloud, clouds, pca, plane


def blobs(n: int = 20) -> dict[str, Array]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=(n, 8)) + 20 * k for k, name in enumerate(("seed", "new"))}


def spread(points: Array) -> float:
    return float(np.linalg.norm(points - points.mean(0), axis=1).max())


def test_pca_keeps_the_distances_of_points_in_a_plane() -> None:
    """(0, 0), (3, 0) and (3, 1), turned into five dimensions."""
    random = np.random.default_rng(0)
    axes, _ = np.linalg.qr(random.normal(size=(5, 2)))
    points = pca(np.array([[0, 0], [3, 0], [3, 1]]) @ axes.T)
    sides = [np.linalg.norm(points[a] - points[b]) for a, b in ((0, 1), (1, 2), (0, 2))]
    assert sides == pytest.approx([3, 1, np.sqrt(10)])


def test_vectors_on_a_line_have_no_second_coordinate() -> None:
    assert pca(np.array([[1.0], [2.0], [4.0]])).shape == (3, 2)


@pytest.mark.parametrize("installed", [True, False])
def test_groups_that_are_apart_stay_apart(
    monkeypatch: pytest.MonkeyPatch, *, installed: bool
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    points, method = plane(np.concatenate([*blobs().values()]))
    assert method == ("t-SNE" if installed else "PCA")
    first, second = points[:20], points[20:]
    apart = np.linalg.norm(first.mean(0) - second.mean(0))
    assert apart > max(spread(first), spread(second))


def test_the_same_vectors_are_the_same_plane() -> None:
    vectors = np.concatenate([*blobs().values()])
    assert (plane(vectors).points_N_2 == plane(vectors).points_N_2).all()


@pytest.mark.parametrize("vectors", [np.zeros((2, 4)), np.full((5, 4), np.nan), np.zeros(4)])
def test_what_is_no_cloud_is_refused(vectors: Array) -> None:
    with pytest.raises(DataError, match="expected three or more finite vectors"):
        plane(vectors)


def test_vectors_of_two_lengths_are_refused(tmp_path: Path) -> None:
    groups = {"a": np.zeros((3, 4)), "b": np.zeros((3, 5))}
    with pytest.raises(DataError, match="embed all alike"):
        clouds(tmp_path / "a.svg", [Cloud("responses", groups)], "t")


def test_clouds_name_their_groups_and_how_they_came_onto_the_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    drawn = [Cloud("instructions", blobs()), Cloud("responses", blobs())]
    clouds(tmp_path / "a.svg", drawn, "what was asked")
    found = re.findall(r"<text[^>]*>([^<]*)</text>", (tmp_path / "a.svg").read_text())
    assert {"instructions", "responses", "seed", "new", "PCA", "what was asked"} <= {*found}


def test_of_a_large_group_every_so_many_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    clouds(
        tmp_path / "a.svg",
        [Cloud("t", {"many": np.random.default_rng(0).normal(size=(4100, 3))})],
        "t",
    )
    assert 1360 < (tmp_path / "a.svg").read_text().count("<use ") < 1500
