"""The logs of runs to take away: one table of all their figures, and what TensorBoard opens."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence

from core.training.runs import Run

COLUMNS = ("run", "figure", "step", "seconds", "value")


def metrics_csv(runs: Mapping[str, Run]) -> bytes:
    """Return every figure of ``runs``, by their titles, as one long table in CSV: ``COLUMNS``."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for title, run in runs.items():
        for name, curve in run.curves().items():
            for row in zip(curve.steps, curve.seconds, curve.values, strict=True):
                table.writerow((title, name, *row))
    return text.getvalue().encode()


def event_files(runs: Sequence[Run]) -> bytes:
    """Return the event files of ``runs`` as a zip file, each in a folder of its run's name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            for path in sorted(run.folder.glob("events.out.tfevents.*")):
                archive.write(path, f"events/{run.name}/{path.name}")
    return packed.getvalue()
