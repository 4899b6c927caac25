"""The FCNs against one written by hand, and each of their parts: map sizes, skips, interpolation, start and loss."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.data.scenes import CLASSES
from core.segmentation.fcn import COARSEST, FCN, FCN8s, FCN16s, FCN32s, enlarged
from core.segmentation.upsampling import bilinear_kernel
from core.stages import Step
from core.values import FeatureMap, LabelMap, ScoreMap, Value
from tests.test_backbones import STRIDE, noise, stir_batch_norm

KINDS = (FCN32s, FCN16s, FCN8s)
SIZES = [(257, 130), (33, 70), (64, 96), (2, 2), (1, 1)]
SEEN = 259  # pixels that a coarse cell sees, about pixel 32 i: the trunk's 163, and 6 cells of 16 more behind it


def trained(kind: type[FCN]) -> FCN:
    """An FCN that could have been trained: nothing is zero, and no deconvolution interpolates."""
    torch.manual_seed(0)
    net = kind().eval()
    stir_batch_norm(net)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
        elif isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.3)
    for score in net.score:
        assert isinstance(score, nn.Conv2d) and score.bias is not None
        nn.init.normal_(score.bias)
    return net


def steps(net: FCN, image: Tensor) -> dict[str, Value]:
    with torch.inference_mode():
        return {stage.name: stage.value for stage in net.steps(image) if isinstance(stage, Step)}


def scores(net: FCN, image: Tensor, name: str = "Deconvolution") -> Tensor:
    value = steps(net, image)[name]
    assert isinstance(value, ScoreMap)
    return value.values


def by_hand(weights: dict[str, Tensor], image: Tensor) -> Tensor:
    """FCN-8s in so many words: every layer's weights, stride and padding are named where it is used."""

    def block(maps: Tensor, convolution: int, stride: int, padding: int, within: str = "trunk") -> Tensor:
        maps = functional.conv2d(maps, weights[f"{within}.{convolution}.weight"], stride=stride, padding=padding)
        norm = f"{within}.{convolution + 1}"
        mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
        return functional.batch_norm(maps, mean, variance, weights[f"{norm}.weight"], weights[f"{norm}.bias"]).relu()

    def convolved(maps: Tensor, name: str, padding: int = 0) -> Tensor:
        return functional.conv2d(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=padding)

    def doubled(maps: Tensor, name: str, like: Tensor) -> Tensor:
        maps = functional.conv_transpose2d(maps, weights[f"{name}.weight"], stride=2, padding=1, groups=len(CLASSES))
        return maps[:, :, : like.shape[2], : like.shape[3]]

    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    pixels = ((image / 255 - mean) / std)[None]
    four = block(pixels, 0, 4, 5)
    eight = block(functional.max_pool2d(four, 3, 2, 1), 4, 1, 2)
    sixteen = functional.max_pool2d(eight, 3, 2, 1)
    for convolution in (8, 11, 14):
        sixteen = block(sixteen, convolution, 1, 1)
    hidden = convolved(functional.max_pool2d(sixteen, 3, 2, 1), "layers.1", padding=1).relu()
    hidden = convolved(hidden, "layers.3").relu()

    coarse = convolved(hidden, "score.0")
    finer = convolved(sixteen, "score.1")
    finer = finer + doubled(coarse, "deconvolution.0", finer)
    rows, columns = eight.shape[2:]
    folded = torch.zeros(1, 32, 2, 2, rows, columns)
    for row in range(four.shape[2]):
        for column in range(four.shape[3]):
            folded[0, :, row % 2, column % 2, row // 2, column // 2] = four[0, :, row, column]
    fine = torch.cat([eight, folded.flatten(1, 3)], 1)
    for convolution in (0, 3):
        fine = block(fine, convolution, 1, 1, "deepen")
    finest = convolved(fine, "score.2")
    finest = finest + doubled(finer, "deconvolution.1", finest)
    full = functional.interpolate(finest, scale_factor=8, mode="bilinear", align_corners=False)
    return full[0, :, : image.shape[1], : image.shape[2]]


@pytest.mark.parametrize("shape", SIZES)
def test_fcn8s_is_the_one_written_by_hand(shape: tuple[int, int]) -> None:
    net, image = trained(FCN8s), noise(3, *shape)
    with torch.inference_mode():
        expected = by_hand(dict(net.state_dict()), image)
    torch.testing.assert_close(scores(net, image), expected, rtol=1e-4, atol=1e-3)
    labels = expected.argmax(0)
    best, second = expected.topk(2, dim=0).values
    sure = best - second > 0.01
    assert (net.predict(image) == labels)[sure].all() and sure.float().mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_stages_have_the_papers_strides(kind: type[FCN]) -> None:
    values = steps(kind().eval(), noise(3, 64, 64))
    fused = {"fcn32s": [], "fcn16s": ["Fuse 16"], "fcn8s": ["Fuse 16", "Fuse 8"]}[kind.name]
    assert list(values) == ["Convolution", "Score 32", *fused, "Deconvolution", "Argmax"]
    strides = [value.stride for value in values.values() if isinstance(value, FeatureMap | ScoreMap)]
    assert strides == [STRIDE, *[32, 16, 8][: len(fused) + 1], 1]
    assert min(strides[1:-1]) == COARSEST >> kind.skips


@pytest.mark.parametrize("shape", SIZES)
def test_maps_have_a_cell_for_every_stride_begun(shape: tuple[int, int]) -> None:
    height, width = shape
    values = steps(trained(FCN8s), noise(3, *shape))
    for name, stride in (("Score 32", 32), ("Fuse 16", 16), ("Fuse 8", 8), ("Deconvolution", 1)):
        value = values[name]
        assert isinstance(value, ScoreMap)
        assert value.values.shape == (7, math.ceil(height / stride), math.ceil(width / stride)), name
    labels, full = values["Argmax"], values["Deconvolution"]
    assert isinstance(labels, LabelMap) and isinstance(full, ScoreMap)
    assert labels.labels.equal(full.values.argmax(0)) and labels.labels.shape == shape


@pytest.mark.parametrize("shape", [(290, 290), (400, 331), (512, 300)])
def test_a_cut_out_scores_as_it_does_within_the_image(shape: tuple[int, int]) -> None:
    """Away from the edges the size of the image is nothing to a fully convolutional network."""
    net, image = trained(FCN32s), noise(3, 544, 512)
    down, across = 32, 64
    whole = scores(net, image, "Score 32")
    part = scores(net, image[:, down : down + shape[0], across : across + shape[1]], "Score 32")
    inside = [[i for i in range(17) if 32 * i >= SEEN // 2 and 32 * i + SEEN // 2 < length] for length in shape]
    assert all(inside)
    for row in inside[0]:
        for column in inside[1]:
            expected = whole[:, row + down // 32, column + across // 32]
            torch.testing.assert_close(part[:, row, column], expected, rtol=1e-4, atol=1e-3)
    assert (part[:, 0, 0] - whole[:, 1, 2]).abs().max() > 0.01, "at the edge it is"


@pytest.mark.parametrize("kind", KINDS)
def test_skips_are_added_up(kind: type[FCN]) -> None:
    """The scores are the sum of what each of the scoring layers gives by itself."""
    image = noise(3, 97, 130)
    alone = []
    for only in range(kind.skips + 1):
        net = trained(kind)
        for index, layer in enumerate(net.score):
            if index != only:
                for values in layer.parameters():
                    nn.init.zeros_(values)
        alone.append(scores(net, image))
        assert alone[-1].std() > 0.1
    torch.testing.assert_close(sum(alone), scores(trained(kind), image), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("factor", [8, 16, 32])
@pytest.mark.parametrize("cells", [(5, 4), (3, 7)])
def test_the_last_deconvolution_is_the_papers_fixed_one(factor: int, cells: tuple[int, int]) -> None:
    coarse = torch.randn(2, 7, *cells, generator=torch.Generator().manual_seed(0))
    height, width = (factor * length for length in cells)
    kernel = bilinear_kernel(2 * factor).expand(7, 1, -1, -1)
    fixed = functional.conv_transpose2d(coarse, kernel, stride=factor, padding=factor // 2, groups=7)
    found = enlarged(coarse, factor, (height, width))
    assert fixed.shape == found.shape == (2, 7, height, width)
    inside = (..., slice(factor // 2, -(factor // 2)), slice(factor // 2, -(factor // 2)))
    torch.testing.assert_close(found[inside], fixed[inside], rtol=1e-4, atol=1e-5)
    assert (found - fixed).abs().max() > 0.1, "at the border the fixed one shrinks the scores"
    assert found.argmax(1).equal(fixed.argmax(1)), "of all classes alike"
    assert enlarged(coarse, factor, (height - 3, width - 5)).equal(found[..., : height - 3, : width - 5])


@pytest.mark.parametrize("kind", KINDS)
def test_scores_begin_at_zero_and_deconvolutions_as_interpolation(kind: type[FCN]) -> None:
    net = kind().eval()
    assert len(net.score) == kind.skips + 1 and len(net.deconvolution) == kind.skips
    assert all(not values.any() for values in net.score.parameters())
    for layer in net.deconvolution:
        assert isinstance(layer, nn.ConvTranspose2d) and layer.bias is None and layer.groups == 7
        assert layer.weight.equal(bilinear_kernel(4).expand(7, 1, -1, -1)) and layer.weight.requires_grad
    image = noise(3, 65, 40)
    assert not scores(net, image).any()
    assert not net.predict(image).any(), "of equal scores the background's comes first"


def target(height: int, width: int) -> dict[str, Tensor]:
    """Two objects, of the classes 5 and 2, the second in front of the first."""
    instances = torch.zeros(height, width, dtype=torch.uint8)
    instances[5:40, 10:30] = 1
    instances[30:50, 20:60] = 2
    return {"instances": instances, "labels": torch.tensor([5, 2])}


@pytest.mark.parametrize("kind", KINDS)
def test_loss_is_the_cross_entropy_of_every_pixel(kind: type[FCN]) -> None:
    net = trained(kind)
    images = noise(2, 3, 70, 90)
    nothing = {"instances": torch.zeros(70, 90, dtype=torch.uint8), "labels": torch.zeros(0, dtype=torch.int64)}
    parts = net.losses(images, [target(70, 90), nothing])
    assert list(parts) == ["classification"]
    classes = torch.zeros(2, 70, 90, dtype=torch.int64)
    classes[0, 5:40, 10:30] = 5
    classes[0, 30:50, 20:60] = 2
    log_odds = torch.stack([scores(net, image) for image in images]).log_softmax(1)
    by_hand = -log_odds.gather(1, classes[:, None]).mean()
    torch.testing.assert_close(parts["classification"], by_hand, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_is_trained(kind: type[FCN]) -> None:
    net = trained(kind).train()
    net.losses(noise(2, 3, 70, 90), [target(70, 90)] * 2)["classification"].backward()
    for name, values in net.named_parameters():
        assert values.grad is not None and values.grad.any() and values.grad.isfinite().all(), name
