"""Where nodes are drawn: no two on each other, edges forward, straight where it can be, few crossings."""

import itertools
import random

import pytest

from core.figures.layers import BEND, Layout, layered


def crossings(layout: Layout) -> int:
    """Count the pairs of drawn pieces of edges that cross between two layers."""
    pieces = [piece for route in layout.routes for piece in itertools.pairwise(route)]
    return sum(
        (one[0][0] - other[0][0]) * (one[1][0] - other[1][0]) < 0
        for one, other in itertools.combinations(pieces, 2)
        if one[0][1] == other[0][1]
    )


def test_a_chain_is_a_straight_line() -> None:
    layout = layered(4, [(0, 1), (1, 2), (2, 3)])
    assert list(layout.across) == [0, 0, 0, 0]
    assert list(layout.layers) == [0, 1, 2, 3]


def test_a_diamond_is_symmetric() -> None:
    layout = layered(4, [(0, 1), (0, 2), (1, 3), (2, 3)])
    assert layout.layers == (0, 1, 1, 2)
    assert sorted(layout.across[1:3]) == [0, 1] and layout.across[0] == layout.across[3] == 0.5


def test_what_is_used_late_stands_late() -> None:
    layout = layered(5, [(0, 1), (1, 2), (2, 4), (3, 4)])
    assert layout.layers == (0, 1, 2, 2, 3)


def test_what_is_not_used_stands_in_the_first_layer() -> None:
    assert layered(4, [(0, 1), (1, 3)]).layers == (0, 1, 0, 2)


def test_a_long_edge_goes_around_what_lies_between() -> None:
    layout = layered(3, [(0, 1), (1, 2), (0, 2)])
    assert layout.layers == (0, 1, 2)
    bend, layer = layout.routes[2][1]
    assert layer == 1 and abs(bend - layout.across[1]) >= (1 + BEND) / 2 - 1e-3


def test_two_edges_between_the_same_nodes_and_nothing_at_all() -> None:
    assert layered(2, [(0, 1), (0, 1)]).routes == (((0, 0), (0, 1)),) * 2
    assert layered(1, []) == Layout((0,), (0,), ())
    assert layered(0, []) == Layout((), (), ())


def test_edges_that_need_not_cross_do_not() -> None:
    layout = layered(6, [(0, 5), (1, 4), (2, 3)])
    assert crossings(layout) == 0
    tree = layered(7, [(0, 4), (3, 5), (1, 5), (2, 4), (4, 6), (5, 6)])
    assert crossings(tree) == 0


def test_what_arrives_on_the_left_stands_on_the_left() -> None:
    """Whatever the order in which the nodes were made."""
    right_first = layered(3, [(1, 2), (0, 2)], ports=[-0.15, 0.15])
    assert right_first.across[1] < right_first.across[0]
    left_first = layered(3, [(0, 2), (1, 2)], ports=[-0.15, 0.15])
    assert left_first.across[0] < left_first.across[1]


def test_a_straight_edge_ends_at_its_port() -> None:
    layout = layered(3, [(0, 2), (1, 2)], ports=[-0.25, 0.25])
    assert layout.across[0] < layout.across[2] - 0.25 and layout.across[1] > layout.across[2] + 0.25
    alone = layered(2, [(0, 1)], ports=[-0.25])
    assert alone.across[0] == pytest.approx(alone.across[1] - 0.25)


@pytest.mark.parametrize("seed", range(40))
def test_any_graph_has_room_and_goes_forward(seed: int) -> None:
    chosen = random.Random(seed)
    count = chosen.randint(2, 25)
    edges = [(chosen.randrange(end), end) for end in range(1, count) for _ in range(chosen.randint(1, 2))]
    layout = layered(count, edges)
    assert min(layout.across) >= 0
    for one, other in itertools.combinations(range(count), 2):
        if layout.layers[one] == layout.layers[other]:
            assert abs(layout.across[one] - layout.across[other]) >= 1 - 1e-3
    for (start, end), route in zip(edges, layout.routes, strict=True):
        assert route[0] == (layout.across[start], layout.layers[start])
        assert route[-1] == (layout.across[end], layout.layers[end])
        assert [layer for _place, layer in route] == list(range(layout.layers[start], layout.layers[end] + 1))
    assert layout == layered(count, edges), "the same picture each time"
