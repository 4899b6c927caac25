"""The JSON of ``detect --json``, key by key."""

import json

import torch

from core.detectors import TimedStep, Trace
from core.detectors.report import race_report
from core.values import Detections, Regions

CLASSES = ("background", "ellipse", "ring")
IMAGE = torch.zeros(3, 40, 60, dtype=torch.uint8)
FOUND = Detections(torch.tensor([[1.5, 2, 30, 20.25], [0, 0, 60, 40]]), torch.tensor([0.75, 0.5]), torch.tensor([2, 1]))
NOTHING = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))


def trace(found: Detections) -> Trace:
    regions = Regions(torch.zeros(5, 4))
    return Trace(IMAGE, (TimedStep("RPN", regions, 0.25), TimedStep("NMS", found, 0.5)))


def test_report_has_the_promised_form() -> None:
    report = race_report("cat.png", IMAGE, CLASSES, {"faster_rcnn": trace(FOUND), "yolo": trace(NOTHING)})
    stages = [{"name": "RPN", "seconds": 0.25}, {"name": "NMS", "seconds": 0.5}]
    assert report == {
        "image": {"source": "cat.png", "width": 60, "height": 40},
        "runs": [
            {
                "detector": "faster_rcnn",
                "stages": stages,
                "seconds": 0.75,
                "detections": [
                    {"label": "ring", "score": 0.75, "box": [1.5, 2, 30, 20.25]},
                    {"label": "ellipse", "score": 0.5, "box": [0, 0, 60, 40]},
                ],
            },
            {"detector": "yolo", "stages": stages, "seconds": 0.75, "detections": []},
        ],
    }


def test_report_is_plain_json() -> None:
    report = race_report("a scene", IMAGE, CLASSES, {"yolo": trace(FOUND)})
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_seconds_of_a_run_are_those_of_its_stages() -> None:
    [run] = race_report("a scene", IMAGE, CLASSES, {"yolo": trace(FOUND)})["runs"]
    assert run["seconds"] == sum(stage["seconds"] for stage in run["stages"])


def test_a_race_of_nobody_has_an_image_and_no_runs() -> None:
    assert race_report("a scene", IMAGE, CLASSES, {}) == {
        "image": {"source": "a scene", "width": 60, "height": 40},
        "runs": [],
    }
