"""The training page, driven by AppTest: its jobs go one step further each time the page looks at them."""

import io
import json
import pickle
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data import sources
from core.training import app_runs, plan
from core.training.uploaded_weights import read_upload
from tests.pages.opening import figures, opened
from tests.shared_data import shared
from tests.training.stepwise import StepwiseQueue

pytestmark = pytest.mark.slow

open_page = partial(opened, "training", train_for="Steps", train_steps="3")


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StepwiseQueue:
    monkeypatch.setattr(app_runs, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(app_runs, "SNAPSHOT_EVERY", 0.0)
    monkeypatch.setattr(plan, "LARGEST_BATCH", 2)
    monkeypatch.setitem(sources.COUNTS, "train", 6)
    monkeypatch.setitem(sources.COUNTS, "val", 4)
    queue = StepwiseQueue()
    monkeypatch.setattr(jobs, "submit", queue.submit)
    return queue


def sent(app: AppTest, part: str) -> dict[str, Any]:
    """Return what the component is given that is given ``part``."""
    found = [json.loads(one.proto.json) for one in figures(app)]
    [data] = [data for data in found if part in data]
    assert isinstance(data, dict)
    return data


def lines(app: AppTest, chart: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(one["lines"] for one in sent(app, "charts")["charts"] if one["name"] == chart)
    return found


def labels(app: AppTest) -> list[str]:
    return [one.label for one in [*app.button, *app.get("download_button")]]


def said(app: AppTest) -> str:
    boxes = [*app.success, *app.info, *app.warning, *app.error, *app.caption]
    return " ".join(one.value for one in boxes)


def ended(app: AppTest) -> AppTest:
    for _look in range(40):
        if "Put aside" in labels(app):
            return app
        app.run()
        assert not app.exception
    raise AssertionError("the training does not end")


def trained(app: AppTest) -> AppTest:
    app.button(key="train").click().run()
    assert not app.exception
    return ended(app)


def token_of(app: AppTest) -> str:
    token = app.query_params["run"]
    return str(token[0] if isinstance(token, list) else token)


def test_opens_with_four_samples_what_the_model_says_of_them_and_the_schedule() -> None:
    app = open_page()
    looks = sent(app, "samples")
    assert len(looks["samples"]) == 4 and all(sample["boxes"] for sample in looks["samples"])
    assert len(looks["looks"]) == 1 and looks["looks"][0]["step"] == 0
    [rate] = lines(app, "rate")
    assert rate["coming"] and rate["steps"][-1] == 3
    assert not app.error and not app.warning


def test_a_training_runs_to_its_end_and_leaves_weights_to_download(queue: StepwiseQueue) -> None:
    app = open_page()
    app.button(key="train").click().run()
    assert app_runs.TOKEN.fullmatch(token_of(app)) and {"Pause", "Cancel"} <= set(labels(app))
    app = ended(app)
    assert "Finished after step 3" in said(app) and "6 images to learn from, 4 held out" in said(app)
    assert len(lines(app, "loss")) == 3 and lines(app, "loss")[0]["steps"][-1] == 3
    assert lines(app, "score")[0]["best"]["step"] == 3 and not any(line.get("coming") for line in lines(app, "rate"))
    assert sent(app, "samples")["looks"][-1]["step"] == 3
    assert "Weights (.safetensors)" in labels(app) and len(queue.jobs) == 1
    app.button(key="put_aside").click().run()
    assert "run" not in app.query_params and lines(app, "rate")[0]["coming"]


def test_it_is_paused_and_goes_on_and_is_cancelled() -> None:
    app = open_page()
    app.button(key="train").click().run()
    while not lines(app, "loss"):
        app.run()
    app.button(key="pause_training").click().run()
    assert "Paused" in said(app) and {"Resume", "Cancel"} <= set(labels(app))
    before = lines(app, "loss")[0]["steps"][-1]
    app.button(key="resume_training").click().run()
    while not any("samples" in json.loads(one.proto.json) for one in figures(app)):
        app.run()
    assert "Pause" in labels(app) and lines(app, "loss")[0]["steps"][-1] > before
    app.button(key="cancel_training").click().run()
    assert "Cancelled" in said(app) and "Resume" not in labels(app)
    assert not app.exception and sent(app, "samples")["looks"], "what it had learnt stays"


def test_a_double_click_starts_once_and_another_start_pauses_the_last(queue: StepwiseQueue) -> None:
    queue.waits = True
    app = open_page()
    app.button(key="train").click().run()
    app.button(key="train").click().run()
    assert len(queue.jobs) == 1
    first = token_of(app)
    app.number_input(key="train_steps").set_value(5).run()
    app.button(key="train").click().run()
    assert len(queue.jobs) == 2 and queue.jobs[0].poll().state == "cancelled" and token_of(app) != first
    assert "waiting: number 1 in line" in app.get("progress")[0].proto.text


def test_a_link_or_a_reload_finds_the_run_and_its_job(queue: StepwiseQueue) -> None:
    app = open_page()
    app.button(key="train").click().run()
    token = token_of(app)
    again = open_page(run=token)
    assert "Pause" in labels(again), "the job is the same"
    assert len(queue.jobs) == 1
    assert "Finished" in said(ended(again))


@pytest.mark.parametrize("token", ["../../etc", "a" * 16, "%00", "한글"])
def test_a_run_that_is_not_there_is_a_sentence(token: str) -> None:
    app = open_page(run=token)
    assert "There is no run of that name on this server" in app.warning[0].value and token not in app.warning[0].value
    assert sent(app, "samples")


def test_a_lost_job_and_a_failed_one_offer_to_go_on(queue: StepwiseQueue) -> None:
    app = open_page()
    app.button(key="train").click().run()
    while not lines(app, "loss"):
        app.run()
    token = token_of(app)
    [job] = queue.jobs
    job._events.close()  # type: ignore[union-attr]
    card = json.loads((app_runs.FOLDER / token / "card.json").read_text())
    (app_runs.FOLDER / token / "card.json").write_text(json.dumps({**card, "ended": None}))  # as a kill leaves it
    queue.jobs.clear()
    app_runs._jobs.clear()
    again = open_page(run=token)
    assert "Interrupted" in said(again) and "Resume" in labels(again)
    again.button(key="resume_training").click().run()
    assert "Finished" in said(ended(again))


def test_an_impossible_training_is_a_sentence_without_a_path() -> None:
    app = open_page(train_model="FCN-8s", train_start="YOLO")
    app = trained(app)
    assert not app.exception
    assert str(Path.cwd()) not in said(app) and "/" + "tmp" not in said(app)


# ---- photos that somebody brings along ----


def drawn_photos(folder: Path, count: int = 6) -> Path:
    """Write ``count`` photos of one bright disc each in Pascal VOC's form."""
    rng = np.random.default_rng(0)
    for part in ("Annotations", "JPEGImages", "ImageSets"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        x, y = (int(value) for value in rng.integers(5, 60, 2))
        photo = Image.new("RGB", (120, 90), (80, 90, 100))
        ImageDraw.Draw(photo).ellipse((x, y, x + 30, y + 25), (220, 60, 40))
        photo.save(folder / "JPEGImages" / f"{number}.jpg")
        sides = f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + 31}</xmax><ymax>{y + 26}</ymax>"
        words = f"<annotation><object><name>disc</name><bndbox>{sides}</bndbox></object></annotation>"
        (folder / "Annotations" / f"{number}.xml").write_text(words)
    (folder / "ImageSets" / "val.txt").write_text("0\n1\n")
    return folder


def zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return packed.getvalue()


def uploaded(data: bytes) -> AppTest:
    app = open_page(source="Upload")
    assert app.button(key="train").disabled, "there is nothing to learn from yet"
    app.file_uploader[0].upload("photos.zip", data, "application/zip").run()
    assert not app.exception and not app.error
    return app


def check_trained_from(app: AppTest, classes: set[str]) -> None:
    assert {one["name"] for one in sent(app, "samples")["classes"]} == classes | {"background"}
    app = trained(app)
    assert "Finished after step 3" in said(app) and lines(app, "loss") and "Weights (.safetensors)" in labels(app)
    run = app_runs.find(token_of(app))
    assert run and set(read_upload("mine.safetensors", run.weights.read_bytes()).classes) == classes | {"background"}
    assert str(app_runs.plan_of(run).data) not in str(app.main), "where the photos lie is the server's own business"


def test_a_zip_of_photos_becomes_a_trained_yolo_on_this_page(tmp_path: Path) -> None:
    check_trained_from(uploaded(zipped(drawn_photos(tmp_path / "photos"))), {"disc"})


def test_real_photos_become_a_trained_yolo_on_this_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_runs, "SNAPSHOT_EVERY", 0.5)  # not one for each of 87 photos that are measured
    check_trained_from(uploaded(zipped(shared("bccd"))), {"Platelets", "RBC", "WBC"})


def test_photos_that_are_gone_at_the_resumption_are_told(tmp_path: Path) -> None:
    app = uploaded(zipped(drawn_photos(tmp_path / "photos")))
    app.button(key="train").click().run()
    while not lines(app, "loss"):
        app.run()
    app.button(key="pause_training").click().run()
    run = app_runs.find(token_of(app))
    assert run
    card = {**run.card, "asked": {**run.card["asked"], "data": str(tmp_path / "gone")}}
    (run.folder / "card.json").write_text(json.dumps(card))
    app.button(key="resume_training").click().run()
    assert "no longer on the server: bring them along again" in app.error[0].value


# ---- runs compared ----


def test_without_a_run_the_comparison_says_what_to_do() -> None:
    app = open_page(training="Compare runs")
    assert "Start two under Train" in app.info[0].value and not figures(app)


def test_two_runs_lie_over_each_other_with_what_differs() -> None:
    app = trained(open_page())
    first = token_of(app)
    app.toggle(key="train_frozen").set_value(True).run()
    app = trained(app)
    app.segmented_control(key="training").set_value("compare").run()
    assert not app.exception and len(lines(app, "loss")) == 2 and len(lines(app, "score")) == 2
    ends, settings = (one.value for one in app.dataframe)
    assert (
        list(ends["Ended"]) == ["finished"] * 2 and ends["Parameters that learn"][0] != ends["Parameters that learn"][1]
    )
    assert list(settings["Setting"]) == ["Frozen"]
    assert {"Metrics (.csv)", "TensorBoard's event files (.zip)"} <= set(labels(app))
    other = open_page(training="Compare runs")
    assert "no run yet" in said(other), "somebody else's runs are not listed"
    other = open_page(training="Compare runs", runs=first)
    assert len(lines(other, "loss")) == 1


# ---- weights ----


def test_weights_open_with_a_checkpoint_loaded_back() -> None:
    app = open_page(training="Weights")
    tensors = sent(app, "tensors")["tensors"]
    assert len(tensors) > 30 and any(one["bins"] for one in tensors)
    assert "Every name and every shape fits" in app.success[0].value
    assert any(one["boxes"] for one in sent(app, "samples")["looks"][0]["made"])
    app.selectbox(key="weights_into").set_value("fcn8s").run()
    assert "These weights are of another model" in app.error[0].value and not app.exception
    assert len(figures(app)) == 1


def test_the_weights_of_a_run_are_the_first_to_be_shown() -> None:
    app = trained(open_page())
    app.segmented_control(key="training").set_value("weights").run()
    assert app.selectbox(key="weights_of").value == "run" and "Every name" in app.success[0].value


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("model.pt", pickle.dumps({}), "is a pickle file, which can run any program"),
        ("model.safetensors", b"\xff" * 100, "is damaged, or no safetensors file"),
        ("model.safetensors", save({"a": torch.zeros(2)})[:-3], "is damaged, or no safetensors file"),
    ],
)
def test_hostile_weights_are_a_sentence(name: str, data: bytes, sentence: str) -> None:
    app = open_page(training="Weights", weights_of="Uploaded weights")
    app.file_uploader(key="weights_upload").upload(name, data, "application/octet-stream").run()
    assert not app.exception and sentence in app.error[0].value and not figures(app)


