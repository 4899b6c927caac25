"""The one door for visible sentences, so that a translation is a gettext catalogue and nothing else."""

import gettext
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

LOCALE_FOLDER = Path(__file__).parent.parent / "locale"

language: ContextVar[str] = ContextVar("language", default="en")


@lru_cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("visible_vision", LOCALE_FOLDER, [name], fallback=True)


def _(sentence: str) -> str:
    """Return ``sentence`` in the current ``language``, or as it is where there is no translation."""
    return _catalogue(language.get()).gettext(sentence)
