"""Who is next: the turns go round among the owners; and how long each will wait."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.jobs.job import Job


class Turns:
    """Rounds, each with one job of every owner who has one, as in fair queueing of packets (Nagle, RFC 970)."""

    def __init__(self) -> None:
        self._now = 0
        self._last: dict[str, int] = {}  # the last round of those owners who are ahead

    def enter(self, job: Job[Any]) -> None:
        """Let ``job`` take part from this round on."""
        job.earliest = self._now

    def line_up(self, waiting: Sequence[Job[Any]]) -> list[Job[Any]]:
        """Return the ``waiting`` jobs in the order of their turns: the urgent first, then round by round, and in each
        round first come, first served."""
        rounds = self._rounds(waiting)
        return sorted(waiting, key=lambda job: (not job.urgent, rounds[job.number], job.number))

    def leave(self, job: Job[Any], waiting: Sequence[Job[Any]]) -> None:
        """Note that it is the turn of ``job``, which is one of those ``waiting``."""
        turn = self._rounds(waiting)[job.number]
        self._now = max(self._now, turn)
        self._last[job.owner] = max(turn, self._last.get(job.owner, turn))
        self._last = {owner: last for owner, last in self._last.items() if last >= self._now}

    def _rounds(self, waiting: Sequence[Job[Any]]) -> dict[int, int]:
        last, rounds = dict(self._last), {}
        for job in sorted(waiting, key=lambda job: (not job.urgent, job.number)):
            rounds[job.number] = last[job.owner] = max(job.earliest, last.get(job.owner, -1) + 1)
        return rounds


def seconds_until(
    ahead: Sequence[Job[Any]], running: Sequence[Job[Any]], workers: int, expected: Mapping[str, float], now: float
) -> float | None:
    """Return how long those who are ``ahead`` and those who are ``running`` will keep so many ``workers`` busy; None
    where nobody can tell.

    ``expected`` holds the seconds that a job of each kind takes; ``now`` is a second of the clock.
    """
    if any(job.kind not in expected for job in (*running, *ahead)):
        return None
    left = sum(max(0.0, expected[job.kind] - (now - job.started)) for job in running)
    return (left + sum(expected[job.kind] for job in ahead)) / workers
