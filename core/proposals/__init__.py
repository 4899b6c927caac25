"""Region proposals: selective search, anchors and the region proposal network."""

from core.proposals.selective_search import selective_search

__all__ = ["selective_search"]
