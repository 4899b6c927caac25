"""Real data that lies beside a checkout, not in it: tests that need it say so where it is missing."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """Return the folder ``name`` of the shared data, or skip the test, saying what is missing."""
    folder = FOLDER / name
    if not folder.exists():
        pytest.skip(f"no {name} in ../shared/data: this test needs the real data beside the repository")
    return folder
