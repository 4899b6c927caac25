"""The detector comparison page, driven by AppTest."""

import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from torch import Tensor

from core.detectors import NAMES, Detector, load, race
from core.families import Family
from tests.pages.opening import figures, opened

pytestmark = pytest.mark.slow

QUICK = ["faster_rcnn", "yolo"]


def settled(app: AppTest, seconds: float = 60.0) -> AppTest:
    """Rerun until the session's race has ended."""
    end = time.monotonic() + seconds
    while app.session_state["race"].job.poll().active:
        assert time.monotonic() < end, "the race did not end"
        time.sleep(0.1)
    app.run()
    assert not app.exception
    return app


def viewer(app: AppTest) -> dict[str, Any]:
    """Return what the page sends to the browser about the finished race."""
    (component,) = figures(app)
    sent: dict[str, Any] = json.loads(component.proto.json)
    return sent


@pytest.fixture(scope="module")
def arrived() -> AppTest:
    return settled(opened("detectors"))


@pytest.fixture
def cold() -> Iterator[None]:
    """Every detector is loaded anew, before and after."""
    race._warm.cache_clear()
    yield
    race._warm.cache_clear()


def test_a_race_is_there_without_a_click(arrived: AppTest) -> None:
    sent = viewer(arrived)
    assert [lane["name"] for lane in sent["lanes"]] == QUICK
    assert [len(lane["stages"]) for lane in sent["lanes"]] == [7, 4]
    assert all(stage["picture"] and stage["words"] for lane in sent["lanes"] for stage in lane["stages"])
    assert [row[0] for row in sent["table"]["rows"]] == ["Faster R-CNN", "YOLO"]
    assert any("Press Race to see the others" in caption.value for caption in arrived.caption)


def test_the_figures_are_the_race_s(arrived: AppTest) -> None:
    sent = viewer(arrived)
    for lane, row in zip(sent["lanes"], sent["table"]["rows"], strict=True):
        total = sum(stage["seconds"] for stage in lane["stages"])
        assert lane["seconds"] == pytest.approx(total)
        assert float(row[sent["table"]["head"].index("Total (ms)")].replace(",", "")) == pytest.approx(
            1000 * total, abs=0.06
        )


def test_race_enters_the_chosen_detectors() -> None:
    app = settled(opened("detectors", detectors="YOLO"))
    app = settled(app.button(key="go").click().run())
    assert app.session_state["race"].names == ("yolo",)
    assert app.query_params["race"] == "true", "the address does not say that a race was asked for"


def test_without_detectors_there_is_nothing_to_press(arrived: AppTest) -> None:
    app = opened("detectors")
    app.button_group(key="detectors").set_value([]).run()
    assert app.button(key="go").disabled and not app.exception


def test_new_image_ends_the_race_on_the_old_one() -> None:
    app = opened("detectors", race="true", detectors="YOLO")
    old = app.session_state["race"]
    assert old.names == ("yolo",)
    app.number_input(key="scene").set_value(7).run()
    new = app.session_state["race"]
    assert old.job.poll().state in ("cancelled", "done")
    assert "7" in new.picked.title and list(new.names) == QUICK
    assert "race" not in app.query_params


def test_address_restores_every_choice() -> None:
    app = opened(
        "detectors",
        scene="12",
        difficulty="Hard",
        detectors="YOLO",
        regions="200",
        paper="true",
        view="Cost of proposals",
    )
    assert app.number_input(key="scene").value == 12
    assert app.session_state["race"].picked.key == "scene:12:hard"
    assert app.button_group(key="detectors").value == ["yolo"]
    assert app.select_slider(key="regions").value == 200
    assert app.toggle(key="paper").value is True
    assert any("for timing only" in info.value for info in app.info)
    assert app.session_state["view"] == "curve"


def test_a_shared_link_runs_its_race_again() -> None:
    app = settled(opened("detectors", race="true", detectors="SPPNet", regions="100"))
    assert app.session_state["race"].names == ("sppnet",)
    (lane,) = viewer(app)["lanes"]
    assert lane["stages"][0]["words"].startswith("100 proposals")


def test_a_shared_link_at_paper_size_waits_for_the_button() -> None:
    app = opened("detectors", race="true", paper="true", detectors="R-CNN")
    assert list(app.session_state["race"].names) == QUICK


def test_the_papers_figures_stand_beside_ours(arrived: AppTest) -> None:
    words = "\n".join(markdown.value for markdown in arrived.markdown)
    for figure in ("146x", "213x", "141 + 10 + 47 = 198 ms", "proposals excluded", "Ours, measured here: **"):
        assert figure in words, figure
    assert words.count("Ours: not in this race.") == len(NAMES) - len(QUICK)


