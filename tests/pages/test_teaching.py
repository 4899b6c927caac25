"""Teach it three things: what the camera sends is taken in, what is wrong is said, and nothing is lost by it."""

import base64
import io
from functools import partial
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image

from core.transfer.teaching import MOST, Shot, Things
from tests.pages.opening import opened
from ui.kit import camera
from ui.kit.camera import PREFIX, Taken, taken_of
from ui.transfer import taught as taught_state
from ui.transfer.taught import STATE, Teaching

open_page = partial(opened, "transfer", task="Teach it three things")


def jpeg(grey: int) -> bytes:
    """A picture of a kind that any network tells from another."""
    buffer = io.BytesIO()
    pixels = np.full((120, 160, 3), grey, np.uint8)
    pixels[:, :: 10 + grey // 20] = 255 - grey
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def shots(kind: int, count: int) -> list[Shot]:
    features = torch.full((count, 1280), 0.1)
    features[:, 100 * kind : 100 * kind + 50] = 1
    return [Shot(feature, torch.full((3, 64, 64), 80 * kind, dtype=torch.uint8)) for feature in features]


def taught(*counts: int) -> Teaching:
    state = Teaching()
    things = Things()
    for thing, count in enumerate(counts):
        things = things.with_shots(thing, shots(thing, count))
    state.change(things)
    return state


def with_state(state: Teaching, **address: str) -> Any:
    app = open_page(**address)
    app.session_state[STATE] = state
    return app.run()


def said(app: Any) -> str:
    return "\n".join(one.value for one in (*app.markdown, *app.caption, *app.warning, *app.error))


def warnings(app: Any) -> list[str]:
    return [one.value for one in app.warning]


def shares(app: Any) -> list[str]:
    return [one.proto.text for one in app.get("progress")]


@pytest.mark.slow
def test_it_opens_with_three_things_a_camera_and_what_to_do() -> None:
    app = open_page()
    assert [field.value for field in app.text_input] == ["Cup", "Hand", "Nothing"]
    assert app.get("camera_input") and app.get("file_uploader")
    assert "Name three things" in said(app) and "go when you close this tab" in said(app)
    assert "EfficientNet-Lite0 was trained on" in said(app)
    assert not warnings(app) and shares(app) == ["**–**"] * 3


@pytest.mark.slow
def test_what_is_before_the_camera_is_answered_with_probabilities() -> None:
    state = taught(10, 10, 10)
    state.seen = shots(1, 1)[0]
    app = with_state(state)
    cup, hand, nothing = (float(share.strip("* %")) for share in shares(app))
    assert hand > 60 > cup + nothing and cup + hand + nothing == pytest.approx(100, abs=2)
    assert "fitted to 30 pictures in" in said(app) and "30 would be named rightly" in said(app)
    assert "knows 1000 kinds of things, and would say" in said(app)
    assert said(app).count("10 pictures") == 3


@pytest.mark.slow
def test_names_come_from_the_address_and_two_alike_are_refused_without_a_loss() -> None:
    state = taught(10, 10)
    state.seen = shots(1, 1)[0]
    app = with_state(state, thing_1="Pen", thing_2="pen")
    assert warnings(app) == ["Two things are called pen: give one of them another name."]
    assert shares(app) == ["**–**"] * 3 and said(app).count("10 pictures") == 2
    app.text_input(key="thing_2").set_value(" ").run()
    assert warnings(app) == ["Thing 2 has no name: give it one."]
    app.text_input(key="thing_2").set_value("손").run()
    assert not warnings(app)
    assert shares(app)[1] != "**–**", "what was taught is still there"


@pytest.mark.slow
def test_too_little_is_said_and_taken_back_picture_by_picture() -> None:
    app = with_state(taught(10, 1))
    assert "Too few pictures of Hand to know more than one view" in said(app) and not warnings(app)
    app.button(key="remove_1").click().run()
    assert warnings(app) == ["Take pictures of two things or more: what is there to be told apart otherwise?"]
    assert "fitted to" not in said(app) and "10 pictures" in said(app)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", found)
    return found


def test_a_picture_that_was_taken_becomes_one_of_a_thing(session: dict[str, Any]) -> None:
    state = session[STATE] = taught(10, 10)
    taught_state.add(2)
    assert [len(one) for one in state.things.shots] == [10, 10, 0], "none was taken"
    state.still = shots(2, 1)[0]
    taught_state.add(2)
    assert [len(one) for one in state.things.shots] == [10, 10, 1]
    assert state.taught and state.taught.things == (0, 1, 2)


def test_a_series_teaches_and_what_is_seen_is_asked(session: dict[str, Any]) -> None:
    for thing, grey in enumerate((30, 220)):
        taught_state.take(Taken(1, thing, tuple(jpeg(grey + place) for place in range(4))))
    state = session[STATE]
    assert [len(one) for one in state.things.shots] == [4, 4, 0]
    taught_state.take(Taken(1, None, (jpeg(222),)))
    assert state.seen and state.taught.answer(state.seen)[1] > 0.5
    assert [len(one) for one in state.things.shots] == [4, 4, 0], "what is only seen teaches nothing"


@pytest.mark.parametrize(("picture", "sentence"), [(b"no picture", "not an image"), (jpeg(0)[:200], "damaged")])
def test_a_picture_that_cannot_be_read_is_said_and_costs_nothing(
    session: dict[str, Any], picture: bytes, sentence: str
) -> None:
    taught_state.take(Taken(1, 0, (jpeg(30), jpeg(31))))
    taught_state.take(Taken(1, 0, (jpeg(30), picture)))
    state = session[STATE]
    assert sentence in state.wrong and len(state.things.shots[0]) == 2
    taught_state.take(Taken(1, 0, (jpeg(33),)))
    assert state.wrong == "" and len(state.things.shots[0]) == 3


def test_a_message_that_comes_again_is_taken_once(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    hand_on: list[Any] = []
    monkeypatch.setattr(camera, "_beside", lambda **others: hand_on.append(others["on_pictures_change"]))
    for name in ("container", "html", "camera_input"):
        monkeypatch.setattr(st, name, MagicMock())
    monkeypatch.setattr(camera, "show_uploader", lambda *_args, **_others: None)
    session |= {"any_seen": None, "any_file": None}
    taken: list[Taken] = []
    camera.show_camera("Camera", "any", series=["Cup"], take=taken.append)
    for number in (5, 5, 6, 5):
        session["any_beside"] = {"pictures": {"number": number, "series": 0, "pictures": [address_of(b"one")]}}
        hand_on[0]()
    assert [one.number for one in taken] == [5, 6, 5]


def test_a_thing_takes_so_many_pictures_and_no_more(session: dict[str, Any]) -> None:
    session[STATE] = taught(MOST)
    taught_state.take(Taken(1, 0, (jpeg(30),)))
    assert f"{MOST} pictures of a thing are enough" in session[STATE].wrong
    assert len(session[STATE].things.shots[0]) == MOST


def address_of(data: bytes) -> str:
    return PREFIX + base64.b64encode(data).decode()


def test_what_a_browser_sends_is_read() -> None:
    sent = {"number": 7, "series": 1, "pictures": [address_of(b"one"), address_of(b"two")]}
    assert taken_of(sent, 3) == Taken(7, 1, (b"one", b"two"))
    assert taken_of({**sent, "series": None}, 3) == Taken(7, None, (b"one", b"two"))


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {"series": 0, "pictures": [address_of(b"one")]},
        "pictures",
        {},
        {"number": 1, "series": 0, "pictures": []},
        {"number": 1, "series": 0, "pictures": "data:"},
        {"number": 1, "series": 3, "pictures": [address_of(b"one")]},
        {"number": 1, "series": -1, "pictures": [address_of(b"one")]},
        {"number": 1, "series": "0", "pictures": [address_of(b"one")]},
        {"number": 1, "series": 0, "pictures": ["https://nowhere.test/picture.jpg"]},
        {"number": 1, "series": 0, "pictures": [PREFIX + "!!!"]},
        {"number": 1, "series": 0, "pictures": [address_of(b"one")] * 11},
        {"number": 1, "series": 0, "pictures": [address_of(bytes(400_000))]},
    ],
)
def test_what_no_browser_of_ours_sends_is_left_alone(sent: Any) -> None:
    assert taken_of(sent, 3) is None
