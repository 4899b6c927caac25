"""The choice of a source, on a page of its own: scenes, digits, the server's folders, uploads."""

import io
import zipfile
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data.sources import VARIABLE
from tests.data.written_folders import thing, write

MIB = 2**20


def page(forms: tuple[str, ...]) -> None:
    import streamlit as st

    from ui.sources.source import pick_source

    picked = pick_source(forms)  # type: ignore[arg-type]
    st.session_state["picked"] = picked
    st.text(f"{picked.title}: {picked.form}" if picked else "nothing")


def opened(*forms: str, **address: str) -> AppTest:
    app = AppTest.from_function(page, args=(forms or ("boxes", "masks", "classes"),))
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    assert not app.exception
    return app.text[0].value


def zipped(root: Path) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.write(path, path.relative_to(root.parent))
    return file.getvalue()


def upload(app: AppTest, data: bytes, name: str = "mine.zip") -> AppTest:
    (uploader,) = app.file_uploader
    uploader.set_value((name, data, "application/zip")).run()
    assert not app.exception
    return app


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    for number in range(5):
        write(tmp_path / "pets", f"{number}", thing("dog", 1, 2, 10, 12))
    return tmp_path / "pets"


def test_opens_on_drawn_scenes_and_the_address_names_others() -> None:
    assert said(opened()) == "Drawn scenes: masks"
    app = opened(source="Handwritten digits")
    assert said(app) == "Handwritten digits: masks"
    assert app.session_state["picked"].data == "digits"


@pytest.mark.slow
def test_the_servers_own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, voc: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    app = opened(source="On this server")
    assert said(app) == "nothing" and "no data set on this server" in app.info[0].value
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    st.cache_data.clear()
    app = opened(source="On this server")
    assert said(app) == "pets: boxes"
    assert app.session_state["picked"].data == str(voc)
    assert said(opened(source="On this server", source_folder="gone")) == "pets: boxes"


@pytest.mark.slow
def test_a_source_of_another_form_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, voc: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    st.cache_data.clear()
    app = opened("masks", source="On this server")
    assert said(app) == "nothing"
    assert app.info[0].value == "pets has boxes, and this needs masks: choose another source."
    assert said(opened("boxes")) == "Drawn scenes: masks"
    assert said(opened("classes")) == "nothing"


def test_an_upload_is_unpacked_chosen_and_then_forgotten(voc: Path) -> None:
    app = upload(opened(source="Upload"), zipped(voc))
    assert said(app) == "mine: boxes"
    picked = app.session_state["picked"]
    assert len(list((Path(picked.data) / "JPEGImages").iterdir())) == 5
    assert app.file_uploader[0].value is None, "the file itself is not held any longer"
    app.segmented_control(key="source").set_value("scenes").run()
    assert said(app) == "Drawn scenes: masks"
    app.segmented_control(key="source").set_value("upload").run()
    assert said(app) == "mine: boxes"
    upload(app, zipped(voc), "again.zip")
    assert app.selectbox(key="source_own").options == ["mine", "again"]
    assert said(app) == "again: boxes"


def test_an_upload_that_is_gone_from_the_disk_is_asked_for_again(voc: Path) -> None:
    app = upload(opened(source="Upload"), zipped(voc))
    app.session_state["source_own_sets"]["mine"].keeper.close()
    app.run()
    assert said(app) == "nothing" and "Choose a zip file" in app.info[0].value


def leading_out() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../outside.jpg", "x")
    return file.getvalue()


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(64 * MIB))
    return file.getvalue()


def linked() -> bytes:
    file, info = io.BytesIO(), zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def no_dataset() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("words.txt", "x")
        archive.writestr("more.txt", "x")
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"no zip", "no archive that can be unpacked"),
        (b"PK\x03\x04 cut off", "damaged or cut off"),
        (leading_out(), "leads out of its folder"),
        (bomb(), "100 times as much"),
        (linked(), "link or device"),
        (no_dataset(), "There is no dataset in mine.zip:"),
    ],
    ids=["text", "cut off", "leads out", "bomb", "link", "no dataset"],
)
def test_a_bad_archive_is_one_sentence_and_leaves_nothing(data: bytes, sentence: str) -> None:
    app = upload(opened(source="Upload"), data)
    (error,) = app.error
    assert sentence in error.value and "/tmp" not in error.value
    assert said(app) == "nothing"
    app.run()
    assert [one.value for one in app.error] == [error.value]
