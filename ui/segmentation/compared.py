"""All segmenters on one image side by side in the browser, with their figures, and how an FCN fuses its scores."""

import streamlit as st

from core.families import card_of
from core.figures.sent import Words
from core.figures.sent.segmentation import Compared, Fused
from core.i18n import _
from core.segmentation.study import head_of
from ui.kit.component import component
from ui.segmentation.explore import figure_words

# Long, Shelhamer and Darrell 2015: VGG16 on the subset of PASCAL VOC 2011's validation set, seg11valid.
PAPERS_MEAN_IU = {"fcn32s": "59.4 %", "fcn16s": "62.4 %", "fcn8s": "62.7 %"}


class ComparedData(Compared):
    """The same with the papers' figures and words."""

    papers: dict[str, str]
    words: dict[str, str]


class FusionData(Fused):
    words: Words


_compared = component("segmentation/compared", ComparedData, "kit/layered_picture", "segmentation/parts")
_fusion = component("segmentation/fusion", FusionData, "kit/layered_picture", "segmentation/parts")


def segmentation_compared(data: Compared) -> None:
    """Show ``core.figures.segmentation.compared_data``."""
    words = {**figure_words(), **_compared_words(data)}
    _compared(data={**data, "papers": PAPERS_MEAN_IU, "words": words}, key="segmentation_compared")
    st.caption(
        _(
            "IU: intersection over union. Boundary F: the F1 of boundary pixels, which may miss by 0.75 % of the "
            "image's diagonal (Csurka et al. 2013). ms: the fastest of three runs here. The best are underlined."
        )
    )


def segmentation_fusion(data: Fused, family: str) -> None:
    """Show ``core.figures.segmentation.fusion_data`` of an FCN of ``family``."""
    _fusion(data={**data, "words": _fusion_words(family)}, key="segmentation_fusion")


def _compared_words(data: Compared) -> dict[str, str]:
    images = next((one["tested"]["data"]["images"] for one in data["models"] if one["tested"]), 0)
    return {
        "opacity": _("Opacity (%)"),
        "truth": _("Ground truth"),
        "at": _("Pixel {x}, {y}: above each picture, the class that it has there."),
        "point": _("Point at a pixel to see it in all pictures."),
        "parameters": _("Parameters"),
        "ms": _("ms"),
        "paper": _("The paper's mean IU: VGG16, VOC 2011"),
        "here": _("This image, measured here and now") if data["truth"] else _("This image (no ground truth)"),
        "tested": _("{count} test images, from the checkpoints' cards").format(count=images)
        if images
        else _("Test images: no checkpoint's card has figures yet"),
    }


def _fusion_words(family: str) -> Words:
    return {
        "explained": [
            _(
                "The coarsest scores are sure of what is there, and vague about where. Each skip adds the scores that "
                "a finer map gives, each step halves the stride; a sum, so that a skip that says nothing is zero."
            ),
            _study_words(family),
        ],
        "class": _("Class"),
        "scores": _("Score {stride}"),
        "enlarged": _("Score {coarser}, enlarged twofold"),
        "skip": _("Skip, stride {stride}"),
        "sum": _("Their sum: score {stride}"),
        "cells": _("{rows} x {columns} cells"),
        "scale": _("Logit of {label}:"),
        "point": _("Point at a cell to see what is added there."),
        "first": _("Score {stride}: {value}"),
        "added": _("Stride {stride}: {enlarged} + {skip} = {sum}"),
    }


def _study_words(family: str) -> str:
    """Return what learning the deconvolution gave here, from the ways' cards, beside what its authors found."""
    theirs = _(
        "Each step up is a deconvolution that begins as bilinear interpolation. The FCN's authors found no significant "
        "difference between learning it and leaving it fixed, and fixed it in what they released."
    )
    ways = (card_of(head_of(name), family).get("evaluation", {}) for name in ("deconvolution", "deconvolution_fixed"))
    learned, fixed = (way.get("mean_iou") for way in ways)
    if learned is None or fixed is None:
        return theirs
    ours = _("Here, with all else equal: mean IU {learned} learned, {fixed} fixed.")
    return f"{theirs} {ours.format(learned=f'{learned:.3f}', fixed=f'{fixed:.3f}')}"
