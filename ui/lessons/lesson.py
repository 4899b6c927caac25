"""What a lesson is: prepared states of a page with what to try and to notice there, and a question."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Address = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class State:
    """A prepared state of a page: what to ``do`` there, what to ``notice``, and its ``address``: the page's choices
    that are not its defaults, as they stand in a link, so a choice with a visible name by that name."""

    do: str
    notice: str
    address: Address = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """A page's lesson: its ``states`` in order, then a ``question`` and its ``answer``."""

    states: tuple[State, ...]
    question: str
    answer: str
