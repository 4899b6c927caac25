"""What the segmentation page is sent: label maps, receptive fields, fusion and instances."""

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.backbones import fold_batch_norm
from core.data.scenes import ShapeScenes, label_map
from core.families import PHOTOS
from core.figures.segmentation import (
    compared_data,
    explore_data,
    figures_of,
    fusion_data,
    instances_data,
    layers_of,
    squeezed,
)
from core.segmentation import NAMES, MaskRCNN, Segmenter, build
from core.segmentation.evaluation import labels_of
from core.segmentation.fcn import FCN
from core.stages import Trace, run
from core.values import Instances

Scene = tuple[Tensor, dict[str, Tensor]]
CLASSES = ShapeScenes.classes


@pytest.fixture(scope="module")
def models() -> dict[str, Segmenter | MaskRCNN]:
    """Random weights: what is shown has to be right whatever the model says."""
    torch.manual_seed(0)
    built = {name: build(name) for name in NAMES}
    for model in built.values():
        if isinstance(model, FCN):
            for layer in model.score.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.normal_(layer.weight, std=0.1)
        fold_batch_norm(model)
    return built


@pytest.fixture(scope="module")
def scene() -> Scene:
    return ShapeScenes("validation", 10)[2]


@pytest.fixture(scope="module")
def traces(models: dict[str, Segmenter | MaskRCNN], scene: Scene) -> dict[str, Trace]:
    return {name: run(model, scene[0]) for name, model in models.items()}


def unsqueezed(text: str, dtype: str = "u1") -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), f"<{dtype}")


def test_squeezed_numbers_come_back() -> None:
    values = torch.tensor([[-3, 0], [500, 7]])
    assert unsqueezed(squeezed(values, "i2"), "i2").tolist() == [-3, 0, 500, 7]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_labels_are_the_models_and_the_figures_this_images(
    models: dict[str, Segmenter | MaskRCNN], traces: dict[str, Trace], scene: Scene, name: str
) -> None:
    data: Any = explore_data(models[name], traces[name], scene[1])
    labels = unsqueezed(data["labels"]).reshape(256, 256)
    assert np.array_equal(labels, models[name].predict(scene[0]))
    true = label_map(scene[1]["masks"], scene[1]["labels"]).numpy()
    assert np.array_equal(unsqueezed(data["truth"]).reshape(256, 256), true)
    assert data["figures"]["pixel_accuracy"] == pytest.approx((labels == true).mean(), abs=1e-4)
    assert np.sum(data["figures"]["confusion"]) == 256 * 256
    for shares, shown in ((data["shares"]["labels"], labels), (data["shares"]["truth"], true)):
        assert shares == pytest.approx([(shown == label).mean() for label in range(7)], abs=1e-4)
    assert data["classes"][0]["colour"] == "#8C8C8C" and data["layer"] in [one["name"] for one in data["layers"]]


@pytest.mark.parametrize("name", ["patch_cnn", "fcn32s", "fcn8s"])
def test_a_pixels_probabilities_sum_to_one_and_its_label_is_the_greatest(
    models: dict[str, Segmenter | MaskRCNN], traces: dict[str, Trace], name: str
) -> None:
    data = explore_data(models[name], traces[name])
    probabilities = unsqueezed(data["probabilities"]).reshape(7, 256, 256).astype(int)
    assert np.abs(probabilities.sum(0) - 255).max() <= 4
    labels = unsqueezed(data["labels"]).reshape(256, 256)
    chosen = np.take_along_axis(probabilities, labels[None].astype(int), 0)[0]
    assert (chosen == probabilities.max(0)).all()


