"""What the first page of a fresh server would wait for, made short."""

import gc
import importlib
from functools import lru_cache

LIBRARIES = ("core.detectors.race", "core.figures.race", "core.figures.stages", "core.images", "core.data.photos")


@lru_cache
def import_libraries() -> None:
    """Import torch and what stands on it, once for the server, out of the garbage collector's sight.

    They leave a million objects that live as long as the server. Collecting among them makes the import a fifth
    slower, and Streamlit collects after every run of a page, which took 0.15 s each time: too much for a race that is
    timed in the next thread.
    """
    gc.disable()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
