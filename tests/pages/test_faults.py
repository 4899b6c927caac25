"""What goes wrong on the server is a sentence on the page: no weights, a full disk, no network, a bug."""

import errno
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from safetensors import SafetensorError
from safetensors.torch import load_file
from streamlit.config import get_option, set_option
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from core import checkpoint
from core.data import archives
from core.data.folders import FolderError
from core.detectors import race
from core.families import SHAPES
from core.faults import sentence_of
from core.i18n import LANGUAGES, ask_listener, speaking
from core.segmentation import sliding
from core.training import app_runs, batches, initial_weights
from tests.data.written_folders import thing, write
from tests.pages.opening import APP, figures, opened
from tests.pages.test_sources import zipped
from ui.frame.language import spoken_here
from ui.kit import faults
from ui.lessons import LESSONS
from ui.training import files, weights

PAGES = [path or "start" for path in LESSONS]
ROOT = Path(APP).parent

# The pages that need weights, in each view that does, with the checkpoint that is asked for.
WITH_WEIGHTS: dict[tuple[str, ...], str] = {
    ("nms",): "faster_rcnn",
    ("nms", "detector", "YOLO"): "yolo",
    ("pooling",): "faster_rcnn",
    ("proposals", "view", "RPN"): "faster_rcnn",
    ("yolo",): "yolo",
    ("segmentation",): "fcn8s",
    ("segmentation", "view", "Side by side"): "patch_cnn",
    ("segmentation", "view", "Instances"): "fcn8s",
    ("segmentation", "view", "Fully connected"): "patch_cnn",
    ("upsampling",): "upsamplers",
}


def said(app: AppTest) -> str:
    """All that stands on the page as a message."""
    return " ".join(one.value for one in (*app.error, *app.warning, *app.info, *app.success))


def forget() -> None:
    """Let the server know of no model and no picture any more."""
    st.cache_data.clear()
    st.cache_resource.clear()
    race._warm.cache_clear()
    sliding._trained.cache_clear()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The checkpoints are looked for in this folder, which has none."""
    real = load_file

    def load(path: Path) -> Any:
        own = path.is_relative_to(SHAPES.folder)
        return real(tmp_path / path.relative_to(SHAPES.folder) if own else path)

    monkeypatch.setattr(checkpoint, "load_file", load)
    monkeypatch.setattr(initial_weights.read_weights, "__defaults__", (tmp_path,))
    for module in (files, weights):
        monkeypatch.setattr(module, "SHAPES", replace(SHAPES, folder=tmp_path))
    forget()
    yield tmp_path
    forget()


@pytest.mark.slow
@pytest.mark.parametrize("view", WITH_WEIGHTS, ids=" ".join)
def test_a_missing_or_damaged_checkpoint_is_a_sentence_that_says_what_to_run(
    view: tuple[str, ...], elsewhere: Path
) -> None:
    name = WITH_WEIGHTS[view]
    page, *address = view
    choice = dict([address]) if address else {}
    app = opened(page, **choice)
    assert f"The checkpoint of {name} is missing: run `python -m core train {name}` to train it." in said(app)
    (elsewhere / f"{name}.safetensors").write_bytes((SHAPES.folder / f"{name}.safetensors").read_bytes()[:5000])
    app = opened(page, **choice)
    assert f"The checkpoint of {name} is damaged: run `python -m core train {name}` to train it anew." in said(app)


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere", "in_threads")
@pytest.mark.parametrize("page", [page for page in PAGES if (page,) not in WITH_WEIGHTS])
def test_every_other_page_opens_without_checkpoints(page: str) -> None:
    app = opened(page)
    assert not app.error, said(app)


@pytest.mark.usefixtures("elsewhere", "in_threads")
def test_a_race_without_checkpoints_says_so_of_each_detector() -> None:
    app = opened("detectors", race="true")
    for _look in range(100):
        if "The checkpoint of yolo is missing" in said(app):
            break
        app.run()
    assert not app.exception and "run `python -m core train yolo`" in said(app)


@pytest.mark.usefixtures("elsewhere")
def test_training_and_its_weights_open_without_checkpoints() -> None:
    app = opened("training", training="Weights")
    assert app.selectbox(key="weights_of").value == "upload" and not app.error
    app = opened("training")
    assert "There is no checkpoint trunk" in said(app) and "python -m core train" in said(app)


# ---- a full disk ----


def full(*_args: Any, **_more: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")


def full_for_safetensors(*_args: Any, **_more: Any) -> Any:
    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


def test_an_archive_that_the_disk_cannot_take_is_refused_and_nothing_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(3):
        write(tmp_path / "pets", f"{number}", thing("dog", 1, 2, 10, 12))
    app = opened("data", source="Upload")
    monkeypatch.setattr(archives._Writer, "copy", full)
    app.file_uploader[0].set_value(("pets.zip", zipped(tmp_path / "pets"), "application/zip")).run()
    assert not app.exception and "too little room on the server's disk" in said(app)
    monkeypatch.undo()
    app.run()
    assert not app.exception


@pytest.mark.slow
def test_a_cleaned_copy_that_the_disk_cannot_take_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, in_threads: None
) -> None:
    app = opened("data", source="Flawed set", view="Sources and cleaning")
    assert not app.exception
    monkeypatch.setattr("core.data.cleaned.write_cleaned", full)
    for _look in range(100):
        app.run()
        if any(one.key == "clean" for one in app.button):
            break
    app.button(key="clean").click().run()
    for _look in range(100):
        if said(app):
            break
        app.run()
    assert "The copy cannot be written" in said(app) and "secret" not in said(app)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["at its start", "later"])
def test_a_training_that_the_disk_cannot_take_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_threads: None, where: str
) -> None:
    monkeypatch.setattr(app_runs, "FOLDER", tmp_path / "runs")
    app = opened("training", train_for="Steps", train_steps="1", train_batch="1")
    if where == "later":
        monkeypatch.setattr(checkpoint, "save_file", full_for_safetensors)
    else:
        monkeypatch.setattr("core.checkpoint.os.fsync", full)
    app.button(key="train").click().run()
    for _look in range(200):
        if app.error:
            break
        app.run()
    assert not app.exception
    assert ("The disk is full" if where == "later" else "has no room for a training") in said(app)
    assert str(tmp_path) not in str(app.main) and "secret" not in str(app.main)
    if where == "later":
        assert "Resume" in [one.label for one in app.button]
    else:
        assert not any((tmp_path / "runs").iterdir()) and not app.button(key="train").disabled


def test_the_flawed_set_that_the_disk_cannot_take_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "get_script_run_ctx", get_script_run_ctx)
    monkeypatch.setattr("ui.sources.practice.write_practice", full)
    app = opened("data", source="Flawed set")
    assert "The server's disk is full." in said(app) and "secret" not in said(app)


def test_proposals_that_cannot_be_kept_are_computed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = practice_image()
    monkeypatch.setattr(checkpoint, "save_file", full_for_safetensors)
    found = batches.cached_proposals(image, tmp_path)
    assert len(found) > 10 and not list(tmp_path.rglob("*.safetensors"))


def practice_image() -> Any:
    from core.data.scenes import ShapeScenes

    return ShapeScenes("validation", 1)[0][0][:, :96, :96].contiguous()


# ---- no network ----


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing beyond this machine can be reached; returns what was tried."""
    tried: list[Any] = []

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(one: socket.socket, address: Any) -> Any:
            if one.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
                tried.append(address)
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
            return real(one, address)

        return connect

    def resolve(host: Any, *_args: Any, **_more: Any) -> Any:
        tried.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return tried


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_no_page_asks_for_anything_beyond_this_machine(page: str, alone: list[Any]) -> None:
    app = opened(page)
    assert not app.error and not alone