@pytest.mark.slow
def test_of_instances_a_pixel_has_the_best_score_of_a_mask(models: dict[str, Any], scene: Scene) -> None:
    image, truth = scene
    scores = torch.linspace(0.9, 0.5, len(truth["labels"]))
    value = Instances(truth["boxes"], scores, truth["labels"], truth["masks"])
    trace = run(models["mask_rcnn"], image)
    trace = Trace(image, (*trace.steps[:-1], type(trace.steps[-1])("Paste", value, 0.1)))
    data: Any = explore_data(models["mask_rcnn"], trace, truth)
    probabilities = unsqueezed(data["probabilities"]).reshape(7, 256, 256)
    for mask, label, score in zip(truth["masks"], truth["labels"].tolist(), scores.tolist(), strict=True):
        shown = probabilities[label][mask.numpy()]
        assert shown.min() == shown.max() == pytest.approx(255 * score, abs=1)
    assert data["instances"] and data["figures"]["mean_iou"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("size", [(2, 2), (1, 300), (300, 1000)])
@pytest.mark.parametrize("name", NAMES)
def test_images_of_any_size_have_all_that_is_shown(
    models: dict[str, Segmenter | MaskRCNN], size: tuple[int, int], name: str
) -> None:
    image = torch.randint(256, (3, *size), dtype=torch.uint8)
    trace = run(models[name], image)
    data = explore_data(models[name], trace)
    assert len(unsqueezed(data["labels"])) == size[0] * size[1]
    every = data["every"]
    sampled = 7 * -(-size[0] // every) * -(-size[1] // every)
    assert len(unsqueezed(data["probabilities"])) == sampled <= 7 * 256 * 256
    assert data["truth"] is None and data["figures"] is None
    x, y = data["start"]
    assert 0 <= x < size[1] and 0 <= y < size[0]
    assert all(one["rows"] >= 1 and one["columns"] >= 1 for one in data["layers"])
    assert len(json.dumps(data, allow_nan=False)) < 1_500_000


@pytest.mark.parametrize("name", ["patch_cnn", "fcn8s"])
def test_there_are_as_many_cells_as_the_layers_make(models: dict[str, Segmenter | MaskRCNN], name: str) -> None:
    image = torch.zeros(3, 83, 150, dtype=torch.uint8)
    layers = {one["name"]: one for one in layers_of(models[name], 83, 150)}
    made = {step.name: step.value for step in run(models[name], image).steps}
    shape = tuple(made["Convolution"].values.shape)  # type: ignore[union-attr]
    assert (layers["conv5"]["channels"], layers["conv5"]["rows"], layers["conv5"]["columns"]) == shape
    score = made["Score 32" if name == "fcn8s" else "Fully connected, as convolutions"]
    shape = tuple(score.values.shape)  # type: ignore[union-attr]
    assert (layers["score"]["channels"], layers["score"]["rows"], layers["score"]["columns"]) == shape


@pytest.mark.parametrize("name", ["patch_cnn", "fcn32s"])
def test_a_cell_of_the_scores_sees_the_pixels_that_change_it(
    models: dict[str, Segmenter | MaskRCNN], name: str
) -> None:
    """Pixels outside of what a cell is said to see change nothing."""
    image = torch.randint(256, (3, 400, 400), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    layer = {one["name"]: one for one in layers_of(models[name], 400, 400)}["score"]
    row, column = layer["rows"] // 2, layer["columns"] // 2
    top, left = (int(layer["start"] + place * layer["stride"]) for place in (row, column))
    side = int(layer["size"])

    def score(pixels: Tensor) -> Tensor:
        steps = run(models[name], pixels).steps
        return steps[1].value.values[:, row, column]  # type: ignore[union-attr]

    outside = 255 - image
    outside[:, top : top + side, left : left + side] = image[:, top : top + side, left : left + side]
    torch.testing.assert_close(score(outside), score(image))
    corner = image.clone()
    corner[:, top : top + 24, left : left + 24] = 255 - corner[:, top : top + 24, left : left + 24]
    assert not torch.equal(score(corner), score(image))


def test_the_layers_of_mask_rcnn_are_in_pixels_of_the_image(models: dict[str, Segmenter | MaskRCNN]) -> None:
    """It scales a short side of 512 to 256 first."""
    small, large = (layers_of(models["mask_rcnn"], side, side)[-1] for side in (256, 512))
    assert large["size"] == 2 * small["size"] and large["stride"] == 32 and large["rows"] == small["rows"]


@pytest.mark.parametrize("name", NAMES)
def test_layers_of_the_photographs_models_stand_where_their_cells_look(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, "photos")
    layers = {one["name"]: one for one in layers_of(model, 320, 427)}
    assert len(layers) == len(layers_of(model, 320, 427)), "two are called alike"
    block = layers["block7"]
    assert (block["channels"], block["stride"], block["first"]) == (80, 16, -40 if name == "patch_cnn" else 0)
    assert (block["rows"], block["columns"]) == ((25, 32) if name == "patch_cnn" else (20, 27))
    last = list(layers)[-1]
    assert last == ("map" if name == "mask_rcnn" else "score")
    if name != "mask_rcnn":
        stride = 16 if name == "patch_cnn" else 32
        assert (layers["score"]["rows"], layers["score"]["columns"]) == (320 // stride, -(-427 // stride))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_photos_are_shown_by_the_photographs_models(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, "photos")
    image = torch.randint(256, (3, 320, 427), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data: Any = explore_data(model, run(model, image))
    assert [one["name"] for one in data["classes"]] == list(PHOTOS.classes)
    assert data["layer"] == "block7" and data["void"] is None
    json.dumps(data, allow_nan=False)


def partly_known(truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same truth with a stripe of void, and with a first object that nobody told apart."""
    void = torch.zeros(256, 256, dtype=torch.bool)
    void[100:110] = True
    labels = label_map(truth["masks"], truth["labels"]).masked_fill(void, 255).to(torch.uint8)
    void |= truth["masks"][0]
    masks = truth["masks"] & ~void
    return {**truth, "iscrowd": torch.zeros_like(truth["labels"]), "masks": masks, "void": void, "pixel_labels": labels}


def test_what_is_not_known_is_drawn_as_such_and_not_scored(
    models: dict[str, Segmenter | MaskRCNN], traces: dict[str, Trace], scene: Scene
) -> None:
    truth = partly_known(scene[1])
    explored: Any = explore_data(models["fcn8s"], traces["fcn8s"], truth)
    drawn = unsqueezed(explored["truth"]).reshape(256, 256)
    assert (drawn[100:110] == 255).all() and explored["void"]["name"] == "not known"
    assert np.sum(explored["figures"]["confusion"]) == 246 * 256 and explored["figures"]["boundary_f"] is None
    assert len(explored["shares"]["truth"]) == 7
    assert sum(explored["shares"]["truth"]) == pytest.approx(246 / 256, abs=1e-3)
    data = compared_data(models, traces, truth)
    assert data["void"] == explored["void"] and data["truth"] == explored["truth"]
    assert compared_data(models, traces, scene[1])["void"] is None


def test_objects_that_nobody_told_apart_are_not_looked_for(traces: dict[str, Trace], scene: Scene) -> None:
    image, truth = scene
    known = partly_known(truth)
    perfect = Instances(truth["boxes"], torch.ones(len(truth["labels"])), truth["labels"], truth["masks"])
    masks = Trace(image, (type(traces["mask_rcnn"].steps[-1])("Paste", perfect, 0.1),))
    data = instances_data(masks, masks, CLASSES, known)
    assert data["fates"]["masks"] == {"found": len(truth["labels"]) - 1}
    assert len(data["panels"]["truth"]["labels"]) == len(truth["labels"]) - 1


@pytest.mark.slow
def test_all_models_stand_side_by_side(
    models: dict[str, Segmenter | MaskRCNN], traces: dict[str, Trace], scene: Scene
) -> None:
    data = compared_data(models, traces, scene[1])
    assert [one["name"] for one in data["models"]] == list(NAMES)
    for one in data["models"]:
        assert one["figures"] == figures_of(traces[one["name"]], scene[1], CLASSES)
        assert one["ms"] == pytest.approx(1000 * traces[one["name"]].seconds) and one["parameters"] > 500_000
    without = compared_data(models, traces)
    assert without["truth"] is None and all(one["figures"] is None for one in without["models"])


@pytest.mark.parametrize("size", [(256, 256), (100, 75), (33, 17)])
def test_a_fused_score_is_the_enlarged_one_plus_the_skip(
    models: dict[str, Segmenter | MaskRCNN], size: tuple[int, int]
) -> None:
    model = models["fcn8s"]
    assert isinstance(model, FCN)
    image = torch.randint(256, (3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    skips: list[Tensor] = []
    hooks = [score.register_forward_hook(lambda _m, _in, out: skips.append(out[0])) for score in model.score]
    trace = run(model, image)
    for hook in hooks:
        hook.remove()
    data = fusion_data(model, trace)
    assert [one["stride"] for one in data["stages"]] == [32, 16, 8]
    for number, one in enumerate(data["stages"]):
        maps = {name: unsqueezed(text, "i2") / 100 for name, text in one["maps"].items()}
        assert all(len(values) == 7 * one["rows"] * one["columns"] for values in maps.values())
        if number:
            np.testing.assert_allclose(maps["enlarged"] + maps["skip"], maps["scores"], atol=0.02)
            np.testing.assert_allclose(maps["skip"], skips[number].flatten(), atol=0.01)
    assert 1 <= data["start"] <= 6
    assert all(low <= high for low, high in zip(data["lowest"], data["highest"], strict=True))


def test_instances_are_numbered_and_counted(traces: dict[str, Trace], scene: Scene) -> None:
    image, truth = scene
    perfect = Instances(truth["boxes"], torch.ones(len(truth["labels"])), truth["labels"], truth["masks"])
    last = type(traces["mask_rcnn"].steps[-1])
    masks = Trace(image, (last("Paste", perfect, 0.1),))
    data = instances_data(masks, masks, CLASSES, truth)
    assert data["fates"]["masks"] == {"found": len(truth["labels"])}
    assert data["fates"]["perfect"] == data["fates"]["components"] and data["fates"]["perfect"]["merged"] == 2
    ids = unsqueezed(data["panels"]["masks"]["ids"]).reshape(256, 256)
    for number, mask in enumerate(truth["masks"].numpy(), 1):
        assert (ids[mask] == number).all()
        x, y = data["panels"]["masks"]["middles"][number - 1]
        assert ids[y, x] == number
    assert np.array_equal(unsqueezed(data["labels"]).reshape(256, 256), labels_of(perfect))


def test_without_truth_nothing_is_counted(traces: dict[str, Trace]) -> None:
    data = instances_data(traces["fcn8s"], traces["mask_rcnn"], CLASSES, None)
    assert data["fates"] == {} and list(data["panels"]) == ["components", "masks"]
    json.dumps(data, allow_nan=False)


def test_a_model_that_finds_nothing_shows_nothing(traces: dict[str, Trace], scene: Scene) -> None:
    nothing = Instances(
        torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 256, 256).bool()
    )
    trace = Trace(scene[0], (type(traces["mask_rcnn"].steps[-1])("Paste", nothing, 0.1),))
    data = instances_data(trace, trace, CLASSES, scene[1])
    assert data["fates"]["masks"] == {"missed": len(scene[1]["labels"])} and data["panels"]["masks"]["middles"] == []
