"""Who may import whom."""

from tests.architecture.sources import APP, CORE, PAGES, ROOT, importing, imports, refuse


def test_there_is_something_to_check() -> None:
    assert ROOT / "core" / "nms.py" in CORE and ROOT / "pages" / "nms.py" in PAGES
    assert "streamlit" in {name for _line, name in imports(ROOT / "pages" / "nms.py")}


def test_core_knows_neither_streamlit_nor_the_pages() -> None:
    refuse(importing(CORE, "streamlit", "pages", "ui", "tests"), "core is to know nothing of these")


def test_only_the_figures_know_how_to_draw() -> None:
    """Arrows run one way: pages -> core.figures -> core."""
    # The command line shows things, as a page does.
    others = [path for path in CORE if not {"figures", "commands"} & set(path.parts)]
    refuse(importing(others, "core.figures", "plotly"), "only core.figures draws")


def test_a_page_takes_no_more_of_torch_than_the_name_of_its_tensors() -> None:
    found = importing(APP, "torch", "torchvision")
    refuse([one for one in found if not one.endswith(": torch.Tensor")], "tensor code belongs into core")
