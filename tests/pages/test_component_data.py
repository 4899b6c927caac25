"""What Python gives each component, and what its JavaScript says of that, are the same, field by field."""

import importlib
import pkgutil
import re
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

import ui
from ui.kit.component import BUNDLES, DATA, ROOMS

for _module in pkgutil.walk_packages(ui.__path__, "ui."):
    importlib.import_module(_module.name)

Fields = dict[str, str]  # types by names; a name ends in "?" where the field may be absent

TYPEDEF = re.compile(r"@typedef \{object\} (\w+)\n((?: \* @property .*\n)*)")
PROPERTY = re.compile(r"@property \{(.+)\} (\[\w+\]|\w+)")
IMPORT = re.compile(r"@import \{.+\} from \"(.+)\"")
PLAIN: dict[Any, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    Any: "any",
}


def in_python(data: type) -> Fields:
    """The fields of a TypedDict, with types as JSDoc writes them."""
    optional: frozenset[str] = data.__optional_keys__  # type: ignore[attr-defined]
    return {f"{name}?" if name in optional else name: as_jsdoc(kind) for name, kind in get_type_hints(data).items()}


def as_jsdoc(kind: Any) -> str:
    if kind in PLAIN:
        return PLAIN[kind]
    if is_typeddict(kind):
        return str(kind.__name__)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in parts)
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(map(as_jsdoc, parts)))
    if origin is dict:
        assert parts[0] is str, f"a key of JSON is a string: {kind}"
        return f"Record<string, {as_jsdoc(parts[1])}>"
    if origin is tuple and parts[-1] is not Ellipsis:
        return f"[{', '.join(map(as_jsdoc, parts))}]"
    assert origin in (list, tuple, Sequence), f"JSON has no {kind}"
    item = as_jsdoc(parts[0])
    return f"({item})[]" if "|" in item else f"{item}[]"


def inner(kind: Any) -> list[type]:
    """The TypedDicts within a type."""
    if is_typeddict(kind):
        return [kind]
    return [found for part in get_args(kind) for found in inner(part)]


def all_within(data: type) -> list[type]:
    """A TypedDict, and all those that its fields hold."""
    found = [data]
    for one in found:
        new = [other for kind in get_type_hints(one).values() for other in inner(kind)]
        found.extend(dict.fromkeys(other for other in new if other not in found))
    return found


def in_javascript(script: Path) -> dict[str, Fields]:
    """The typedefs in a script, by their names, and in those that it takes some from; that it names them, tsc sees."""
    scripts = [script.resolve()]
    for one in scripts:  # it grows meanwhile: scripts may take from each other
        sources = [(one.parent / source).resolve() for source in IMPORT.findall(one.read_text("utf-8"))]
        scripts.extend(source for source in dict.fromkeys(sources) if source not in scripts)
    typedefs = [found for one in scripts for found in TYPEDEF.findall(one.read_text("utf-8"))]
    return {name: dict(map(_field, PROPERTY.findall(body))) for name, body in typedefs}


def _field(found: tuple[str, str]) -> tuple[str, str]:
    kind, name = found
    return f"{name[1:-1]}?" if name.startswith("[") else name, kind


def test_every_component_says_what_it_is_given() -> None:
    components = {path.relative_to(BUNDLES).with_suffix("").as_posix() for path in BUNDLES.rglob("*.js")}
    assert components == set(DATA)


@pytest.mark.parametrize("path", sorted(DATA))
def test_python_and_javascript_say_the_same_of_a_components_data(path: str) -> None:
    said = in_javascript((ROOMS / path).with_suffix(".js"))
    for data in all_within(DATA[path]):
        assert said.get(data.__name__) == in_python(data), f"{data.__name__} in {path}.js, or in what that imports"


class Inner(TypedDict):
    name: str


class Sample(Inner, total=False):
    numbers: list[float | None]
    kind: Literal["one", "other"]
    place: tuple[int, float]
    others: dict[str, list[Inner]]
    some: Sequence[bool]


SAID = """
/**
 * A sample.
 * @typedef {object} Sample
 * @property {string} name
 * @property {(number | null)[]} [numbers] some of them
 * @property {"one" | "other"} [kind]
 * @property {[number, number]} [place]
 * @property {Record<string, Inner[]>} [others]
 * @property {boolean[]} [some]
 */
"""


def test_a_typedef_is_read_as_python_has_it(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(SAID)
    (tmp_path / "b.js").write_text('/** @import { Sample } from "./a.js" */\n')
    assert in_javascript(tmp_path / "b.js") == {"Sample": in_python(Sample)}
    assert all_within(Sample) == [Sample, Inner]


@pytest.mark.parametrize("change", [("{string} name", "{number} name"), ("[kind]", "kind"), ("numbers]", "number]")])
def test_a_field_that_differs_is_found(tmp_path: Path, change: tuple[str, str]) -> None:
    (tmp_path / "a.js").write_text(SAID.replace(*change))
    assert in_javascript(tmp_path / "a.js")["Sample"] != in_python(Sample)
