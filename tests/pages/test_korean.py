"""Every page in Korean: no sentence is left in English, even where somebody has just read the page in English."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from core.i18n import ENGLISH, LANGUAGES, ask_listener
from core.messages import translated
from tests.pages.opening import APP
from tests.pages.test_detectors import settled, viewer
from tests.test_messages import LATIN, MARKS, PLACEHOLDER, TERMS, forms
from ui.frame.language import SPOKEN, spoken_here

PAGES = sorted(path.stem for path in (Path(APP).parent / "pages").glob("*.py") if path.stem != "__init__")
INTERNAL = re.compile(r"(?i)(id|key|type|url|name|kind|colou?rs?|symbol|mode|anchor|source|size|layer|word)$")
PLACE = re.compile(r"\]\(https?://[^()]*\)")  # where a link leads
NODES = {"output"}  # called so by torch.export
READ = ("label", "body", "help", "placeholder", "options", "content", "text", "alt")  # of Streamlit's own elements

# Visible by these letters in Korean too, besides the terms: English's own name, titles of models, DataLoader's
# parameters, and the processor.
ALLOWED = {
    *(LANGUAGES[ENGLISH], "Patch", "SPPNet", "ResNet", "MobileNetV", "Small"),
    *("batch_size", "num_workers", "shuffle", "drop_last"),
    *("Intel", "Xeon", "AMD", "EPYC", "Processor"),
    "Apache",  # a licence
}


@pytest.fixture(autouse=True)
def listening() -> None:
    ask_listener(spoken_here)


@pytest.fixture(scope="module")
def english() -> set[str]:
    """The sentences that are something else in Korean."""
    pairs = [(message.id, message.string) for message in translated("ko") if message.id]
    return {sentence for ids, strings in pairs for sentence in forms(ids) if sentence not in forms(strings)}


def opened_in(language: str, page: str, **address: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=120)
    app.session_state[SPOKEN] = language
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception
    return app


def texts(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string within ``data``, with the name it stands under."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from texts(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value, key)
    elif isinstance(data, str):
        yield key, data


def shown(block: Block) -> Iterator[tuple[str, str]]:
    """What the elements of ``block`` say, and what its components and charts are given."""
    for child in block.children.values():
        if isinstance(child, Block):
            yield from texts(getattr(child, "label", "") or "", "label")
            yield from shown(child)
        elif hasattr(child.proto, "spec"):
            yield from texts(json.loads(child.proto.spec))
        elif child.type == "bidi_component":
            yield from texts(json.loads(child.proto.json or "{}"))
        elif child.type != "html":
            yield from texts(MessageToDict(child.proto))


def left_in_english(app: AppTest, english: set[str]) -> list[str]:
    found = []
    for key, text in shown(app._tree):
        bare = PLACEHOLDER.sub("", MARKS["icon"].sub("", MARKS["code"].sub("", PLACE.sub("]", text))))
        strange = set(LATIN.findall(bare)) - TERMS - ALLOWED if key in READ else set()
        if (text in english - NODES and not INTERNAL.search(key)) or strange:
            found.append(f"{key}: {text[:200]}")
    return found


def other_views(app: AppTest, page: str) -> list[dict[str, str]]:
    """The addresses of the page's views but the first, which it opens with."""
    switches = [one for one in app.segmented_control if one.key in ("view", page)]
    return [{str(one.key): option} for one in switches for option in one.options[1:]]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_korean_throughout(page: str, english: set[str]) -> None:
    opened_in(ENGLISH, page)
    app = opened_in("ko", page)
    assert not left_in_english(app, english)
    for address in other_views(app, page):
        assert not left_in_english(opened_in("ko", page, **address), english), address


@pytest.mark.slow
def test_english_that_is_left_is_found(english: set[str]) -> None:
    """The same search on an English page."""
    found = left_in_english(opened_in(ENGLISH, "upsampling"), english)
    assert "label: View" in found and any("Ten networks on one trunk" in text for text in found)


@pytest.mark.slow
def test_a_finished_race_is_drawn_anew_for_another_language() -> None:
    app = settled(opened_in(ENGLISH, "detectors"))
    assert all(words.isascii() for words in stage_words(app))
    english = len(stage_words(app))
    app.session_state[SPOKEN] = "ko"
    app.run()
    assert len(stage_words(app)) == english > 0
    assert all(re.search("[가-힣]", words) for words in stage_words(app))


def stage_words(app: AppTest) -> list[str]:
    """What is said under the pictures of a race's stages."""
    return [stage["words"] for lane in viewer(app)["lanes"] for stage in lane["stages"]]
