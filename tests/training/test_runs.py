"""Run directories: found, compared and told apart."""

import json
from pathlib import Path

from core.training.runs import differences, runs_in


def test_runs_are_found_compared_and_told_apart_from_other_folders(tmp_path: Path) -> None:
    for name, batch_size, zoom, begun in (("a", 8, 1.3, "2026-01-01"), ("b", 16, 1.0, "2026-01-02")):
        (tmp_path / name).mkdir()
        card = {"plan": {"model": "yolo", "batch_size": batch_size, "augmentation": {"zoom": zoom, "mirror": True}}}
        (tmp_path / name / "card.json").write_text(json.dumps(card | {"begun": begun}))
    for name, text in (("broken", "{"), ("strange", '{"a": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text(text)
    newer, older = runs_in(tmp_path)
    assert (newer.name, older.name) == ("b", "a") and newer.ended is None and newer.curves() == {}
    assert differences(older, newer) == {"batch_size": (8, 16), "augmentation.zoom": (1.3, 1.0)}
    assert runs_in(tmp_path / "nowhere") == []
