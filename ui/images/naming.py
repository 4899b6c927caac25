"""What ImageNet's classifier calls a picture or a region of it, marked as a classifier's names."""

import streamlit as st
from torch import Tensor

from core.checkpoint import CheckpointError
from core.i18n import _

REMEMBERED = 64  # pictures and regions, for all sessions together


def name_picture(key: str, pixels: Tensor) -> None:
    """Show the likeliest names of the whole picture called ``key``."""
    _show(_("The whole picture, to a classifier:"), key, pixels, None)


def name_region(key: str, pixels: Tensor, box: Tensor) -> None:
    """Show the likeliest names of what is inside ``box`` (4,) of the picture called ``key``."""
    _show(_("The region, to a classifier:"), f"{key} {box.tolist()}", pixels, box)


def _show(title: str, key: str, pixels: Tensor, box: Tensor | None) -> None:
    try:
        guesses = _guessed(key, pixels, box)
    except CheckpointError as error:
        st.error(str(error))
        return
    names = " · ".join(f"{name} {probability:.2f}" for name, probability in guesses)
    st.markdown(f"**{title}** {names}")
    st.caption(
        _(
            "EfficientNet-Lite0's five likeliest of 1000 names, with their probabilities: learned from the 1.3 million "
            "photos of ImageNet. It says what, never where, and has hardly a name for people."
        )
    )


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _guessed(key: str, _pixels: Tensor, _box: Tensor | None) -> list[tuple[str, float]]:
    from core.imagenet import guess, region  # nobody pays for it who looks at drawn scenes

    seen = _pixels if _box is None else region(_pixels, _box)
    return [(one.name, one.probability) for one in guess(seen)]
