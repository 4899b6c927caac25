"""Segmentation: a class for every pixel, by a patch CNN, the line of FCNs and Mask R-CNN."""

import streamlit as st

from core.i18n import _
from pages.parts.image_picker import pick_image, show_picked
from pages.parts.startup import come_through_the_entrance

come_through_the_entrance()
st.title(_("A class for every pixel"))
picked = pick_image()
if picked:
    show_picked(picked)
