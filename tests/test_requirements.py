"""That what the app, its tests and the cluster need is required by the right file, and pinned, once."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
APP, WORK = ("core", "pages", "ui"), ("tests", "benchmarks")
FILES = ("requirements.txt", "requirements-dev.txt", "requirements-ray.txt")
CLOUD = Path("deploy", "cloud", "requirements.txt")


def required(file: str | Path) -> dict[str, Requirement]:
    """What ``file`` asks for, by its name, without what the files that it includes ask for."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text("utf-8").splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(one.name): one for one in found}


def pins() -> dict[str, set[str]]:
    """The versions in constraints.txt by name: several where Pythons differ in what they can have."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines())
    found: dict[str, set[str]] = {}
    for one in map(Requirement, filter(None, lines)):
        found.setdefault(canonicalize_name(one.name), set()).add(str(one.specifier))
    return found


bringers = cache(packages_distributions)


def distributions(folders: tuple[str, ...]) -> dict[str, set[str]]:
    """The packages of others that the code in ``folders`` imports, each with the names of what brings it."""
    files = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    modules = {name.partition(".")[0] for file in files for name in imported(file)}
    return {
        module: {canonicalize_name(name) for name in bringers().get(module, [module])}
        for module in modules - {*APP, *WORK} - sys.stdlib_module_names
    }


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def brought_along(names: set[str]) -> set[str]:
    """All that ``names`` need on this machine, and what that needs."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found.add(name)
        try:
            needs = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue  # of another system
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


@pytest.mark.slow
def test_the_app_imports_what_its_requirements_name() -> None:
    named = set(required("requirements.txt")) | set(required("requirements-ray.txt"))
    missing = {module for module, names in distributions(APP).items() if not names & named}
    assert not missing, f"requirements.txt names nothing that brings {missing}"


@pytest.mark.slow
def test_tests_and_benchmarks_import_what_the_requirements_bring() -> None:
    named = brought_along({name for file in FILES for name in required(file)})
    missing = {module for module, names in distributions(WORK).items() if not names & named}
    assert not missing, f"requirements-dev.txt names nothing that brings {missing}"


def test_the_app_needs_nothing_that_only_tests_need() -> None:
    assert not {"pytest", "hypothesis", "playwright", "ruff", "mypy"} & brought_along(set(required("requirements.txt")))


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned_as_in_the_constraints(file: str) -> None:
    wrong = [str(one) for name, one in required(file).items() if pins().get(name) != {str(one.specifier)}]
    assert not wrong, f"run make constraints: {wrong}"


def test_all_that_the_requirements_bring_along_is_pinned() -> None:
    missing = brought_along({name for file in FILES for name in required(file)}) - set(pins())
    assert not missing, f"run make constraints: {missing} are not in constraints.txt"


def test_a_hosted_demo_has_the_same_versions_of_pytorch() -> None:
    own, cloud = required("requirements.txt"), required(CLOUD)
    assert set(cloud) == {"torch", "torchvision"}, "the others are included from requirements.txt"
    for name, one in cloud.items():
        assert str(one.specifier) == f"{own[name].specifier}+cpu"


def test_an_included_file_is_there() -> None:
    for file in (*FILES, CLOUD):
        for line in (ROOT / file).read_text("utf-8").splitlines():
            option, _space, other = line.partition(" ")
            assert option not in ("-r", "-c") or (ROOT / file).parent.joinpath(other).is_file(), f"{file}: {line}"
