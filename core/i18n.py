"""The one door for visible sentences, so that a translation is a gettext catalogue and nothing else.

``_("...")`` translates where it stands: into ``spoken()``, the language of whoever is to read the sentence. A sentence
that is named once and shown later, such as the name of a stage, is marked by ``N_("...")`` for the catalogue and
passes through ``_`` when it is shown.
"""

import gettext
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_FOLDER = Path(__file__).parent.parent / "locale"
DOMAIN = "visible_vision"
ENGLISH = "en"  # the language of the sentences in the code
LANGUAGES = {ENGLISH: "English", "ko": "한국어"}  # each by its own name

language: ContextVar[str] = ContextVar("language", default=ENGLISH)
_listener: Callable[[], str] = language.get


def ask_listener(listener: Callable[[], str]) -> None:
    """Let ``listener`` tell the language where ``language`` is not set, as in the threads that run the pages."""
    global _listener
    _listener = listener


def spoken() -> str:
    """Return the language that ``_`` translates into here: work for somebody that runs elsewhere sets it anew."""
    return language.get(None) or _listener()


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Make sentences in the language called ``name``."""
    token = language.set(name)
    try:
        yield
    finally:
        language.reset(token)


def nearest(tag: str | None) -> str:
    """Return the language of ``LANGUAGES`` for a ``tag`` such as ko-KR or ko_KR.UTF-8; else English."""
    name = (tag or "").replace("_", "-").split("-")[0].lower()
    return name if name in LANGUAGES else ENGLISH


def of_environment(variables: Mapping[str, str]) -> str:
    """Return the language that the environment's ``variables`` ask for, in the order in which gettext looks."""
    asked = (variables.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return nearest(next(filter(None, asked), "").split(":")[0])


def _(sentence: str) -> str:
    """Return ``sentence`` in the language of ``spoken``, or as it is where there is no translation."""
    return _catalogue(spoken()).gettext(sentence)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the translation of ``one`` or ``many``, as the language has it for ``count`` things."""
    return _catalogue(spoken()).ngettext(one, many, count)


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for it
    """Return ``sentence`` as it is: it is marked for the catalogue, and translated by ``_`` when it is shown."""
    return sentence


@lru_cache
def _catalogue(name: str) -> gettext.NullTranslations:
    """Read a language's catalogue from its text: what a person edits is what is used, and nothing needs compiling."""
    path = LOCALE_FOLDER / name / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not path.exists():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
