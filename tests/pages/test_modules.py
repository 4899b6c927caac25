"""The page of modules and optimizers, driven by AppTest."""

from functools import partial

import pytest

from core.figures.descent import NAMES
from tests.pages.opening import figures, opened, sent

open_page = partial(opened, "modules")
VIEWS = {"build": "Build a network", "descent": "Descent", "classify": "Classify"}


@pytest.mark.slow
def test_opens_with_a_network_and_a_batch_in_it() -> None:
    data = sent(open_page())
    assert data["error"] == "" and len(data["layers"]) == len(data["blocks"]) == 9
    assert 2 < data["loss"] < 3, "ten classes, guessed"


@pytest.mark.slow
def test_every_view_opens_after_every_other() -> None:
    app = open_page()
    for view in ("descent", "classify", "build", "classify", "descent", "build"):
        app.segmented_control(key="modules").set_value(view).run()
        assert not app.exception and not app.error, view
        assert len(figures(app)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "address", "key", "value"),
    [
        ("build", {"network": "flatten, linear 10", "batch": "Digits (1 x 8 x 8)"}, "network", "flatten, linear 10"),
        ("build", {"build_rate": "1.0"}, "build_rate", 1.0),
        ("descent", {"surface": "Saddle", "start_y": "0.5"}, "start_y", 0.5),
        ("descent", {"momentum": "0.5", "decay": "0.2"}, "momentum", 0.5),
        ("classify", {"points": "Circles", "width": "3"}, "width", 3),
        ("classify", {"rate": "0.3", "seed": "4"}, "rate", 0.3),
    ],
)
def test_the_address_holds_every_choice(view: str, address: dict[str, str], key: str, value: object) -> None:
    app = open_page(modules=VIEWS[view], **address)
    assert not app.error
    assert app.session_state[key] == value


# ---- build a network ----


def test_a_block_that_does_not_fit_is_a_sentence_and_the_cards_stay() -> None:
    app = open_page(network="conv 8, relu, linear 10")
    assert "Block 3, linear 10" in app.error[0].value and "put flatten before it" in app.error[0].value
    data = sent(app)
    assert data["blame"] == 2 and [block["shape"] for block in data["blocks"]] == ["8 x 8 x 8", "8 x 8 x 8", None]
    app.text_input(key="network").set_value("conv 8, relu, flatten, linear 10").run()
    assert not app.error and sent(app)["layers"]


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dense 10", "linear many", ",", "relu " * 50, "__import__('os').system('true')"])
def test_what_cannot_be_read_is_a_sentence_with_a_way_out(network: str) -> None:
    app = open_page()
    app.text_input(key="network").set_value(network).run()
    assert not app.exception and app.error and not figures(app)
    next(button for button in app.button if button.label.startswith("Begin")).click().run()
    assert not app.error and sent(app)["layers"]


def test_other_data_begins_with_a_network_that_fits() -> None:
    app = open_page()
    app.selectbox(key="batch").set_value("moons").run()
    assert not app.error
    data = sent(app)
    assert data["input"] == "2 numbers" and data["blocks"][-1]["numbers"] == [2.0]
    app.selectbox(key="batch").set_value("digits").run()
    assert not app.error and sent(app)["pictures"]


# ---- descent ----


@pytest.mark.slow
def test_every_surface_opens_at_its_own_start() -> None:
    app = open_page(modules=VIEWS["descent"])
    starts = set()
    for surface in (*NAMES[1:], NAMES[0]):
        app.selectbox(key="surface").set_value(surface).run()
        assert not app.exception and not app.error
        data = sent(app)
        assert data["picture"]["surface"] == surface and len(data["rules"]) == 6
        starts.add(tuple(data["start"]))
        assert data["start"] == [app.number_input(key="start_x").value, app.number_input(key="start_y").value]
    assert len(starts) == len(NAMES)


@pytest.mark.slow
def test_a_start_that_is_typed_is_where_the_walks_start() -> None:
    app = open_page(modules=VIEWS["descent"])
    app.number_input(key="start_x").set_value(-1.5).run()
    assert sent(app)["start"][0] == -1.5
    app.slider(key="momentum").set_value(0.5).run()
    app.slider(key="decay").set_value(0.3).run()
    data = sent(app)
    assert (data["start"][0], data["momentum"], data["decay"]) == (-1.5, 0.5, 0.3)


# ---- classify ----


@pytest.mark.slow
def test_a_plan_gives_its_training_and_the_same_plan_the_same() -> None:
    app = open_page(modules=VIEWS["classify"], points="Two moons")
    first = sent(app)
    assert first["accuracies"][0][-1] > 0.9 and first["parameters"] == 2 * 16 + 16 + 16 * 16 + 16 + 16 * 2 + 2
    app.slider(key="depth").set_value(0).run()
    straight = sent(app)
    assert straight["parameters"] == 6 and straight["key"] != first["key"]
    assert straight["accuracies"][0][-1] < first["accuracies"][0][-1], "one line cannot part the moons"
    app.slider(key="depth").set_value(2).run()
    assert sent(app) == first


@pytest.mark.slow
def test_another_seed_is_another_training() -> None:
    app = open_page(modules=VIEWS["classify"])
    first = sent(app)
    app.number_input(key="seed").set_value(1).run()
    assert sent(app)["points"] != first["points"]
