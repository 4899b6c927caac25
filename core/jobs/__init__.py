"""Long work off the page: a fair queue in front of a bounded number of workers, with progress, cancel and limits.

Work is a callable without arguments that returns an iterator of events; as it runs in another process, it has to be
picklable: a ``functools.partial`` of a function of a module. A worker asks for one event after the other and closes
the iterator when the job is cancelled, when it is over its limits, or when nobody has polled it for a while: then its
browser has gone. One worker does quick jobs, whose times are shown: two at once would disturb each other. Long ones,
trainings above all, go to another, which gets what processor time is left. Between two events of a quick job the
urgent ones that wait are done, so that nobody's first screen waits for it.

The workers are processes of this machine, or those of a Ray cluster where ``VISIBLE_VISION_RAY`` names one. Processes
need seconds to import torch, as the app itself does, and both at once would keep a new server's first visitor waiting
for longer: what is urgent as the very first job is done by a thread of the app, and the processes come after it.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain, repeat

from core.jobs import threads
from core.jobs.job import Event, Job, Progressed, Work, piped
from core.jobs.messages import Worker
from core.jobs.queue import Queue

CLUSTER = "VISIBLE_VISION_RAY"  # the environment variable with a Ray cluster's address, such as auto or host:6379


@lru_cache(maxsize=1)
def _queue() -> Queue:
    if cluster := os.environ.get(CLUSTER):
        from core.jobs.ray import on_cluster

        return on_cluster(cluster)
    if sys.platform != "linux":  # where one cannot count on a fork, nor on /proc
        return Queue(threads.start)
    from core.jobs import processes

    quick: Iterator[Callable[[bool], Worker]] = chain([threads.stand_in], repeat(processes.start))
    return Queue(lambda long: processes.start(long) if long else next(quick)(long))


def submit(
    work: Work[Event],
    urgent: bool = False,
    *,
    owner: str = "",
    long: bool = False,
    newest: bool = False,
    kind: str = "",
) -> Job[Event]:
    """Line up ``work`` and return its job at once, as ``Queue.submit`` does."""
    return _queue().submit(work, urgent, owner=owner, long=long, newest=newest, kind=kind)


__all__ = ["Event", "Job", "Progressed", "Queue", "Work", "piped", "submit"]
