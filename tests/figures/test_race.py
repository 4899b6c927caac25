"""The colours of the stages, and the chart of what proposals cost."""

from itertools import pairwise

import pytest
import torch

from core.data import ShapeScenes
from core.detectors import NAMES, Progress, build
from core.detectors.race import CurvePoint
from core.figures.palette import OKABE_ITO
from core.figures.race import curve_chart
from core.models import MODELS, OTHER_COLOUR, stage_colour, variants

CONTESTANTS = [*NAMES, *(one for name in NAMES for one in variants(name))]
TITLES = {"rcnn": "R-CNN", "yolo": "YOLO"}
POINTS = [
    CurvePoint("rcnn", 100, 0.25),
    CurvePoint("yolo", 100, 0.004),
    CurvePoint("rcnn", 439, 1.0),
    CurvePoint("yolo", 439, 0.005),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTESTANTS)
def test_every_stage_of_a_detector_has_a_colour(name: str) -> None:
    detector = build(name)
    detector.limit_regions(3)
    with torch.inference_mode():
        events = list(detector.steps(ShapeScenes("validation", 1)[0][0]))
    stages = [event.name for event in events if not isinstance(event, Progress)]
    assert stages == list(MODELS[name].stages), "the entry names the stages in their order"
    assert {event.name for event in events} <= set(stages), "a sign of life comes from no stage"
    assert len(set(stages)) == len(stages), "two stages of a bar have one name"
    for before, after in pairwise(stages):
        assert stage_colour(before) != stage_colour(after), f"{before} and {after} look like one part of the bar"


def test_the_same_kind_of_work_has_one_colour_in_every_paper() -> None:
    for alike in [
        ("Region proposals", "RPN"),
        ("Spatial pyramid pooling", "RoI pooling"),
        ("SVM", "Softmax"),
    ]:
        assert len({stage_colour(name) for name in alike}) == 1, alike
    assert stage_colour("Something new") == OTHER_COLOUR
    assert all(OTHER_COLOUR not in model.stages.values() for model in MODELS.values())


def test_curve_is_a_line_for_each_detector_in_milliseconds() -> None:
    chart = curve_chart(POINTS, TITLES)
    assert [(line.name, list(line.x)) for line in chart.data] == [("R-CNN", [100, 439]), ("YOLO", [100, 439])]
    assert [list(line.y) for line in chart.data] == [pytest.approx([250, 1000]), pytest.approx([4, 5])]
    assert chart.layout.xaxis.type == chart.layout.yaxis.type == "log"
    assert list(chart.layout.xaxis.tickvals) == [100, 439]
    assert "(ms)" in chart.layout.yaxis.title.text and chart.layout.xaxis.title.text


def test_curve_grows_point_by_point() -> None:
    """The page draws it anew while it is measured, from the first point on."""
    for count in range(len(POINTS) + 1):
        chart = curve_chart(POINTS[:count], TITLES)
        assert sum(len(line.x) for line in chart.data) == count


def test_all_contestants_fit_on_the_curve() -> None:
    points = [CurvePoint(name, 100, 0.1) for name in CONTESTANTS]
    chart = curve_chart(points, {name: name for name in CONTESTANTS})
    assert [line.name for line in chart.data] == CONTESTANTS
    assert len({line.marker.symbol for line in chart.data}) == len(points), "told apart by more than colour"
    assert len({line.line.color for line in chart.data} & set(OKABE_ITO)) == len(points), "and by safe colours"
