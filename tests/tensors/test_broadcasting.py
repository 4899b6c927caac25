"""Alignment of shapes, held against torch.broadcast_shapes and expand."""

from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.tensors import ExpressionError, evaluate
from core.tensors.broadcasting import Broadcast, align, broadcast
from core.tensors.source import Place

shapes = st.lists(st.sampled_from([0, 1, 1, 2, 3]), max_size=4).map(tuple)


@pytest.mark.slow
@settings(max_examples=500)
@given(st.lists(shapes, min_size=1, max_size=3))
def test_the_result_is_torchs_and_an_axis_is_stretched_where_expand_does_not_step(given: list[tuple[int, ...]]) -> None:
    axes = align(*given)
    result = Broadcast(("",) * len(given), tuple(given), axes).shape
    try:
        expected = torch.broadcast_shapes(*given)
    except RuntimeError:
        assert result is None
        return
    assert result == expected
    for number, shape in enumerate(given):
        steps = torch.zeros(shape).expand(expected).stride()
        for axis, step, size in zip(axes, steps, expected, strict=True):
            if size > 1:
                assert axis.stretched[number] == (step == 0)


def test_a_missing_axis_and_a_mismatch() -> None:
    axes = align((3, 4), (4,))
    assert [axis.sizes for axis in axes] == [(3, None), (4, 4)]
    assert [axis.stretched for axis in axes] == [(False, True), (False, False)]
    axes = align((3, 4), (3,))
    assert [axis.size for axis in axes] == [3, None]
    assert not any(axes[1].stretched)


@pytest.mark.parametrize(
    ("source", "operands", "shape"),
    [
        ("x = ones(3, 1)\ny = 2 * (x - ones(4)) + 1", ("x", "ones(4)"), (3, 4)),
        ("x = ones(3, 4)\nx += arange(4)", ("x", "arange(4)"), (3, 4)),
        ("x = ones(3, 4)\nx[0] > x", ("x[0]", "x"), (3, 4)),
        ("x = ones(3, 4)\nx *\\\n  x.T", ("x", "x.T"), None),
    ],
)
def test_an_operator_is_described_in_the_words_of_the_source(
    source: str, operands: tuple[str, ...], shape: tuple[int, ...] | None
) -> None:
    seen: list[Broadcast] = []

    def note(place: Place, tensors: list[Tensor]) -> None:
        seen.append(broadcast(source, place, tensors))

    with nullcontext() if shape else pytest.raises(ExpressionError):
        evaluate(source, operating=note)
    assert (seen[-1].operands, seen[-1].shape) == (operands, shape)


def test_an_error_brings_what_the_lines_before_have_made() -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate("x = ones(2)\nx + ones(3)\ny = 1")
    assert list(raised.value.values) == ["x"]