def test_the_cost_curve_is_measured_when_it_is_looked_at(in_threads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = [race.CurvePoint("yolo", regions, 0.01) for regions in (100, 200)]
    monkeypatch.setattr("ui.detectors.results.cost_curve_of_trained", lambda _image, _family: iter(measured))
    app = settled(opened("detectors", view="Cost of proposals"))
    job = app.session_state["curve"]
    end = time.monotonic() + 60
    while job.poll().active and time.monotonic() < end:
        time.sleep(0.1)
    assert list(job.poll().events) == measured
    app.run()
    assert not app.exception and app.get("plotly_chart")

    other = settled(opened("detectors", view="Cost of proposals"))
    assert other.session_state["curve"] is job, "a class measures one curve, not thirty"
    other.button(key="measure").click().run()
    assert other.session_state["curve"] is not job


def test_a_curve_that_others_left_is_started_anew_but_not_one_cancelled_here(
    in_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def slow(_image: Tensor, _family: Family) -> Iterator[race.CurvePoint]:
        yield race.CurvePoint("yolo", 100, 0.01)
        gate.wait(30)
        yield race.CurvePoint("yolo", 200, 0.01)

    monkeypatch.setattr("ui.detectors.results.cost_curve_of_trained", slow)
    app = settled(opened("detectors", view="Cost of proposals", scene="77"))
    job = app.session_state["curve"]
    job.cancel()
    app.run()
    assert any("Press Measure again" in warning.value for warning in app.warning)
    assert app.session_state["curve"] is job
    gate.set()
    other = settled(opened("detectors", view="Cost of proposals", scene="77"))
    assert other.session_state["curve"] is not job and not other.exception


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_checkpoint_that_cannot_be_read_is_a_sentence_and_the_rest_works(
    in_threads: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cold: None, damage: str
) -> None:
    def without_yolo(name: str, family: Family) -> Detector:
        return load(name, replace(family, folder=tmp_path) if name == "yolo" else family)

    if damage == "damaged":
        (tmp_path / "yolo.safetensors").write_bytes(b"no weights")
    monkeypatch.setattr(race, "load", without_yolo)
    app = settled(opened("detectors"))
    (warning,) = app.warning
    assert damage in warning.value and "python -m core train yolo" in warning.value
    assert [lane["name"] for lane in viewer(app)["lanes"]] == ["faster_rcnn"], "the other detector is missing"


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


RED = Image.new("RGB", (64, 48), "red")
BAD = {
    "no image": b"no image",
    "empty": b"",
    "cut off": encoded(RED.resize((400, 300)), "JPEG")[:600],
    "a bomb": encoded(Image.new("1", (20_000, 20_000)), "PNG"),
}
GOOD = {
    "plain": (encoded(RED, "PNG"), ""),
    "one pixel": (encoded(RED.resize((1, 1)), "PNG"), ""),
    "very wide": (encoded(Image.new("RGB", (20_000, 40)), "PNG"), "Scaled down from 20000 x 40 pixels."),
    "CMYK": (encoded(RED.convert("CMYK"), "JPEG"), ""),
    "16-bit": (encoded(Image.new("I;16", (64, 48), 40_000), "PNG"), ""),
    "palette": (encoded(RED.convert("P"), "GIF"), ""),
    "animated": (
        encoded(RED, "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48))]),
        "Only the first of its 2 frames is used.",
    ),
    "alpha": (
        encoded(Image.new("RGBA", (64, 48), (255, 0, 0, 90)), "PNG"),
        "Its transparent parts are shown on white.",
    ),
}


@pytest.fixture(scope="module")
def uploading() -> AppTest:
    return opened("detectors", image="Upload")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_upload_is_one_sentence(uploading: AppTest, kind: str) -> None:
    uploading.file_uploader(key="upload").set_value((f"{kind}.png", BAD[kind], "image/png")).run()
    assert not uploading.exception
    (error,) = uploading.error
    assert error.value.endswith(".") and "\n" not in error.value and "Error" not in error.value


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_upload_is_raced_and_its_notes_are_shown(uploading: AppTest, photographs: Family, kind: str) -> None:
    data, note = GOOD[kind]
    uploading.file_uploader(key="upload").set_value((f"{kind}.png", data, "image/png")).run()
    app = settled(uploading)
    assert not app.error
    assert app.session_state["race"].picked.title == f"{kind}.png"
    assert [lane["name"] for lane in viewer(app)["lanes"]] == QUICK
    assert any(note in caption.value for caption in app.caption)
