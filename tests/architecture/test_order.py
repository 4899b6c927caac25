"""The order of core's packages and modules: each imports only those that stand before it."""

import ast
from pathlib import Path

from tests.architecture.sources import APP, CORE, ROOT, imports, parsed, place, refuse, within

ORDER = (
    # the ground floor
    *("i18n", "messages", "faults", "values", "machine", "models", "jobs", "downloading"),
    *("images", "boxes", "box_table", "nms", "pooling", "backbones", "stages", "suppression", "checkpoint"),
    "evaluation",
    # PyTorch itself
    "tensors",
    # what is learnt from, and the models
    *("data", "families", "imagenet", "pretrained", "autograd", "proposals", "detectors", "segmentation", "classifier"),
    # how they learn
    *("training", "transfer"),
    # what shows them
    *("figures", "scripts", "commands", "__main__"),
)


def part_of(path: Path) -> str:
    """The package, or the module on the ground floor, that a file of core belongs to."""
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


def upward(path: Path) -> list[str]:
    """The imports in ``path`` of a part of core that does not stand before its own, each with its place."""
    own = part_of(path)
    found = []
    for line, name in imports(path):
        _core, _dot, rest = name.partition("core.")
        part = rest.split(".")[0]
        if name.startswith("core.") and part in ORDER and part != own and ORDER.index(part) > ORDER.index(own):
            found.append(f"{place(path, line)}: {own} imports {part}")
    return found


def test_every_part_of_core_has_its_place_in_the_order() -> None:
    parts = {part_of(path) for path in CORE} - {"__init__"}
    assert parts == set(ORDER), "give a new package its place, and take out what has gone"
    assert len(ORDER) == len(set(ORDER))


def test_no_import_in_core_runs_back_up() -> None:
    files = [path for path in CORE if path != ROOT / "core" / "__init__.py"]
    assert any("core." in name for path in files for _line, name in imports(path)), "nothing was looked at"
    refuse([one for path in files for one in upward(path)], "a part of core imports only what stands before it:")


def test_the_classifier_of_photographs_is_imported_by_those_who_ask_it() -> None:
    """The first screen is of drawn scenes: nobody waits there for what only a photo needs."""
    found = [
        place(path, node.lineno)
        for path in APP
        for node in parsed(path).body
        if isinstance(node, ast.ImportFrom) and within(str(node.module), "core.imagenet")
    ]
    refuse(found, "import core.imagenet within the function that asks it")
