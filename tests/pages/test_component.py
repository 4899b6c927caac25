"""What a component is put together from: html, css, and a bundle of its JavaScript and what that imports."""

import hashlib
import re
from pathlib import Path

from ui.kit.component import BUNDLES, ROOMS

SCRIPTS = sorted(path for path in ROOMS.rglob("*.js") if BUNDLES not in path.parents)
COMPONENTS = [path for path in SCRIPTS if path.with_suffix(".html").exists()]


def name_of(path: Path) -> str:
    return path.relative_to(ROOMS).as_posix()


def test_there_is_a_bundle_for_each_component_and_for_nothing_else() -> None:
    bundles = sorted(path.relative_to(BUNDLES) for path in BUNDLES.rglob("*.js"))
    assert bundles == [path.relative_to(ROOMS) for path in COMPONENTS], "run make bundles"


def is_fresh(bundle: str, folder: Path) -> bool:
    """Say whether a bundle is what was made of the sources that it names, as they are in ``folder`` now."""
    heading, _newline, script = bundle.partition("\n")
    _slashes, *sources, said = heading.split()
    texts = [(folder / source).read_text("utf-8") for source in sources]
    return said == f"sha256:{hashlib.sha256(''.join([*texts, script]).encode()).hexdigest()}"


def test_bundles_are_made_of_the_scripts_as_they_are() -> None:
    stale = [name_of(path) for path in sorted(BUNDLES.rglob("*.js")) if not is_fresh(path.read_text("utf-8"), ROOMS)]
    assert not stale, "run make bundles"


def test_a_bundle_whose_source_or_text_has_changed_since_is_stale(tmp_path: Path) -> None:
    bundle = (BUNDLES / "kit" / "code.js").read_text("utf-8")
    for source in bundle.partition(" sha256")[0].split()[1:]:
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / source).write_text((ROOMS / source).read_text("utf-8"), "utf-8")
    assert is_fresh(bundle, tmp_path)
    assert not is_fresh(bundle + ";", tmp_path)
    (tmp_path / "kit" / "code.js").write_text("// another one", "utf-8")
    assert not is_fresh(bundle, tmp_path)


def test_scripts_read_and_write_the_address_by_the_pen_alone() -> None:
    """A saved page has no address of its own: only the pen knows which one it was saved at."""
    calls = re.compile(r"location\.search\b|history\.(replace|push)State")
    found = [name_of(path) for path in SCRIPTS if calls.search(path.read_text("utf-8"))]
    assert found == ["kit/browser/pen.js", "kit/export.js"], "use query(), writeAddress() or writeAtOnce()"


def test_a_component_has_a_root_that_the_pen_finds() -> None:
    root = re.compile(r'class="(explorer|tool)\b')
    pages = [path.with_suffix(".html") for path in COMPONENTS]
    assert [name_of(path) for path in pages if not root.search(path.read_text("utf-8"))] == []