def test_uploaded_weights_are_a_table_and_the_start_of_a_training() -> None:
    data = save({"a": torch.arange(4.0)})
    app = open_page(training="Weights", weights_of="Uploaded weights")
    app.file_uploader(key="weights_upload").upload("a.safetensors", data, "application/octet-stream").run()
    assert sent(app, "tensors")["tensors"][0]["norm"] == pytest.approx(14**0.5)
    assert "of another model: missing" in app.error[0].value
    app = open_page(train_start="Uploaded weights")
    assert app.button(key="train").disabled
    app.file_uploader(key="weights_upload").upload("a.safetensors", data, "application/octet-stream").run()
    app = trained(app)
    assert "These weights are of another model, and their trunk does not fit" in said(app)


def test_a_training_goes_on_while_another_page_is_looked_at(queue: StepwiseQueue) -> None:
    app = open_page()
    app.button(key="train").click().run()
    [token] = [path.name for path in app_runs.FOLDER.iterdir()]
    app.switch_page("pages/tensors.py").run()
    [link] = [one.proto for one in app.get("page_link")]
    assert link.label.startswith("Training: ") and link.page == "training" and token in link.query_string
    while app.get("page_link"):
        app.run()
    run = app_runs.find(token)
    assert run and run.ended == "finished", "it went on to its end"
