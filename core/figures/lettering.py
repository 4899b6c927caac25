"""The letters in charts and pictures: Pillow's own font has no Hangul."""

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

CHART_FONT_SIZE = 17  # pixels; read from the back row
HANGUL = Path(__file__).parent / "fonts" / "hangul.ttf"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font_for(text: str, size: int) -> Font:
    """Return the font, ``size`` pixels high, that has the letters of ``text``."""
    return _hangul(size) if any("ㄱ" <= letter <= "힣" for letter in text) else ImageFont.load_default(size)


@lru_cache(maxsize=8)
def _hangul(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(HANGUL), size)
