"""Each script is run as it is written, and its numbers are those that the page shows of the same state."""

import base64
import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.autograd.classifier import Plan
from core.checkpoint import CheckpointError
from core.data.epochs import epoch_order
from core.data.pipelines import parse
from core.data.scenes import CLASSES, ShapeScenes
from core.data.sources import open_source
from core.data.transforms import each_step
from core.detectors import load, run
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.one_map import compare, crop_of, map_of, rcnn_around
from core.detectors.recall import Proposed
from core.detectors.yolo import YOLO
from core.figures.autograd import source_data
from core.figures.classifier import classifier_data
from core.figures.descent import RATES, walks_data
from core.figures.modules import network_data
from core.figures.nms import explorer_data
from core.figures.proposals import hierarchy_data, recall_data, rpn_data
from core.figures.segmentation import explore_data, instances_data
from core.figures.tensors import playground_data
from core.figures.upsampling import scene_data
from core.figures.yolo import grid_data, look, loss_data
from core.proposals.selective_search import MODES
from core.scripts import Script, detection, learning, pytorch, segmentation
from core.segmentation import load as load_segmenter
from core.segmentation.enlarging import in_whole_cells
from core.segmentation.study import load_study
from core.training.plan import plan_for
from core.transfer import ways

KEY, TITLE = "scene:1:medium", "Scene 1, medium"


@pytest.fixture(scope="module")
def scene() -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", 10_000, "medium")[1]


def ran(script: Script) -> tuple[str, dict[str, Any]]:
    """Run ``script`` as a person would; return what it printed and the names that it left."""
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(script.text, f"{script.name}.py", "exec"), names)
        except CheckpointError as error:
            pytest.skip(str(error))
    return printed.getvalue(), names


def test_the_race_prints_the_costs_that_the_table_shows() -> None:
    printed, names = ran(detection.race(KEY, TITLE, ["faster_rcnn", "yolo"], 100, "shapes"))
    rows = dict(re.findall(r"^(\w+) +[\d.]+ +(\d+)", printed, re.MULTILINE))
    assert rows == {"faster_rcnn": "1", "yolo": "1"}, "convolution passes"
    assert {one.name for one in names["finished"]} == {"faster_rcnn", "yolo"}


@pytest.mark.parametrize("per_class", [True, False])
def test_nms_keeps_the_boxes_that_the_explorer_shows(scene: tuple[Tensor, dict[str, Tensor]], per_class: bool) -> None:
    image, truth = scene
    printed, names = ran(detection.nms(KEY, TITLE, "shapes", "faster_rcnn", 0.45, 0.3, per_class, "linear"))
    detector = load("faster_rcnn")
    detector.limit_regions(300)
    data = explorer_data(image, run(detector, image).candidates, detector.classes, per_class, "linear", truth)
    visible = sum(score >= 0.3 for score in data["scores"])
    kept = [box for box, runs in enumerate(data["runs"][:visible]) if [one for one in runs if one[0] <= 45][-1][1] < 0]
    assert sorted(names["kept"]) == kept
    assert f"{len(kept)} of {visible} boxes are kept" in printed


def test_nms_takes_the_users_own_boxes() -> None:
    own = [(1, 0.9, (10, 10, 60, 60)), (1, 0.8, (12, 12, 60, 60)), (2, 0.7, (100, 20, 140, 90))]
    printed, names = ran(detection.nms(KEY, TITLE, "shapes", own, 0.5, 0.25, True, "gaussian"))
    assert names["kept"] == [0, 2] and "suppresses 1" in printed
    assert ran(detection.nms(KEY, TITLE, "shapes", [], 0.5, 0.25, True, "linear"))[1]["kept"] == []


