"""Jobs followed on a page: looked at while they run, the page run again when they end, and how they stand in a line."""

from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.jobs import Progressed
from ui.kit import following
from ui.kit.following import NOTHING, PACE, follow, press_again

RUNNING: Progressed[int] = Progressed("running", (1, 2))
DONE: Progressed[int] = Progressed("done", (1, 2, 3))


class RerunError(Exception):
    """What ``st.rerun`` raises in these tests."""


@pytest.fixture
def paces(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """How often each fragment is to run; it runs once, at once."""
    asked: list[float | None] = []

    def fragment(function: Callable[..., None], run_every: float | None) -> Callable[..., None]:
        asked.append(run_every)
        return function

    def rerun() -> None:
        raise RerunError

    monkeypatch.setattr(following, "fragment", fragment)
    monkeypatch.setattr(st, "rerun", rerun)
    return asked


def polls(*stands: Progressed[int]) -> Callable[[], Progressed[int]]:
    return iter(stands).__next__


def test_what_is_active_is_looked_at_again_and_again(paces: list[float | None]) -> None:
    seen: list[Progressed[int]] = []
    follow(polls(RUNNING, RUNNING), seen.append)
    follow(polls(RUNNING, RUNNING), seen.append, 3.0)
    assert seen == [RUNNING, RUNNING] and paces == [PACE, 3.0]


def test_what_has_ended_is_shown_and_not_looked_at_again(paces: list[float | None]) -> None:
    seen: list[Progressed[int]] = []
    follow(polls(DONE, DONE), seen.append)
    follow(lambda: NOTHING, seen.append)
    assert seen == [DONE, NOTHING] and paces == [None, None]


@pytest.mark.parametrize("stands", [(RUNNING, DONE), (DONE, RUNNING)])
def test_the_page_runs_again_when_a_job_ends_or_another_begins(
    paces: list[float | None], stands: tuple[Progressed[int], Progressed[int]]
) -> None:
    with pytest.raises(RerunError):
        follow(polls(*stands), lambda now: pytest.fail("shown before the page has taken what came"))


# ---- how a job stands ----


def page(now: object, with_progress: bool) -> None:
    from types import SimpleNamespace

    import streamlit as st

    from ui.kit.following import show_status

    def cancel() -> None:
        st.session_state["told"] = True

    progress = (lambda line: line.markdown("half done")) if with_progress else None
    show_status(SimpleNamespace(cancel=cancel), now, "It was cancelled.", "stop", progress)  # type: ignore[arg-type]


def shown(now: Progressed[Any], with_progress: bool = False) -> AppTest:
    app = AppTest.from_function(page, args=(now, with_progress)).run()
    assert not app.exception
    return app


def test_a_job_that_runs_says_so_and_can_be_cancelled() -> None:
    app = shown(RUNNING)
    assert app.markdown[0].value == ":material/hourglass_top: Running ..."
    app.button(key="stop").click().run()
    assert app.session_state["told"]


def test_a_job_in_line_says_how_long_it_waits() -> None:
    assert "number 2 in line, about 7 s" in shown(Progressed("queued", (), 2, 6.5)).markdown[0].value


def test_a_page_may_say_how_far_it_is_in_its_own_way() -> None:
    assert [one.value for one in shown(RUNNING, with_progress=True).markdown] == ["half done"]


def test_how_a_job_ended_is_said_once_it_cannot_be_cancelled() -> None:
    cancelled, failed = shown(Progressed("cancelled", ())), shown(Progressed("failed", (), error="No room."))
    assert [one.value for one in cancelled.warning] == ["It was cancelled."] and not cancelled.button
    assert [one.value for one in failed.error] == ["No room."] and not failed.button
    done = shown(DONE)
    assert not done.markdown and not done.warning and not done.error and not done.button


def test_a_cancelled_job_names_the_button_that_starts_it_anew() -> None:
    assert press_again("Race") == "Cancelled. Press Race to start again."
