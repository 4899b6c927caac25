"""Where the nodes of a directed graph are drawn: in layers, with few crossings and short edges (Sugiyama 1981)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8  # over the order within layers, and over the places
BEND = 0.3  # room that an edge takes as it passes a layer, where a node takes 1

Point = tuple[float, int]  # place across, in node widths, and layer


@dataclass(frozen=True)
class Layout:
    """Each node's place: ``across``, in steps of a node's width from 0, and ``layers``, from 0 for the first.

    ``routes`` are the points through which each edge goes, from its start to its end, one for each layer.
    """

    across: tuple[float, ...]
    layers: tuple[int, ...]
    routes: tuple[tuple[Point, ...], ...]


def layered(count: int, edges: Sequence[tuple[int, int]], ports: Sequence[float] | None = None) -> Layout:
    """Return places for ``count`` nodes whose ``edges`` (start, end) never lead back to where they began.

    A node is drawn in the layer before the first of its ends, so that what is used late stands late, and one without
    edges in the first layer. Neighbours in a layer are at least 1 apart. ``ports`` say how far from the middle of its
    end each edge arrives.
    """
    layers = _layers(count, edges)
    routes = []
    for start, end in edges:  # a long edge gets a point in each layer that it crosses, which takes room too
        bends = range(len(layers), len(layers) + layers[end] - layers[start] - 1)
        layers.extend(range(layers[start] + 1, layers[end]))
        routes.append([start, *bends, end])
    links = _Links([[] for _ in layers], [[] for _ in layers])
    for route, port in zip(routes, ports or [0.0] * len(routes), strict=True):
        for one, other in pairwise(route):
            links.after[one].append((other, port if other == route[-1] else 0.0))
            links.before[other].append((one, -port if other == route[-1] else 0.0))
    rows = _ordered(layers, links)
    across = _placed(rows, links, [1.0] * count + [BEND] * (len(layers) - count))
    points = [tuple((across[node], layers[node]) for node in route) for route in routes]
    return Layout(tuple(across[:count]), tuple(layers[:count]), tuple(points))


@dataclass(frozen=True)
class _Links:
    """Each node's neighbours in the layers ``before`` and ``after`` it, and how far from them it would like to be."""

    before: list[list[tuple[int, float]]]
    after: list[list[tuple[int, float]]]


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    starts: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for start, end in edges:
        starts[end].append(start)
        waits[start] += 1
    to_end = [0] * count
    ready = [node for node in range(count) if not waits[node]]
    while ready:
        end = ready.pop()
        for start in starts[end]:
            to_end[start] = max(to_end[start], to_end[end] + 1)
            waits[start] -= 1
            if not waits[start]:
                ready.append(start)
    tied = {node for edge in edges for node in edge}
    return [max(to_end) - to_end[node] if node in tied else 0 for node in range(count)]


def _ordered(layers: Sequence[int], links: _Links) -> list[list[int]]:
    """Return the nodes of each layer in an order with few crossings: each goes to the mean place of its neighbours."""
    rows: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for node in _from_the_end(links):
        rows[layers[node]].append(node)
    best, least = [list(row) for row in rows], _crossings(rows, links)
    for sweep in range(SWEEPS):
        ordered, linked = (rows[::-1], links.after) if sweep % 2 == 0 else (rows, links.before)
        for fixed, row in pairwise(ordered):
            place = {node: float(position) for position, node in enumerate(fixed)}
            means = {node: _mean(linked[node], place, position) for position, node in enumerate(row)}
            row.sort(key=means.__getitem__)
        crossings = _crossings(rows, links)
        if crossings < least:
            best, least = [list(row) for row in rows], crossings
    return best


def _from_the_end(links: _Links) -> list[int]:
    """Return all nodes, each after one that it leads to, and those that lead to one in the order of its ports."""
    found: dict[int, None] = {}
    waiting = [node for node in reversed(range(len(links.after))) if not links.after[node]]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = None
            waiting += [start for start, _port in sorted(links.before[node], key=lambda link: link[1])]
    return list(found)


def _crossings(rows: Sequence[Sequence[int]], links: _Links) -> int:
    total = 0
    for row, following in pairwise(rows):
        place = {node: position for position, node in enumerate(following)}
        ends = [sorted(place[other] + port for other, port in links.after[node]) for node in row]
        for index, later in enumerate(ends):
            total += sum(one > other for earlier in ends[:index] for one in earlier for other in later)
    return total


def _placed(rows: Sequence[Sequence[int]], links: _Links, room: Sequence[float]) -> list[float]:
    """Return a place for every node: as near to its neighbours' as the order and the distance allow, those of the
    layer after it and those of the layer before it by turns."""
    across = {node: position - (len(row) - 1) / 2 for row in rows for position, node in enumerate(row)}
    for _sweep in range(SWEEPS):
        for ordered, linked in ((rows[::-1], links.after), (rows, links.before)):
            for row in ordered[1:]:
                wanted = [_mean(linked[node], across, across[node]) for node in row]
                across.update(zip(row, _apart(wanted, [room[node] for node in row]), strict=True))
    least = min(across.values(), default=0.0)
    return [round(across[node] - least, 4) for node in range(len(across))]


def _mean(linked: Sequence[tuple[int, float]], place: Mapping[int, float], otherwise: float) -> float:
    return sum(place[node] + port for node, port in linked) / len(linked) if linked else otherwise


def _apart(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """Return the places nearest to the ``wanted`` ones, by the sum of squares, that keep their order and leave each
    its ``room``: wishes that are in each other's way are pooled and move as one block."""
    offsets = [0.0]
    for one, other in pairwise(room):
        offsets.append(offsets[-1] + (one + other) / 2)
    blocks: list[tuple[float, int]] = []  # where a block would let the row begin, and how many are in it
    for place, offset in zip(wanted, offsets, strict=False):
        mean, length = place - offset, 1
        while blocks and blocks[-1][0] > mean:
            earlier, size = blocks.pop()
            mean = (earlier * size + mean * length) / (size + length)
            length += size
        blocks.append((mean, length))
    flat = [mean for mean, length in blocks for _ in range(length)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=False)]
