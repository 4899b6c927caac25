"""Every sentence passes through one door, which translates where there is a catalogue and else changes nothing."""

import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from core import i18n
from core.i18n import ENGLISH, N_, _, ask_listener, language, nearest, ngettext, of_environment, spoken


def write_catalogue(folder: Path, name: str, catalogue: Catalog) -> None:
    path = folder / name / "LC_MESSAGES" / "visible_vision.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, catalogue)


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    catalogue = Catalog("de")
    catalogue.add("Box regression", "Box-Regression")
    catalogue.add("{count} boxes", "{count} Boxen für dich")
    catalogue.add("Unsure", "Unsicher", flags=["fuzzy"])
    catalogue.add(("{count} cell", "{count} cells"), ("{count} Zelle", "{count} Zellen"))
    write_catalogue(tmp_path, "de", catalogue)
    monkeypatch.setattr(i18n, "LOCALE_FOLDER", tmp_path)
    i18n._catalogue.cache_clear()
    token = language.set("de")
    yield
    language.reset(token)
    i18n._catalogue.cache_clear()


@pytest.mark.parametrize("sentence", ["Press Race to start again.", "x²: {count} of {total}", " "])
def test_without_a_catalogue_a_sentence_stays_as_it_is(sentence: str) -> None:
    assert spoken() == ENGLISH
    assert _(sentence) == sentence and N_(sentence) == sentence


def test_a_catalogue_translates_what_it_holds(german: None) -> None:
    assert _("Box regression") == "Box-Regression"
    assert _("{count} boxes").format(count=3) == "3 Boxen für dich"
    assert _("Region proposals") == "Region proposals"


def test_what_nobody_has_checked_is_not_shown(german: None) -> None:
    assert _("Unsure") == "Unsure"


def test_a_marked_sentence_waits_until_it_is_shown(german: None) -> None:
    assert N_("Box regression") == "Box regression"


@pytest.mark.parametrize(("count", "german_words"), [(1, "1 Zelle"), (2, "2 Zellen"), (0, "0 Zellen")])
def test_one_thing_and_many(german: None, count: int, german_words: str) -> None:
    assert ngettext("{count} cell", "{count} cells", count).format(count=count) == german_words
    language.set(ENGLISH)
    english = "1 cell" if count == 1 else f"{count} cells"
    assert ngettext("{count} cell", "{count} cells", count).format(count=count) == english


def test_another_language_at_the_same_time_is_not_disturbed(german: None) -> None:
    """A thread of another session begins in the default language."""
    heard = []
    thread = threading.Thread(target=lambda: heard.append(_("Box regression")))
    thread.start()
    thread.join()
    assert heard == ["Box regression"]
    assert _("Box regression") == "Box-Regression"


def test_an_unknown_language_falls_back_to_the_text(german: None) -> None:
    language.set("tlh")
    assert _("Box regression") == "Box regression"


def test_where_no_language_is_set_the_listener_is_asked(german: None) -> None:
    """A set language goes before, so that a job of a German speaks German wherever it runs."""
    answers: list[str] = []

    def listen() -> None:
        answers.append(spoken())
        language.set("de")
        answers.append(spoken())

    ask_listener(lambda: "ko")
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    ask_listener(language.get)
    assert answers == ["ko", "de"]


def test_a_copied_context_speaks_its_language(german: None) -> None:
    assert copy_context().run(spoken) == "de"


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        *(("ko", "ko"), ("ko-KR", "ko"), ("ko_KR.UTF-8", "ko"), ("KO", "ko")),
        *(("en-US", "en"), ("C", "en"), ("kok-IN", "en"), ("de", "en"), ("", "en"), (None, "en")),
    ],
)
def test_the_nearest_language_of_a_tag(tag: str | None, name: str) -> None:
    assert nearest(tag) == name


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "", "LC_MESSAGES": "ko_KR"}, "ko"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "ko:en"}, "ko"),
        ({}, "en"),
    ],
)
def test_the_language_of_the_command_line(variables: dict[str, str], name: str) -> None:
    assert of_environment(variables) == name
