"""The transfer learning page, driven by AppTest; jobs that are done at once stand in for the real trainings."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from core.jobs import Progressed
from core.pretrained import PRETRAINED
from core.transfer.kept import FOLDER
from core.transfer.ways import WAYS, Drift, Event, Learnt, Look, Opened, Plan, Timing
from tests.pages.opening import figures, opened, sent
from ui.sources import source
from ui.sources.sets import PickedSource
from ui.transfer import started, trunks

pytestmark = pytest.mark.slow

open_page = partial(opened, "transfer", trunk_of="Slim AlexNet")  # whose networks are built in no time
MORE = "transfer_more"
CLASSES = ("cat", "dog")
TRUTH = (0, 1, 0, 1) * 25


class Stand:
    """A job that somebody else has done: its ``events`` are there, and it stays as it is."""

    def __init__(self, events: list[Any], state: str = "done", error: str = ""):
        self.now = Progressed(state, tuple(events), error=error)  # type: ignore[arg-type]

    def poll(self) -> Progressed[Any]:
        return self.now

    def cancel(self) -> None:
        self.now = replace(self.now, state="cancelled")


def accuracy_of(plan: Plan) -> float:
    """The more images, the better, from scratch above all; the last layer alone is best with few."""
    few, many = {"head": (0.5, 0.5), "everything": (0.25, 1.0), "scratch": (0.25, 1.0)}[plan.way]
    return few if plan.per_class < 100 else many


def learnt(plan: Plan) -> list[Event]:
    looks = tuple(Look(plan, step, 1 / step, accuracy_of(plan)) for step in (plan.steps // 2, plan.steps))
    timing = Timing(0.5, 0.25, 1.0) if plan.cached else Timing(0.5)
    answers = tuple(1 - one if index >= 100 * accuracy_of(plan) else one for index, one in enumerate(TRUTH))
    return [*looks, Learnt(plan, 2 * plan.per_class, looks, timing, answers, (0.9,) * 100)]


def events_of(data: str, plans: tuple[Plan, ...], version: str, keep: Path) -> list[Event]:
    pictures = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    events: list[Event] = [Opened(CLASSES, (30, 10), TRUTH, (0, 1), pictures, ("Left out: hen.",))]
    for plan in plans:
        events += learnt(plan)
        if plan.cached:
            events.append(Drift(plan, 0.0, 0.25, 0.5, 0.75))
    return events


@pytest.fixture(autouse=True)
def handed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """Every job that the page hands in; nothing is known beforehand, and no other trunk is here."""
    works: list[Any] = []

    def submit(work: Any, **_kinds: Any) -> Stand:
        works.append(work)
        return Stand(events_of(*work.args))

    monkeypatch.setattr(started, "submit", submit)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    st.cache_resource.clear()
    yield works
    st.cache_resource.clear()


def plans_of(work: Any) -> tuple[Plan, ...]:
    plans: tuple[Plan, ...] = work.args[1]
    return plans


def said(app: AppTest) -> str:
    return "\n".join(one.value for one in (*app.markdown, *app.caption, *app.info, *app.warning, *app.error))


def test_it_opens_with_digits_and_learns_them_three_ways_without_a_click(handed_in: list[Any]) -> None:
    app = open_page()
    (work,) = handed_in
    assert work.args[0] == "digits"
    assert plans_of(work) == tuple(Plan(way, steps=50) for way in WAYS)
    assert work.args[2:] == ("digits", FOLDER), "what everybody sees is remembered, with its features"
    data = sent(app)
    assert [way["key"] for way in data["ways"]] == ["head", "everything", "scratch"]
    assert [way["accuracy"] for way in data["ways"]] == [0.5, 0.25, 0.25]
    assert data["ways"][0]["looks"] == [
        [25, pytest.approx(1 / 25, abs=1e-4), 0.5],
        [50, pytest.approx(1 / 50, abs=1e-4), 0.5],
    ]
    assert data["ways"][0]["learning"] == 129 * 2 < data["ways"][1]["learning"]
    assert [layer["frozen"] for layer in data["ways"][0]["layers"]] == [True] * 5 + [False]
    assert data["classes"] == list(CLASSES) and data["truth"] == [0, 1] and len(data["pictures"]) == 2
    assert data["answers"]["head"] == {"labels": [0, 1], "certainties": [0.9, 0.9], "confusion": [[25, 25], [25, 25]]}
    assert "Left out: hen." in said(app)
    assert "rarest class has only 10 images" in said(app)


def test_the_trunk_of_photographs_is_the_first_and_only_its_last_layer_learns_unasked(
    handed_in: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: list[bool] = []

    def submit(work: Any, long: bool, kind: str) -> Stand:
        kinds.append(long)
        handed_in.append(work)
        return Stand(events_of(*work.args))

    monkeypatch.setattr(started, "submit", submit)
    app = opened("transfer")
    plan = Plan("head", 20, 0, "lite0", 50, 1e-2, 3e-4)
    rest = (replace(plan, way="everything"), replace(plan, way="scratch"))
    assert [plans_of(work) for work in handed_in] == [(plan,)]
    assert [way["accuracy"] for way in sent(app)["ways"]] == [0.5, None, None]
    assert [len(way["layers"]) for way in sent(app)["ways"]] == [19] * 3
    assert "EfficientNet-Lite0 was trained on 1.3 million photos of 1000 kinds of things" in said(app)
    assert "Licence of its weights: Apache-2.0. [Their source](https://github.com/tensorflow" in said(app)
    app.button(key="transfer_rest").click().run()
    assert [plans_of(work) for work in handed_in[1:]] == [rest]
    assert kinds == [False, True], "what takes minutes lets others pass"
    assert [way["accuracy"] for way in sent(app)["ways"]] == [0.5, 0.25, 0.25]
    assert not any(button.key == "transfer_rest" for button in app.button)


def test_what_another_session_has_learnt_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Stand] = []

    def submit(work: Any, **_kinds: Any) -> Stand:
        jobs.append(Stand([], "queued"))
        return jobs[-1]

    monkeypatch.setattr(started, "submit", submit)
    app = open_page()
    assert any(button.key == "cancel" for button in app.button)
    monkeypatch.setattr(started, "submit", lambda work, **_kinds: Stand(events_of(*work.args)))
    open_page()
    app.run()
    assert [job.now.state for job in jobs] == ["cancelled"]
    assert [way["accuracy"] for way in sent(app)["ways"]] == [0.5, 0.25, 0.25]
    assert "Cancelled" not in said(app)


def test_what_is_known_is_not_learnt_again(handed_in: list[Any]) -> None:
    open_page()
    again = open_page()
    assert len(handed_in) == 1, "results are shared by all sessions"
    again.segmented_control(key="per_class").set_value(5).run()
    assert len(handed_in) == 2 and {plan.per_class for plan in plans_of(handed_in[1])} == {5}
    again.segmented_control(key="per_class").set_value(20).run()
    assert len(handed_in) == 2


def test_every_choice_comes_from_the_address(handed_in: list[Any]) -> None:
    address = {
        "per_class": "100",
        "transfer_steps": "150",
        "shifted": "true",
        "head_rate_slim": "0.01",
        "source": "Handwritten digits",
    }
    app = open_page(**address, trunk_rate_slim="0.0001", scratch_rate="0.003")
    wanted = Plan("head", 100, 0, "slim", 150, 0.01, 0.0001, 0.003, True)
    assert plans_of(handed_in[0])[0] == wanted
    assert "every batch has to go through the trunk" in said(app)
    app.toggle(key="shifted").set_value(False).run()
    assert plans_of(handed_in[1])[0] == replace(wanted, shifted=False)


def test_more_images_and_seeds_are_measured_at_a_click_and_the_verdict_follows(handed_in: list[Any]) -> None:
    app = open_page()
    assert "**25 percentage points**" in said(app) and "so many weights learn few images by heart" in said(app)
    app.button(key=MORE).click().run()
    plans = plans_of(handed_in[1])
    assert len(plans) == 3 * 3 * 3 - 3 and plans[0].per_class == 5
    counts = {(one["way"], one["count"]): len(one["scores"]) for one in sent(app)["counts"]}
    assert counts == {(way, count): 3 for way in ("head", "everything", "scratch") for count in (5, 20, 100)}
    assert "Its lead shrinks from 25 points with 5 images a class to 0 with 100." in said(app)
    assert not any(button.key == MORE for button in app.button)
    app.segmented_control(key="per_class").set_value(100).run()
    assert len(handed_in) == 2
    assert "**does not help**: from scratch is as good" in said(app)
    assert "From scratch beats the frozen trunk" in said(app)


def test_a_series_is_a_long_job_and_the_first_three_trainings_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[bool] = []

    def submit(work: Any, long: bool, kind: str) -> Stand:
        kinds.append(long)
        return Stand(events_of(*work.args))

    monkeypatch.setattr(started, "submit", submit)
    open_page().button(key=MORE).click().run()
    open_page(transfer_steps="500")
    assert kinds == [False, True, False, True], "of 500 steps each only the last layer's are soon done"


def test_from_scratch_is_not_blamed_for_too_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(plan: Plan) -> list[Event]:
        *_looks, result = learnt(plan)
        assert isinstance(result, Learnt)
        loss = 2.0 if (plan.way, plan.per_class) == ("scratch", 100) else 0.01
        return [replace(result, looks=(replace(result.looks[-1], loss=loss),))]

    def submit(work: Any, **_kinds: Any) -> Stand:
        known = [event for event in events_of(*work.args) if isinstance(event, Opened)]
        return Stand([*known, *(event for plan in work.args[1] for event in slow(plan))])

    monkeypatch.setattr(started, "submit", submit)
    app = open_page()
    app.button(key=MORE).click().run()
    assert "But with 100 from scratch has not finished learning (its loss is 2.00)" in said(app)
    app.segmented_control(key="per_class").set_value(100).run()
    assert "From scratch still has a training loss of 2.00: more steps would help it." in said(app)


def test_times_and_movements_of_features_are_shown(handed_in: list[Any]) -> None:
    times, movements = (table.value for table in open_page().table)
    # 50 steps of 32 out of 40 images are 40 epochs.
    assert [str(value) for value in times["Seconds"]] == ["0.25", "0.5", "1", "20.2", "40"]
    assert "40 epochs, features kept" in list(times["What"])
    assert list(movements["Features move by"]) == ["0.0 %", "25.0 %", "50.0 %", "75.0 %"]
    assert list(movements["May be kept"]) == ["yes", "no", "no", "no"]


def job_of(state: str, error: str = "") -> Callable[..., Stand]:
    return lambda work, **_kinds: Stand(events_of(*work.args)[:3], state, error)


def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled(
    handed_in: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started, "submit", job_of("running"))
    app = open_page()
    assert sent(app)["ways"][0]["accuracy"] is None and len(sent(app)["ways"][0]["looks"]) == 2
    app.button(key="cancel").click().run()
    assert "Cancelled" in said(app)
    monkeypatch.setattr(started, "submit", lambda work, **_kinds: Stand(events_of(*work.args)))
    app.button(key="transfer_again").click().run()
    assert [way["accuracy"] for way in sent(app)["ways"]] == [0.5, 0.25, 0.25]


def test_what_goes_wrong_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(started, "submit", job_of("failed", "Two classes are needed."))
    app = open_page()
    assert "Two classes are needed." in said(app)
    assert any(button.key == "transfer_again" for button in app.button)


def test_another_source_ends_what_is_being_learnt(handed_in: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Stand] = []

    def submit(work: Any, **_kinds: Any) -> Stand:
        jobs.append(Stand(events_of(*work.args)[:3], "running"))
        return jobs[-1]

    monkeypatch.setattr(started, "submit", submit)
    app = open_page()
    app.session_state["source"] = "scenes"
    app.run()
    assert [job.now.state for job in jobs] == ["cancelled", "running"]
    assert not app.exception and "Cancelled" not in said(app)


def test_nobodys_own_images_are_remembered(handed_in: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    own = PickedSource("upload:1234", "Cats", "/somewhere", "classes")
    monkeypatch.setattr(source, "pick_source", lambda _forms, first: own)
    open_page()
    again = open_page()
    assert all(work.args[3] != FOLDER and work.args[3].name == "features" for work in handed_in), "in its own folder"
    assert [work.args[2] for work in handed_in] == ["", ""], "another session does not see what this one has found"
    again.run()
    assert len(handed_in) == 2


def test_shapes_are_no_new_task_for_our_trunk() -> None:
    assert "no new task for it" in said(open_page(source="Drawn scenes"))
    assert "no new task for it" not in said(open_page())


def test_weights_that_are_not_here_are_offered_with_their_size(
    handed_in: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loading: list[Any] = []

    def submit(work: Any, **kinds: Any) -> Stand:
        loading.append((work.func.__name__, work.args, kinds))
        return Stand([10**7], "running")

    monkeypatch.setattr(trunks, "submit", submit)
    app = open_page(trunk_of="ResNet-18")
    assert not handed_in and not figures(app)
    assert "ResNet-18 was trained on 1.3 million photos" in said(app) and "BSD-3-Clause" in said(app)
    assert "They take 47 MB from download.pytorch.org" in said(app) and "resnet18-f37072fd.pth" in said(app)
    app.button(key="trunk_download").click().run()
    assert loading == [("fetching", ("resnet18",), {"newest": True, "kind": "weights"})]
    assert not app.exception and any(button.key == "cancel" for button in app.button)
    PRETRAINED["resnet18"].file.parent.mkdir(parents=True)
    PRETRAINED["resnet18"].file.touch()
    open_page(trunk_of="ResNet-18")
    plan = plans_of(handed_in[0])[0]
    assert (plan.trunk, plan.trunk_rate, plan.head_rate) == ("resnet18", 3e-4, 1e-1)


def test_a_failed_download_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    offline = "download.pytorch.org cannot be reached: this server may be offline."
    monkeypatch.setattr(trunks, "submit", lambda work, **_kinds: Stand([], "failed", offline))
    app = open_page(trunk_of="AlexNet")
    app.button(key="trunk_download").click().run()
    assert offline in said(app) and not app.exception
