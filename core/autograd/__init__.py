"""PyTorch from the inside: the graph behind a value, modules, and the rules that optimizers follow."""

from core.autograd.graph import Graph, graph

__all__ = ["Graph", "graph"]