def test_downloads_without_a_network_say_so(
    alone: list[Any], in_threads: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISIBLE_VISION_DATA", str(tmp_path))
    app = opened("data", source="Download")
    app.button(key="download").click().run()
    for _look in range(100):
        if app.error:
            break
        app.run()
    assert "cannot be reached" in said(app) and alone and str(tmp_path) not in said(app)


# ---- what nobody foresaw ----


@pytest.fixture
def page_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The log, with what Streamlit writes into it."""
    theirs = logging.getLogger("streamlit.error_util")
    theirs.addHandler(caplog.handler)
    in_colours = get_option("logger.enableRich")
    set_option("logger.enableRich", False)
    yield caplog
    set_option("logger.enableRich", in_colours)
    theirs.removeHandler(caplog.handler)


def broken(error: Exception) -> Callable[..., None]:
    def fail(*_args: Any, **_more: Any) -> None:
        raise error

    return fail


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("bug", [RuntimeError("/secret/path"), ValueError("zip() of /secret/path is longer")])
def test_a_bug_is_a_sentence_without_its_words(
    bug: Exception, language: str, monkeypatch: pytest.MonkeyPatch, page_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "get_script_run_ctx", get_script_run_ctx)
    monkeypatch.setattr("ui.nms.explorer.nms_explorer", broken(bug))
    ask_listener(spoken_here)
    app = opened("nms", lang=language)
    with speaking(language):
        assert sentence_of(bug) in said(app) and "secret" not in str(app.main)
    assert "Traceback" in page_log.text and "/secret/path" in page_log.text
    app.switch_page("pages/tensors.py")
    app.run()
    assert not app.error and figures(app)


def test_a_bug_in_a_fragment_is_a_sentence_that_leaves_the_page_alone(
    monkeypatch: pytest.MonkeyPatch, page_log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "get_script_run_ctx", get_script_run_ctx)
    monkeypatch.setattr("ui.kit.code._button", broken(ValueError("zip() of /secret/path is longer")))
    app = opened("nms")
    assert said(app).count("the server's log says why") == 1 and "secret" not in str(app.main)
    assert figures(app) and "/secret/path" in page_log.text


def test_what_is_raised_for_people_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "get_script_run_ctx", get_script_run_ctx)
    monkeypatch.setattr("ui.nms.explorer.nms_explorer", broken(checkpoint.CheckpointError("Train it first.")))
    assert said(opened("nms")) == "Train it first."


@pytest.mark.parametrize(
    ("error", "words"),
    [(FolderError("one.jpg is no photo."), "one.jpg is no photo."), (ValueError("zip()"), "the server's log says why")],
)
def test_a_page_that_catches_what_is_for_people_lets_bugs_pass(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "get_script_run_ctx", get_script_run_ctx)
    monkeypatch.setattr("ui.data.loader.tiles", broken(error))
    found = said(opened("data", view="DataLoader"))
    assert words in found and "zip()" not in found


def test_a_fragment_that_runs_by_itself_says_bugs_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(on_script_error=None)  # of a run that has not come through the entrance
    monkeypatch.setattr(faults, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(st, "fragment", lambda function, run_every: function)
    found: list[int] = []
    faults.fragment(found.append, run_every=1.0)(7)
    assert found == [7] and context.on_script_error is faults.say
