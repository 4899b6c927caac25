"""Every sentence passes through one door, which translates where there is a catalogue and else changes nothing."""

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import i18n
from core.i18n import _, language


def write_catalogue(folder: Path, name: str, sentences: dict[str, str]) -> None:
    """Write a compiled gettext catalogue: two tables of (length, offset), originals in order, then their texts."""
    head = {"": "Content-Type: text/plain; charset=UTF-8\n"}
    pairs = sorted((head | sentences).items())
    start = 28 + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    texts = b""
    for column in (0, 1):
        for pair in pairs:
            text = pair[column].encode()
            tables[column] += [len(text), start + len(texts)]
            texts += text + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    numbers = struct.pack(f"<{4 * len(pairs)}I", *tables[0], *tables[1])
    path = folder / name / "LC_MESSAGES" / "visible_vision.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(header + numbers + texts)


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write_catalogue(tmp_path, "de", {"Box regression": "Box-Regression", "{count} boxes": "{count} Boxen für dich"})
    monkeypatch.setattr(i18n, "LOCALE_FOLDER", tmp_path)
    i18n._catalogue.cache_clear()
    token = language.set("de")
    yield
    language.reset(token)
    i18n._catalogue.cache_clear()


@pytest.mark.parametrize("sentence", ["Press Race to start again.", "x²: {count} of {total}", " "])
def test_without_a_catalogue_a_sentence_stays_as_it_is(sentence: str) -> None:
    assert language.get() == "en"
    assert _(sentence) == sentence


def test_a_catalogue_translates_what_it_holds(german: None) -> None:
    assert _("Box regression") == "Box-Regression"
    assert _("{count} boxes").format(count=3) == "3 Boxen für dich"
    assert _("Region proposals") == "Region proposals"


def test_another_language_at_the_same_time_is_not_disturbed(german: None) -> None:
    """A thread of another session begins in the default language."""
    heard = []
    thread = threading.Thread(target=lambda: heard.append(_("Box regression")))
    thread.start()
    thread.join()
    assert heard == ["Box regression"]
    assert _("Box regression") == "Box-Regression"


def test_an_unknown_language_falls_back_to_the_text(german: None) -> None:
    token = language.set("tlh")
    assert _("Box regression") == "Box regression"
    language.reset(token)
    assert _("Box regression") == "Box-Regression"