def test_selective_search_merges_as_the_page_does(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    strategy = MODES["fast"][3]
    printed, names = ran(detection.search(KEY, TITLE, strategy, 5))
    data = hierarchy_data(scene[0], strategy, scene[1])
    assert f"merge 5 joins the regions {names['one']} and {names['other']}" in printed
    assert f"{data['start'] + 20} segments" in printed, "the page begins with 20 regions left"


def test_the_rpn_leaves_as_many_proposals_as_the_page_says(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    _printed, names = ran(detection.rpn(KEY, TITLE, "shapes", 0.7, 5))
    detector = load("faster_rcnn")
    assert isinstance(detector, FasterRCNN)
    data = rpn_data(detector, *scene)
    row = data["thresholds"].index(0.7)
    suppressor = torch.frombuffer(bytearray(_bytes(data["suppressor"])), dtype=torch.int16)
    kept = suppressor.view(len(data["thresholds"]), -1)[row] < 0
    assert len(names["kept"]) == int(kept.sum()) > 50


def test_recall_is_that_of_the_page(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    printed, names = ran(detection.recall(KEY, TITLE, "shapes", "single", 100))
    proposed = {
        name: Proposed(propose(scene[0]).boxes, 0)
        for name, propose in names["proposers"]("single", names["detector"]).items()
    }
    data: Any = recall_data(scene[0], proposed, scene[1], {name: name for name in proposed})
    place = data["counts"].index(100)
    for method in data["methods"]:
        half, strict, abo = (method["curves"][name][place] for name in ("recall50", "recall70", "abo"))
        assert f"recall@0.5 {half:.3f}, recall@0.7 {strict:.3f}, ABO {abo:.3f}" in printed


def test_pooling_compares_as_the_page_does(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    printed, _names = ran(detection.pooling(KEY, TITLE, "shapes", "faster_rcnn", (91, 118, 157, 206)))
    detector = load("faster_rcnn")
    rcnn, box = rcnn_around(detector), torch.tensor([91.0, 118, 157, 206])
    compared = compare(map_of(rcnn, scene[0]), box, crop_of(rcnn, scene[0], box)[1], getattr(detector, "head", None))
    for way, one in compared.items():
        assert f"{way}: cosine to the crop's feature {one.similarity:.2f}" in printed


def test_yolo_says_the_boxes_and_the_loss_of_the_page(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    printed, names = ran(detection.yolo(KEY, TITLE, "shapes", 0.2, 5, 0.5))
    yolo, (image, truth) = load("yolo"), scene
    assert isinstance(yolo, YOLO)
    grid = look(yolo, image)
    shown = grid_data(yolo, run(yolo, image), grid, truth)
    assert f"{sum(one >= 0.2 for one in shown['confidence'])} boxes with a confidence of 0.20 or more" in printed
    best = shown["detections"][0]
    assert printed.startswith(f"{CLASSES[best['label']]} {best['score']:.2f}")
    parts = loss_data(yolo, image, grid, truth)["parts"]
    assert {name: value.item() for name, value in names["parts"].items()} == pytest.approx(parts)


def test_a_segmenter_has_the_figures_of_the_page(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    printed, _names = ran(segmentation.segmented(KEY, TITLE, "shapes", ("fcn8s",)))
    model = load_segmenter("fcn8s")
    figures: Any = explore_data(model, run(model, scene[0]), scene[1])["figures"]
    for name in ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou", "boundary_f"):
        assert f"{name}: {figures[name]}" in printed


def test_a_shuffle_alone_changes_scores_and_with_its_weights_does_not() -> None:
    printed, _names = ran(segmentation.connected(KEY, TITLE, "shapes", 7))
    together, alone = (float(value) for value in re.findall(r"weights \w+: ([\d.e+-]+) at most", printed))
    assert together < 1e-4 < 1 < alone


def test_instances_are_as_many_as_the_page_counts(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    printed, _names = ran(segmentation.instances(KEY, TITLE, "shapes"))
    semantic, masks = (run(load_segmenter(name), scene[0]) for name in ("fcn8s", "mask_rcnn"))
    panels = instances_data(semantic, masks, CLASSES, scene[1])["panels"]
    assert f"connected components: {len(panels['components']['labels'])} instances" in printed
    assert f"Mask R-CNN: {len(panels['masks']['labels'])} with" in printed


@pytest.mark.slow
def test_the_ways_to_enlarge_leave_the_checkerboard_of_the_page(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    printed, _names = ran(segmentation.ways(KEY, TITLE, "shapes", True))
    for way in scene_data(load_study(), in_whole_cells(scene[0]), scene[1], None, True)["ways"]:
        line = next(line for line in printed.splitlines() if line.split()[0] == way["name"])
        assert f"checkerboard {100 * way['checkerboard']:.1f} %, {way['parameters']} parameters" in line


@pytest.mark.parametrize("trained", [True, False])
def test_a_drawn_grid_is_enlarged(trained: bool) -> None:
    printed, _names = ran(segmentation.drawn("i" * 36, 1, trained))
    assert re.search(r"nearest +\(1, 96, 96\)", printed)


def test_stamps_add_up_to_pytorchs_own_transposed_convolution() -> None:
    _printed, names = ran(segmentation.stamps("ones", "ones", (3, 2, 0, 0)))
    assert torch.equal(names["output"], names["counts"]), "stamps of ones count themselves"


def test_the_board_is_even_where_the_stride_divides_the_kernel() -> None:
    printed, _names = ran(segmentation.board())
    assert (
        "kernel  4, stride 2: checkerboard 0.0 %" in printed and "kernel  3, stride 2: checkerboard 0.0" not in printed
    )


@pytest.mark.parametrize(
    "source", ["x = arange(12).reshape(3, 4)\nt = x.T\nw = t.view(12)", 'x = tensor([1, 2]) # """\\']
)
def test_tensors_have_the_strides_of_the_page(source: str) -> None:
    printed, names = ran(pytorch.tensors(source))
    data = playground_data(source)
    assert names["source"].strip() == source
    for tensor in data["tensors"]:
        assert f"shape {tuple(tensor['shape'])}, stride {tuple(tensor['stride'])}" in printed
    assert ("line 3: " in printed) == (data["error"] is not None)


def test_the_graph_has_the_gradients_of_the_page() -> None:
    source = "x = tensor(0.5, requires_grad=True)\nw = tensor(3., requires_grad=True)\ny = sin(w * x) ** 2"
    printed, _names = ran(pytorch.graph(source))
    data: Any = source_data(source)
    assert len(re.findall(r", gradient ", printed)) == len(data["graph"]["nodes"])
    assert "x.grad = tensor(0.4234) (agrees)" in printed and "w.grad = tensor(0.0706) (agrees)" in printed
    with pytest.raises(SystemExit, match="PyTorch refuses"):
        ran(pytorch.graph("x = tensor(1)"))


def test_each_run_builds_its_own_graph() -> None:
    printed, _names = ran(pytorch.runs("value"))
    assert len(set(re.findall(r": (\d+) nodes", printed))) > 1 and "capture_by_export: 0 graphs" in printed


def test_a_network_has_the_loss_of_the_page() -> None:
    description = "linear 8, tanh, linear 2"
    printed, _names = ran(pytorch.build("moons", description, 3, 0.1, "sgd"))
    assert f"loss of the batch: {network_data('moons', description, 3, 0.1)['loss']:.4f}" in printed


def test_the_optimizers_end_where_the_page_lets_them() -> None:
    rate = RATES[6]
    rates = dict.fromkeys(("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"), rate)
    printed, _names = ran(pytorch.descent("bowl", (-2.6, 1.6), rates, 0.9, 0.0))
    data = walks_data("bowl", (-2.6, 1.6), 0.9, 0.0)
    points = torch.frombuffer(bytearray(_bytes(data["points"])), dtype=torch.float32)
    ends = points.view(len(data["rules"]), len(RATES), data["steps"] + 1, 2)[:, 6, -1]
    for rule, (x, y) in zip(data["rules"], ends.tolist(), strict=True):
        assert f"{rule['name']:9} ends at ({x:.3f}, {y:.3f})" in printed


@pytest.mark.slow
def test_the_classifier_ends_as_on_the_page() -> None:
    plan = Plan("moons", 0.1, "relu", 4, 1, "adam", 0.03, 0)
    printed, _names = ran(pytorch.classify(plan))
    data = classifier_data(plan)
    assert f"step {data['at'][-1]:3}: loss {data['losses'][0][-1]:.4f}" in printed


@pytest.mark.parametrize("key", ["photo:coffee", "upload:1234"])
def test_a_photo_and_an_upload_are_named(key: str) -> None:
    script = detection.yolo(key, "my 'cat'.png", "photos", 0.2, 5, 0.5)
    compile(script.text, "yolo.py", "exec")
    assert "photo('coffee')" in script.text or "open(\"my 'cat'.png\", 'rb')" in script.text


def test_what_stands_in_an_address_cannot_leave_its_quotes() -> None:
    evil = '"); raise SystemExit("'
    for script in (segmentation.drawn(evil, 0, False), pytorch.build("moons", evil, 0, 0.1, "sgd")):
        assert repr(evil) in script.text
    with pytest.raises(ValueError, match="no difficulty"):
        detection.search('scene:1:"', "", MODES["single"][0], 0)


def test_a_notebook_has_the_same_code_in_cells() -> None:
    script = detection.nms(KEY, TITLE, "shapes", "faster_rcnn", 0.5, 0.25, True, "linear")
    notebook = json.loads(script.notebook())
    assert notebook["nbformat"] == 4 and notebook["cells"][0]["cell_type"] == "markdown"
    code = "\n\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    for cell in notebook["cells"][1:]:
        compile(cell["source"], "cell", "exec")
    assert code in script.text.replace("\n\n\n", "\n\n")


def _bytes(packed: str) -> bytes:
    return base64.b64decode(packed)


def test_data_comes_in_the_batches_of_the_page() -> None:
    steps = "crop:side=160,flip:p=1"
    printed, names = ran(learning.data("digits", "Digits", steps, (4, 7), 26, 4, 2, 2, 3, True, True))
    assert names["epochs"] == epoch_order(
        26, batch_size=4, shuffle=True, num_workers=2, drop_last=True, seed=3, epochs=2
    )
    stage = each_step(open_source("digits", "train")[4], parse(steps), 7)[-1]
    assert torch.equal(names["stage"].image, stage.image), "the sample is not the page's"
    assert "crop: (3, 160, 160)" in printed and names["images"].shape == (4, 3, 160, 160)


@pytest.mark.slow
def test_a_training_has_the_losses_of_the_one_that_it_tells_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_for("yolo", "digits", start=None, steps=2, batch_size=2, seed=5)
    printed, names = ran(learning.training(plan, "Digits", own_weights=False))
    assert names["plan"] == plan and "finished after step 2" in printed
    assert {path.name for path in Path("runs/yolo").iterdir()} >= {"weights.safetensors"}


def test_a_training_from_ones_own_files_names_no_place_of_the_server() -> None:
    plan = plan_for("yolo", "/srv/secret/unpacked", start="/srv/secret/start.safetensors", steps=2)
    text = learning.training(plan, "my 'set'", own_weights=True).text
    compile(text, "training.py", "exec")
    assert "secret" not in text and "my 'set'" in text and learning.OWN_WEIGHTS in text


@pytest.mark.slow
def test_transfer_learns_what_the_page_shows() -> None:
    plans = [ways.Plan(way, 5, steps=2) for way in ways.WAYS]
    printed, names = ran(learning.transferred("digits", "Digits", plans))
    assert names["plans"] == plans
    for learnt in (event for event in ways.study("digits", plans) if isinstance(event, ways.Learnt)):
        assert f"{learnt.plan.way}: {learnt.accuracy:.3f} in the end" in printed
