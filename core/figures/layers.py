"""Where the nodes of a directed graph are drawn: in layers, with few crossings and short edges (Sugiyama 1981)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8  # over the order within layers, and over the places

Point = tuple[float, int]  # place across, in node widths, and layer


@dataclass(frozen=True)
class Layout:
    """Each node's place: ``across``, in steps of a node's width from 0, and ``layers``, from 0 for the first.

    ``routes`` are the points through which each edge goes, from its start to its end, one for each layer.
    """

    across: tuple[float, ...]
    layers: tuple[int, ...]
    routes: tuple[tuple[Point, ...], ...]


def layered(count: int, edges: Sequence[tuple[int, int]]) -> Layout:
    """Return places for ``count`` nodes whose ``edges`` (start, end) go from a node to one that comes after it.

    A node is drawn in the layer before the first of its ends, so that what is used late stands late. Neighbours in a
    layer are at least 1 apart.
    """
    layers = _layers(count, edges)
    routes = []
    for start, end in edges:  # a long edge gets a point in each layer that it crosses, which takes room as a node does
        bends = range(len(layers), len(layers) + layers[end] - layers[start] - 1)
        layers.extend(range(layers[start] + 1, layers[end]))
        routes.append([start, *bends, end])
    neighbours: list[list[int]] = [[] for _ in layers]
    for route in routes:
        for one, other in pairwise(route):
            neighbours[one].append(other)
            neighbours[other].append(one)
    rows = _ordered(layers, neighbours)
    across = _placed(rows, neighbours)
    points = [tuple((across[node], layers[node]) for node in route) for route in routes]
    return Layout(tuple(across[:count]), tuple(layers[:count]), tuple(points))


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    to_end = [0] * count
    for start, end in sorted(edges, reverse=True):
        to_end[start] = max(to_end[start], to_end[end] + 1)
    return [max(to_end, default=0) - distance for distance in to_end]


def _ordered(layers: Sequence[int], neighbours: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the nodes of each layer in an order with few crossings: each goes to the mean place of its neighbours."""
    rows: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for node, layer in enumerate(layers):
        rows[layer].append(node)
    best, least = [list(row) for row in rows], _crossings(rows, neighbours)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in range(len(rows)) if down else reversed(range(len(rows))):
            fixed = layer - 1 if down else layer + 1
            if not 0 <= fixed < len(rows):
                continue
            place = {node: position for position, node in enumerate(rows[fixed])}
            means = {}
            for position, node in enumerate(rows[layer]):
                seen = [place[other] for other in neighbours[node] if other in place]
                means[node] = sum(seen) / len(seen) if seen else position
            rows[layer].sort(key=means.__getitem__)
        crossings = _crossings(rows, neighbours)
        if crossings < least:
            best, least = [list(row) for row in rows], crossings
    return best


def _crossings(rows: Sequence[Sequence[int]], neighbours: Sequence[Sequence[int]]) -> int:
    total = 0
    for row, following in pairwise(rows):
        place = {node: position for position, node in enumerate(following)}
        ends = [sorted(place[other] for other in neighbours[node] if other in place) for node in row]
        for index, later in enumerate(ends):
            total += sum(one > other for earlier in ends[:index] for one in earlier for other in later)
    return total


def _placed(rows: Sequence[Sequence[int]], neighbours: Sequence[Sequence[int]]) -> list[float]:
    """Return a place for every node: as near to the mean of its neighbours as the order and the distance allow."""
    across = [0.0] * sum(map(len, rows))
    for row in rows:
        for position, node in enumerate(row):
            across[node] = position - (len(row) - 1) / 2
    for sweep in range(2 * SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_mean([across[other] for other in neighbours[node]], across[node]) for node in row]
            for node, place in zip(row, _apart(wanted), strict=True):
                across[node] = place
    least = min(across, default=0.0)
    return [round(place - least, 4) for place in across]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _apart(wanted: Sequence[float]) -> list[float]:
    """Return the places nearest to the ``wanted`` ones, by the sum of squares, that keep their order at a distance of
    1: wishes that are in each other's way are pooled and move as one block."""
    blocks: list[tuple[float, int]] = []  # where a block's first node would stand if it began the row, and its length
    for index, place in enumerate(wanted):
        mean, length = place - index, 1
        while blocks and blocks[-1][0] > mean:
            earlier, size = blocks.pop()
            mean = (earlier * size + mean * length) / (size + length)
            length += size
        blocks.append((mean, length))
    flat = [mean for mean, length in blocks for _ in range(length)]
    return [mean + index for index, mean in enumerate(flat)]
