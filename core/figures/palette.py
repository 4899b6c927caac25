"""Colours that colour-blind people can tell apart (Okabe and Ito 2008), readable on light and dark."""

OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def class_colour(label: int) -> str:
    """Return the colour of class ``label``, counted from 1."""
    return OKABE_ITO[(label - 1) % len(OKABE_ITO)]
