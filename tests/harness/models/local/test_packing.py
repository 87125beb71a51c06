from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.models.local.packing import Pack, packs, shared
from harness.models.local.pairs import Row

tokens = st.lists(st.integers(0, 2), min_size=1, max_size=8)
rows_in_order = st.lists(
    tokens.flatmap(lambda ids: st.integers(1, len(ids)).map(lambda n: Row(ids, ids[-n:]))),
    min_size=1,
    max_size=12,
).map(sorted)


def laid_out(rows: list[Row], most: int, *, carry: bool) -> list[tuple[Pack, list[int]]]:
    """Packs with the tokens of all their nodes, the carried ones first."""
    found: list[tuple[Pack, list[int]]] = []
    for pack in packs(rows, most, carry=carry):
        before = found[-1][1] if found else []
        found.append((pack, [before[node] for node in pack.carried] + pack.ids_N))
    return found


def seen_from(pack: Pack, node: int) -> list[int]:
    return [i for i in range(node + 1) if node < pack.end_M[i]]


@given(rows_in_order, st.integers(1, 20), st.booleans())
def test_what_a_node_sees_are_the_tokens_before_it(rows: list[Row], most: int, carry: bool) -> None:
    waiting = iter(rows)
    for pack, nodes in laid_out(rows, most, carry=carry):
        for read in pack.reads:
            row = next(waiting)
            last = len(pack.carried) + read[-1]
            assert [nodes[i] for i in seen_from(pack, last)] == row.ids
            assert len(read) == len(row.targets)
    assert next(waiting, None) is None


@given(rows_in_order, st.integers(1, 20), st.booleans())
def test_a_token_is_read_at_its_depth(rows: list[Row], most: int, carry: bool) -> None:
    for pack, nodes in laid_out(rows, most, carry=carry):
        n = len(pack.carried)
        depths = [len(seen_from(pack, node)) - 1 for node in range(n, len(nodes))]
        assert pack.depth_N == depths


@given(rows_in_order, st.integers(1, 20), st.booleans())
def test_a_pack_is_no_larger_than_asked_unless_a_row_is(
    rows: list[Row], most: int, carry: bool
) -> None:
    for pack, _ in laid_out(rows, most, carry=carry):
        assert len(pack.ids_N) <= most or len(pack.reads) == 1


@given(rows_in_order)
def test_a_shared_beginning_is_read_once(rows: list[Row]) -> None:
    [(pack, _)] = laid_out(rows, 1000, carry=True)
    again = sum(shared(one.ids, other.ids) for one, other in pairwise(rows))
    assert len(pack.ids_N) == sum(len(row.ids) for row in rows) - again


def test_a_row_alone_does_not_branch() -> None:
    [pack] = packs([Row([1, 2, 3], [4])], 10, carry=True)
    assert not pack.branches
    [pack] = packs([Row([1, 2], [4]), Row([1, 3], [4])], 10, carry=True)
    assert pack.branches


@given(tokens, tokens)
def test_shared_is_the_longest_common_beginning(one: list[int], other: list[int]) -> None:
    n = shared(one, other)
    assert one[:n] == other[:n]
    assert one[: n + 1] != other[: n + 1] or n == min(len(one), len(other))
