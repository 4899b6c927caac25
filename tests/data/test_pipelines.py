"""Pipelines as texts, and what an exchange of two steps changes."""

import pytest
import torch

from core.data.pipelines import MOST_STEPS, parse, swaps, tried, written
from core.data.sources import open_source
from core.data.transforms import TransformError, each_step

IMAGE = torch.arange(3 * 40 * 60, dtype=torch.int64).remainder(251).to(torch.uint8).reshape(3, 40, 60)
TARGET = {"boxes": torch.tensor([[0.0, 0, 8, 40], [50, 5, 58, 12]]), "labels": torch.tensor([1, 2])}
SAMPLE = (IMAGE, TARGET)


def test_a_text_is_a_description_and_back() -> None:
    text = "crop:side=32,flip:p=1,jitter"
    description = parse(text)
    assert description == [{"name": "crop", "side": 32}, {"name": "flip", "p": 1}, {"name": "jitter"}]
    assert written(description) == text
    assert written(parse("flip:p=0.5,blur:sigma=2")) == "flip,blur", "defaults are left out"
    assert parse("") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("flip(p=1)", "is no step"),
        ("flip:p=e", "is no number"),
        (",".join(["flip"] * (MOST_STEPS + 1)), f"at most {MOST_STEPS} steps"),
    ],
)
def test_other_texts_are_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(TransformError, match=sentence):
        parse(text)


def test_a_run_goes_as_far_as_it_can_and_says_why_it_ends() -> None:
    run = tried(SAMPLE, parse("flip:p=1,normalise,to_float"), 0)
    assert [stage.name for stage in run.stages] == ["", "flip"]
    assert "Normalise" in run.error and "float" in run.error
    assert tried(SAMPLE, parse("flip:p=1"), 0).error == ""
    with pytest.raises(TransformError, match="no step 'dance'"):
        tried(SAMPLE, parse("dance"), 0)


def test_an_exchange_says_what_it_changes() -> None:
    description = parse("centre_crop:side=32,flip:p=1,crop:side=20,to_float,normalise")
    found = swaps(SAMPLE, description, 4)
    assert [one.place for one in found] == [0, 1, 2, 3]
    assert found[0].same, "the centre stays the centre"
    assert not found[1].same and found[1].changed
    assert found[2].same
    assert found[3].changed is None and "Normalise" in found[3].run.error
    swapped = each_step(SAMPLE, parse("centre_crop:side=32,crop:side=20,flip:p=1,to_float,normalise"), 4)[-1]
    assert torch.equal(found[1].run.stages[-1].image, swapped.image)


def test_objects_that_an_exchange_loses_are_named() -> None:
    # Cropped first, the left object is cut away; resized first, the crop takes all.
    (one,) = swaps(SAMPLE, parse("centre_crop:side=40,resize:side=40"), 0)
    assert one.gained == (0, 1) and one.lost == () and not one.same


def test_an_exchange_can_mend_an_order() -> None:
    (one,) = swaps(SAMPLE, parse("normalise,to_float"), 0)
    assert one.run.error == "" and one.changed is None and not one.same


def test_what_rounding_comes_to_is_no_difference() -> None:
    sample = open_source("scenes")[4]
    (one,) = swaps(sample, parse("jitter,to_float"), 0)
    exact = each_step(sample, parse("jitter,to_float"), 0)[-1].image
    assert one.same and not torch.equal(one.run.stages[-1].image, exact)
    assert not swaps(sample, parse("jitter,grey:p=1"), 0)[0].same
