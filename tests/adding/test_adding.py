"""A sixth detector and an eleventh way of upsampling: a file and an entry each, nothing else, and they are everywhere.

README's "Add a detector" and "Add a way of upsampling" say what is done here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from core.models import CONVOLVING, MOVING, SCORING, SUPPRESSING

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SHAPES = ("--family", "shapes")
LAST_ENTRY = "\n)\n\nMODELS: "  # in core/models.py

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the two files in a package of their own, and the two entries."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("core", "ui", "pages", "locale", "benchmarks"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "checkpoints", copy / "checkpoints", copy_function=os.link)  # what is written there is new
    shutil.copy(ROOT / "streamlit_app.py", copy)
    shutil.copytree(ROOT / ".streamlit", copy / ".streamlit")
    (copy / "additions").mkdir()
    for file in ("cell_votes.py", "averaging.py"):
        shutil.copy(HERE / file, copy / "additions")
    models = copy / "core" / "models.py"
    _start, _parenthesis, entries = (HERE / "entries.py").read_text("utf-8").partition("ENTRIES = (\n")
    added = models.read_text("utf-8").replace(
        LAST_ENTRY, "\n" + entries.rstrip().removesuffix(")").rstrip() + LAST_ENTRY
    )
    models.write_text(added, "utf-8")
    return copy


def run(checkout: Path, command: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_detectors_file_is_a_page_long() -> None:
    assert len((HERE / "cell_votes.py").read_text("utf-8").splitlines()) <= 60


def test_both_are_trained_evaluated_and_shown_everywhere(checkout: Path) -> None:
    for name, weights in (("cell_votes", "cell_votes"), ("averaging", "upsamplers/averaging")):
        run(checkout, ["-m", "core", "train", name])
        assert (checkout / "checkpoints" / "shapes" / f"{weights}.safetensors").is_file()

    evaluated = run(checkout, ["-m", "core", "evaluate", "cell_votes,averaging", "--images", "2", "--json", "-"])
    report = json.loads(evaluated)
    assert set(report["detectors"]) == {"cell_votes"} and set(report["segmenters"]) == {"averaging"}

    Image.new("RGB", (96, 80), "teal").save(checkout / "photo.png")
    detected = run(
        checkout, ["-m", "core", "detect", "photo.png", *SHAPES, "--detectors", "cell_votes,yolo", "--json", "-"]
    )
    assert [one["detector"] for one in json.loads(detected)["runs"]] == ["cell_votes", "yolo"]

    seen = json.loads(run(checkout, [str(HERE / "seen.py")]))
    assert "cell_votes" in seen["in every race"]
    assert seen["its stages in a race"] == [
        ["Convolution", CONVOLVING],
        ["Cell votes", SCORING],
        ["Cell boxes", MOVING],
        ["NMS", SUPPRESSING],
    ]
    assert "Cell votes" in seen["the chart"]
    assert "Cell votes" in seen["the comparison page"] and "Cell votes" in seen["the training page"]
    assert len(seen["the segmenters' upsampling"]) == 11 and "averaging" in seen["the segmenters' upsampling"]
    assert "Averaging" in seen["the checkerboard's chart"]
