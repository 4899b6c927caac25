"""One line of topics on the start page: pictures in the order in which one idea led to the next."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict
from urllib.parse import urlencode

import streamlit as st

from core.figures.stages import Picture
from ui.frame.language import ADDRESS as LANGUAGE
from ui.frame.places import PAGES
from ui.kit.component import component
from ui.lessons.lesson import Address


class MoreLink(TypedDict):
    """Where one sees more of all of it."""

    name: str
    title: str
    href: str


class TopicData(TypedDict):
    """A topic; ``words`` describe its picture, where there is one."""

    name: str
    title: str
    says: str
    href: str
    picture: str | None
    words: NotRequired[str]


class LineData(TypedDict):
    """A line of topics in their order."""

    title: str
    says: str
    more: MoreLink | None
    topics: list[TopicData]


_line = component("start/line", LineData)


@dataclass(frozen=True)
class Topic:
    """One topic: its ``name``, which its picture has, too, its ``title``, what it ``says``, and the ``page`` and
    ``address`` that it leads to."""

    name: str
    title: str
    says: str
    page: str
    address: Address = field(default_factory=dict)

    @property
    def href(self) -> str:
        """The link to its page."""
        return f"{self.page}?{urlencode(_spoken(self.address))}"


@dataclass(frozen=True)
class Line:
    """Topics in their order, what the line is about, and where one sees ``more`` of all of it."""

    name: str
    title: str
    says: str
    topics: tuple[Topic, ...]
    more: Topic | None = None


def show_line(line: Line, pictures: Mapping[str, Picture]) -> None:
    """Show ``line`` with those ``pictures`` that are there, and go to the page that is asked for."""
    asked = _line(
        key=f"line_{line.name}_{len(pictures)}",
        on_opened_change=lambda: None,
        data={
            "title": line.title,
            "says": line.says,
            "more": {"name": line.more.name, "title": line.more.title, "href": line.more.href} if line.more else None,
            "topics": [_sent(topic, pictures.get(topic.name)) for topic in line.topics],
        },
    ).opened
    for topic in (*line.topics, *([line.more] if line.more else [])):
        if topic.name == asked:
            st.switch_page(PAGES / f"{topic.page}.py", query_params=_spoken(topic.address))


def _sent(topic: Topic, picture: Picture | None) -> TopicData:
    sent: TopicData = {
        "name": topic.name,
        "title": topic.title,
        "says": topic.says,
        "href": topic.href,
        "picture": None,
    }
    if picture:
        webp = base64.b64encode(picture.webp).decode()
        sent["picture"], sent["words"] = f"data:image/webp;base64,{webp}", picture.words
    return sent


def _spoken(address: Address) -> Address:
    """Return ``address`` with the language that it is written in."""
    kept = {LANGUAGE: st.query_params[LANGUAGE]} if LANGUAGE in st.query_params else {}
    return {**kept, **address}
