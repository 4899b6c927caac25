"""Korean names are drawn as letters, not as the empty boxes of a font that lacks them."""

import pytest
from PIL import Image, ImageDraw

from core.data.scenes import CLASSES
from core.figures.lettering import Font, font_for
from core.i18n import _, language

SIZE = 28


def drawn(text: str, font: Font) -> bytes:
    picture = Image.new("L", (SIZE * (len(text) + 1), 2 * SIZE))
    ImageDraw.Draw(picture).text((0, 0), text, 255, font)
    return picture.tobytes()


@pytest.mark.parametrize("name", CLASSES)
def test_a_korean_name_has_letters_of_its_own(name: str) -> None:
    token = language.set("ko")
    korean = _(name)
    language.reset(token)
    assert korean != name
    font = font_for(f"{korean} 0.95", SIZE)
    missing = drawn("\uffff", font)
    for letter in korean + "0.95":
        assert drawn(letter, font) != missing and any(drawn(letter, font)), letter


def test_latin_text_keeps_the_font_of_before() -> None:
    assert font_for("ellipse 0.95", SIZE).getname() != font_for("타원 0.95", SIZE).getname()  # type: ignore[union-attr]
    assert font_for("타원", SIZE).size == SIZE  # type: ignore[union-attr]
