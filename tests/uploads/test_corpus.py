"""Six thousand damaged uploads: none crashes the server, fills its memory, leaves files or says where they lay."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.uploads.corpus import ARCHIVES, FOLDERS, IMAGES, WEIGHTS, archives, corpus, images, weights, zipped

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0  # seconds for the whole corpus, on a machine that does other work as well
MOST_MEMORY = 400.0  # MB beyond what the process needs before: 50 megapixels in RGBA, and as much again to turn them
SLOWEST = 5.0  # processor seconds of one upload


@dataclass(frozen=True)
class Outcome:
    """What came of all uploads: the process's exit ``code``, the last one that was ``begun``, and the ``lines``."""

    code: int
    begun: str
    lines: list[dict[str, object]]
    folder: Path


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Carry the corpus through its doors, in a process of its own."""
    folder = tmp_path_factory.mktemp("uploads")
    command = [sys.executable, "-m", "tests.uploads.run_corpus", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    begun = [str(line["begun"]) for line in lines if "begun" in line]
    return Outcome(
        ran.returncode, begun[-1] if begun else ran.stderr, [line for line in lines if "begun" not in line], folder
    )


def test_the_corpus_is_what_it_says() -> None:
    uploads = list(corpus())
    assert Counter(one.door for one in uploads) == {"image": IMAGES, "archive": ARCHIVES + FOLDERS, "weights": WEIGHTS}
    good = {*images().values(), *weights().values(), *(zipped(*one) for one in archives().values())}
    assert sum(one.data in good for one in uploads) < len(uploads) / 50, "nearly all are damaged"
    assert len({one.data for one in uploads}) > 0.95 * len(uploads)


def test_nothing_crashes(outcome: Outcome) -> None:
    assert outcome.code == 0, f"the process died at {outcome.begun}"
    assert [line["raised"] for line in outcome.lines if "raised" in line] == []
    assert len(outcome.lines) == IMAGES + ARCHIVES + FOLDERS + WEIGHTS


def test_the_doors_both_let_in_and_refuse(outcome: Outcome) -> None:
    taken = sum(line["answer"] == "taken" for line in outcome.lines)
    assert len(outcome.lines) / 20 < taken < len(outcome.lines) / 2


def test_every_refusal_is_one_sentence_without_a_path(outcome: Outcome) -> None:
    for answer in {str(line["answer"]) for line in outcome.lines} - {"taken"}:
        assert answer.endswith(".") and "\n" not in answer and len(answer) < 500, answer
        assert str(outcome.folder) not in answer and outcome.folder.name not in answer, answer


def test_memory_and_time_are_bounded(outcome: Outcome) -> None:
    assert max(float(str(line["megabytes"])) for line in outcome.lines) < MOST_MEMORY
    assert max(float(str(line["seconds"])) for line in outcome.lines) < SLOWEST


def test_nothing_is_left_behind(outcome: Outcome) -> None:
    assert [path.name for path in outcome.folder.iterdir()] == ["weights.safetensors"], "what the test itself wrote"
