"""The study of upsamplers: ten heads on one trunk, alike in all but the way in which they double their scores."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.checkpoint import CheckpointError, save_tensors
from core.data.scenes import CLASSES
from core.families import SHAPES, Family
from core.segmentation.base import pixel_loss
from core.segmentation.study import (
    CELL,
    DOUBLINGS,
    UPSAMPLERS,
    UpsampledScores,
    UpsamplingStudy,
    head_of,
    load_study,
    one_of,
    pooling_indices,
    studied,
)
from core.segmentation.upsampling import max_unpool
from core.stages import Step
from core.values import FeatureMap, LabelMap, ScoreMap, Value
from tests.segmentation.test_upsampling import KINDS, made
from tests.test_backbones import STRIDE, noise, stir_batch_norm

FIXED = ("nearest", "bilinear", "bicubic", "deconvolution_fixed")
TRAINED = tuple(name for name in UPSAMPLERS if name not in FIXED)


@pytest.fixture
def study() -> UpsamplingStudy:
    torch.manual_seed(0)
    study = UpsamplingStudy().eval()
    stir_batch_norm(study)
    return study


def steps(study: UpsamplingStudy, upsampler: str, image: Tensor) -> dict[str, Value]:
    with torch.inference_mode():
        stages = one_of(study, upsampler).steps(image)
        return {stage.name: stage.value for stage in stages if isinstance(stage, Step)}


def score_maps(study: UpsamplingStudy, upsampler: str, image: Tensor) -> list[ScoreMap]:
    return [value for value in steps(study, upsampler, image).values() if isinstance(value, ScoreMap)]


def heads(study: UpsamplingStudy) -> dict[str, UpsampledScores]:
    return {name: head for name, head in study.heads.items() if isinstance(head, UpsampledScores)}


def targets(count: int, height: int, width: int) -> list[dict[str, Tensor]]:
    instances = torch.zeros(height, width, dtype=torch.uint8)
    instances[3:20, 5:30] = 1
    return [{"instances": instances, "labels": torch.tensor([1 + index])} for index in range(count)]


def test_ten_heads_have_the_upsamplers_names(study: UpsamplingStudy) -> None:
    assert list(study.heads) == list(heads(study)) == list(UPSAMPLERS) and len(UPSAMPLERS) == 10
    for name, head in heads(study).items():
        assert [type(one) for one in head.doublings] == [KINDS[name]] * DOUBLINGS
        assert head.score.weight.shape == (len(CLASSES), study.trunk.channels, 1, 1)
    assert study.trunk.stride == STRIDE == CELL == 2**DOUBLINGS


def test_all_share_one_trunk(study: UpsamplingStudy) -> None:
    nets = [one_of(study, name) for name in UPSAMPLERS]
    assert all(net.trunk is study.trunk for net in nets)
    assert [net.head for net in nets] == list(heads(study).values())


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_fixed_ways_have_nothing_to_train(name: str, study: UpsamplingStudy) -> None:
    trained = [values for values in heads(study)[name].doublings.parameters() if values.requires_grad]
    assert len(trained) == (0 if name in FIXED else DOUBLINGS)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(257, 130), (33, 70), (64, 96), (2, 2), (1, 1)])
@pytest.mark.parametrize("name", UPSAMPLERS)
def test_every_way_ends_at_the_images_size(name: str, shape: tuple[int, int], study: UpsamplingStudy) -> None:
    values = steps(study, name, noise(3, *shape))
    assert list(values) == ["Convolution", "Score", *(f"Double to {stride}" for stride in (8, 4, 2, 1)), "Argmax"]
    features, *scores, labels = values.values()
    assert isinstance(features, FeatureMap) and isinstance(labels, LabelMap)
    cells = [math.ceil(length / STRIDE) for length in shape]
    assert features.stride == STRIDE and list(features.values.shape[1:]) == cells
    for doubled, one in enumerate(scores):
        assert isinstance(one, ScoreMap) and one.stride == STRIDE >> doubled
        assert one.values.shape == (7, *(length << doubled for length in cells))
    assert isinstance(one, ScoreMap)
    assert labels.labels.equal(one.values.argmax(0)[: shape[0], : shape[1]]) and labels.labels.shape == shape


def test_an_image_is_filled_up_with_its_edge(study: UpsamplingStudy) -> None:
    image = noise(3, 41, 50)
    filled = functional.pad(image[None].float(), (0, 14, 0, 7), mode="replicate")[0].to(torch.uint8)
    assert filled.shape == (3, 48, 64)
    net = one_of(study, "max_unpool")
    assert net.predict(image).equal(net.predict(filled)[:41, :50])
    whole = noise(3, 48, 64)
    cut = whole[:, :41, :50]
    assert not net.predict(cut).equal(net.predict(whole)[:41, :50])


@pytest.mark.parametrize("name", [*FIXED, "deconvolution"])
def test_scores_are_enlarged_in_four_doublings(name: str, study: UpsamplingStudy) -> None:
    coarse, *_between, full = (one.values for one in score_maps(study, name, noise(3, 64, 96)))
    kernel = made("deconvolution_fixed", 7).kernel
    expected = coarse[None]
    for _doubling in range(4):
        if "deconvolution" in name:  # the one that learns starts as the fixed one
            assert isinstance(kernel, Tensor)
            expected = functional.conv_transpose2d(expected, kernel, stride=2, padding=1, groups=7)
        else:
            expected = functional.interpolate(expected, scale_factor=2, mode=name)
    torch.testing.assert_close(full, expected[0], rtol=1e-4, atol=1e-5)


def test_scores_are_a_1_x_1_convolution_of_the_trunks_map(study: UpsamplingStudy) -> None:
    image = noise(3, 64, 96)
    features = steps(study, "nearest", image)["Convolution"]
    assert isinstance(features, FeatureMap)
    for name, head in heads(study).items():
        weight, bias = head.score.state_dict().values()
        with torch.inference_mode():
            expected = torch.einsum("kc,chw->khw", weight[:, :, 0, 0], features.values) + bias[:, None, None]
        torch.testing.assert_close(score_maps(study, name, image)[0].values, expected, rtol=1e-4, atol=1e-5)


def test_indices_are_those_of_max_poolings_of_every_stride(study: UpsamplingStudy) -> None:
    """Unpooling the pooled map with them puts every maximum back into its place."""
    images = noise(2, 3, 64, 96)
    with torch.inference_mode():
        stages = study.trunk.stages(images)
    grey = images.float().mean(1, keepdim=True)
    four, eight = (one.mean(1, keepdim=True) for one in stages[:2])
    pooled_from = [eight, four, functional.max_pool2d(grey, 2), grey]
    for stride, finer, indices in zip((8, 4, 2, 1), pooled_from, pooling_indices(images, stages), strict=True):
        assert finer.shape == (2, 1, 64 // stride, 96 // stride)
        assert indices.shape == (2, 1, 32 // stride, 48 // stride) and indices.dtype == torch.int64
        pooled = functional.max_pool2d(finer, 2)
        restored = max_unpool(pooled, indices, 2)
        assert restored.equal(functional.max_unpool2d(pooled, indices, [2, 2]))
        assert restored.count_nonzero() == pooled.count_nonzero() > 0
        assert torch.equal(restored, finer * (restored != 0)), "each value is where it was"
        assert functional.max_pool2d(restored, 2).equal(pooled)


def test_only_max_unpooling_looks_at_the_indices(study: UpsamplingStudy) -> None:
    images = noise(1, 3, 64, 96)
    with torch.inference_mode():
        stages = study.trunk.stages(images)
        indices = pooling_indices(images, stages)
        others = pooling_indices(images.flip(3), study.trunk.stages(images.flip(3)))
        for name, head in heads(study).items():
            (*_a, full), (*_b, other) = head(stages[-1], indices), head(stages[-1], others)
            assert full.equal(other) == (name != "max_unpool"), name


def test_losses_are_the_ways_own(study: UpsamplingStudy) -> None:
    images = noise(2, 3, 64, 96)
    losses = study.losses(images, targets(2, 64, 96))
    assert list(losses) == list(UPSAMPLERS)
    for name, loss in losses.items():
        scores = torch.stack([score_maps(study, name, image)[-1].values for image in images])
        torch.testing.assert_close(loss, pixel_loss(scores, targets(2, 64, 96)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["bilinear", "max_unpool", "deconvolution_uneven"])
def test_a_loss_trains_the_trunk_and_its_own_head(name: str, study: UpsamplingStudy) -> None:
    study.train().losses(noise(2, 3, 64, 96), targets(2, 64, 96))[name].backward()
    for key, values in study.named_parameters():
        trained = values.grad is not None and bool(values.grad.any())
        assert trained == key.startswith(("trunk.", f"heads.{name}.")), key


def test_every_weight_is_trained(study: UpsamplingStudy) -> None:
    torch.stack([*study.train().losses(noise(2, 3, 64, 96), targets(2, 64, 96)).values()]).sum().backward()
    for key, values in study.named_parameters():
        assert values.grad is not None and values.grad.any() and values.grad.isfinite().all(), key


@pytest.mark.parametrize("name", ["bilinear", "max_unpool"])
def test_one_that_learns_alone_has_the_loss_of_its_way(name: str, study: UpsamplingStudy) -> None:
    images, wanted = noise(2, 3, 64, 96), targets(2, 64, 96)
    losses = one_of(study, name).losses(images, wanted)
    assert list(losses) == ["classification"]
    assert losses["classification"].equal(study.losses(images, wanted)[name])


@pytest.fixture
def family(study: UpsamplingStudy, tmp_path: Path) -> Family:
    """A family that has the study, its trunk and each of its heads in a checkpoint of its own."""
    save_tensors({f"trunk.{key}": values for key, values in study.trunk.state_dict().items()}, path(tmp_path))
    for name, head in study.heads.items():
        save_tensors(head.state_dict(), path(tmp_path, head_of(name)))
    return replace(SHAPES, folder=tmp_path)


def path(folder: Path, name: str = UpsamplingStudy.name) -> Path:
    return folder / f"{name}.safetensors"


def test_the_loaded_study_predicts_what_was_stored(study: UpsamplingStudy, family: Family) -> None:
    loaded = load_study(family)
    assert not loaded.training and not any(isinstance(module, nn.BatchNorm2d) for module in loaded.modules())
    image = noise(3, 50, 70)
    for name in UPSAMPLERS:
        expected, found = (score_maps(one, name, image)[-1].values for one in (study, loaded))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_ten_trained_fcns_by_name(study: UpsamplingStudy, family: Family) -> None:
    nets = studied(family=family)
    assert list(nets) == list(UPSAMPLERS)
    image = noise(3, 50, 70)
    for name, net in nets.items():
        assert not net.training and net.trunk is nets["nearest"].trunk
        assert (net.predict(image) == one_of(study, name).predict(image)).float().mean() > 0.99, name


def test_a_way_without_weights_is_left_out(study: UpsamplingStudy, family: Family) -> None:
    path(family.folder, head_of("nearest")).unlink()
    assert list(load_study(family).heads) == list(studied(family=family)) == list(UPSAMPLERS[1:])
    image = noise(3, 50, 70)
    for name in ("bicubic", "max_unpool"):
        expected, found = (score_maps(one, name, image)[-1].values for one in (study, load_study(family)))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_the_ways_that_are_named_are_loaded_and_no_others(family: Family) -> None:
    assert list(load_study(family, ("bicubic", "nearest")).heads) == ["bicubic", "nearest"]
    path(family.folder, head_of("bicubic")).write_bytes(b"")
    assert list(studied(("nearest",), family)) == ["nearest"]


@pytest.mark.parametrize("missing", [("nearest",), UPSAMPLERS])
def test_a_named_way_without_weights_is_a_sentence_with_its_command(missing: tuple[str, ...], family: Family) -> None:
    for name in missing:
        path(family.folder, head_of(name)).unlink()
    with pytest.raises(CheckpointError, match="nearest is missing: run `python -m core train nearest` to train it"):
        studied(("nearest",) if missing != UPSAMPLERS else (), family)


def test_a_damaged_way_is_a_sentence_with_its_command(family: Family) -> None:
    path(family.folder, head_of("bicubic")).write_bytes(b"")
    with pytest.raises(CheckpointError, match="bicubic is damaged: run `python -m core train bicubic` to train it"):
        load_study(family)


def test_a_missing_study_is_a_sentence_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="upsamplers is missing: run `python -m core train upsamplers`"):
        load_study(replace(SHAPES, folder=tmp_path))
