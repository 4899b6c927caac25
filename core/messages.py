"""Every sentence of the app for the translators: ``python -m core.messages`` brings the catalogues in locale/ up to
date with the code. What is new stands there with an empty translation, and what nobody says any more is gone.
"""

import io
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from core.i18n import DOMAIN, ENGLISH, LANGUAGES, LOCALE_FOLDER

ROOT = Path(__file__).parent.parent
SOURCES = ("streamlit_app.py", "core/**/*.py", "pages/*.py", "ui/**/*.py")
# Which arguments of which calls are sentences. Stages are shown by the names that the models give them.
CALLS = {"_": None, "translate": None, "N_": None, "ngettext": (1, 2), "Step": (1,), "Progress": (1,)}


def said(language: str = ENGLISH) -> Catalog:
    """Return a catalogue for ``language`` of all sentences in the code, untranslated, each with the files it is in."""
    catalogue = Catalog(language, DOMAIN, fuzzy=False)
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        for line, sentence, _comments, context in extract_from_file("python", path, CALLS):
            catalogue.add(sentence, locations=[(path.relative_to(ROOT).as_posix(), line)], context=context)
    return catalogue


def translated(language: str) -> Catalog:
    """Return the catalogue of ``language`` as it is in its file."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, language)


def catalogue_path(language: str) -> Path:
    """Return where the catalogue of ``language`` is, or will be."""
    return LOCALE_FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def update(language: str) -> list[Message]:
    """Bring the catalogue of ``language`` up to date with the code and return what is not translated yet."""
    path = catalogue_path(language)
    new = said(language)
    if path.exists():
        old = translated(language)
        for message in new:
            known = old.get(message.id)
            if message.id and known is not None:
                message.string, message.flags = known.string, known.flags
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_written(new))
    return [message for message in new if message.id and not message.string]


def _written(catalogue: Catalog) -> bytes:
    """Return the catalogue as the text of its file; of the header only what a reader of the file needs."""
    text = io.BytesIO()
    write_po(text, catalogue, width=100, include_lineno=False, omit_header=True)
    needed = ("Language", "Plural-Forms", "Content-Type")
    header = "".join(f'"{name}: {value}\\n"\n' for name, value in catalogue.mime_headers if name in needed)
    return f'msgid ""\nmsgstr ""\n{header}\n'.encode() + text.getvalue()


if __name__ == "__main__":
    for name in LANGUAGES:
        if name != ENGLISH:
            missing = update(name)
            print(f"{catalogue_path(name)}: {len(missing)} sentences without a translation")
