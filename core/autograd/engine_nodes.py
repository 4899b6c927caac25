"""The nodes that autograd itself keeps: those behind a value, as they were made and as its engine goes back."""

import heapq
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor
from torch.autograd.graph import Node as AutogradNode


def leaf_of(node: AutogradNode) -> Tensor | None:
    """Return the leaf tensor whose gradient ``node`` gathers, or None where it does something else."""
    return getattr(node, "variable", None)


def is_leaf(node: AutogradNode) -> bool:
    """Whether ``node`` gathers the gradient of a leaf tensor."""
    return leaf_of(node) is not None


def made_by(tensor: Tensor) -> tuple[AutogradNode, int] | None:
    """Return the node behind ``tensor`` and which of its outputs it is, or None where there is no graph.

    There is none behind a view that was taken of a leaf under no_grad either, which says that it requires a gradient.
    """
    if not tensor.requires_grad:
        return None
    if tensor.grad_fn is not None:
        return tensor.grad_fn, tensor.output_nr
    through = tensor.view_as(tensor).grad_fn  # a leaf's own node is found behind anything that is made of it
    ((node, output),) = through.next_functions if through else ((None, 0),)
    return (node, output) if node else None


def _producers(node: AutogradNode) -> list[AutogradNode]:
    return [producer for producer, _output in node.next_functions if producer is not None]


def count_nodes(tensor: Tensor) -> int:
    """Return the number of nodes in the graph behind ``tensor``."""
    root = made_by(tensor)
    return len(_all_behind(root[0])) if root else 0


def _all_behind(root: AutogradNode) -> list[AutogradNode]:
    found, waiting = {root: None}, [root]
    while waiting:
        for producer in _producers(waiting.pop()):
            if producer not in found:
                found[producer] = None
                waiting.append(producer)
    return list(found)


def in_order(root: AutogradNode) -> list[AutogradNode]:
    """Return all nodes behind ``root``, producers first and else as they were made, a leaf where it is first used."""
    nodes = _all_behind(root)
    consumers: dict[AutogradNode, list[AutogradNode]] = {node: [] for node in nodes}
    for node in nodes:
        for producer in _producers(node):
            consumers[producer].append(node)

    def urgency(node: AutogradNode) -> tuple[int, int]:
        if not is_leaf(node):
            return node._sequence_nr(), 1
        return min((consumer._sequence_nr() for consumer in consumers[node]), default=0), 0

    waits = {node: len(_producers(node)) for node in nodes}
    return list(_released(nodes, waits, consumers.__getitem__, urgency))


def in_engines_order(root: AutogradNode) -> Iterator[AutogradNode]:
    """Yield all nodes behind ``root`` as PyTorch's engine takes them: of those whose consumers are all done a leaf, or
    else the one that was made last."""
    nodes = _all_behind(root)
    waits = dict.fromkeys(nodes, 0)
    for node in nodes:
        for producer in _producers(node):
            waits[producer] += 1

    def urgency(node: AutogradNode) -> tuple[int, int]:
        return (0, 0) if is_leaf(node) else (1, -node._sequence_nr())

    return _released(nodes, waits, _producers, urgency)


def _released(
    nodes: Sequence[AutogradNode],
    waits: dict[AutogradNode, int],
    followers: Callable[[AutogradNode], Sequence[AutogradNode]],
    urgency: Callable[[AutogradNode], tuple[int, int]],
) -> Iterator[AutogradNode]:
    """Yield ``nodes``, each when it ``waits`` for none any more, the smallest ``urgency`` first."""
    position = {node: place for place, node in enumerate(nodes)}
    ready = [(*urgency(node), position[node]) for node in nodes if not waits[node]]
    heapq.heapify(ready)
    while ready:
        node = nodes[heapq.heappop(ready)[-1]]
        yield node
        for follower in followers(node):
            waits[follower] -= 1
            if not waits[follower]:
                heapq.heappush(ready, (*urgency(follower), position[follower]))
