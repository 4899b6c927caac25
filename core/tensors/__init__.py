"""Tensors to play with: a small safe language, where the elements lie, and how shapes are broadcast."""

from core.tensors.errors import ExpressionError
from core.tensors.expression import evaluate

__all__ = ["ExpressionError", "evaluate"]
