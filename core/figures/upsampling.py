"""What the upsampling page shows of one score map enlarged in every way, ready for JSON."""

from collections.abc import Mapping

import plotly.graph_objects as go
import torch
from torch import Tensor

from core.families import SHAPES, AnyFamily, card_of
from core.figures.lettering import CHART_FONT_SIZE
from core.figures.segmentation import segmented_data, squeezed, void_colour
from core.figures.sent.upsampling import EnlargedLevel, EnlargedMaps, EnlargedWay
from core.figures.transposed import signed_colours
from core.i18n import _
from core.segmentation.base import true_labels
from core.segmentation.enlarging import SCORED_BY, Doublings, Enlargement, enlarge_cells, enlarge_scores
from core.segmentation.quality import summed_up
from core.segmentation.scaling import nearest
from core.segmentation.study import UPSAMPLERS, UpsamplingStudy, head_of
from core.segmentation.transposed import energy

GRID = 6  # cells a side of the map that the user draws
SHADES = "abcdefghi"  # a cell's value in the address: -1 to 1 in quarters
GRIDS = {
    "corner": "eeeeeeeiiieeeieeeeeieeeeeeeeeeeeeeee",
    "dot": "eeeeeeeeeeeeeeieeeeeeeeeeeeeeeeeeeee",
    "edge": "aaaiiiaaaiiiaaaiiiaaaiiiaaaiiiaaaiii",
    "ones": "i" * GRID * GRID,
    "empty": "e" * GRID * GRID,
}
HALF = 127  # a value travels as a byte: 128 is 0, 255 the greatest
COMPARED = {"deconvolution_uneven": "#D55E00", "deconvolution": "#0072B2"}


def cells_of(text: str) -> Tensor:
    """Return the cells (6, 6) that ``text`` stands for, a letter of ``SHADES`` each; of anything else the corner's."""
    right = len(text) == GRID * GRID and set(text) <= set(SHADES)
    places = [SHADES.index(letter) for letter in (text if right else GRIDS["corner"])]
    return torch.tensor(places).view(GRID, GRID) / 4 - 1


def cells_data(text: str, label: int, trained: Mapping[str, Doublings] | None) -> EnlargedMaps:
    """Return what every way makes of the cells in ``text``: to ``trained`` ways they are the scores of class ``label``.

    The ``grid`` of ``side`` x ``side`` cells can be edited, from ``shades`` as in ``cells_of``; ``ways`` are those of
    ``_way``.
    """
    made = enlarge_cells(cells_of(text), label, trained)
    final = made[SCORED_BY].scores[-1]
    return {
        "image": None,
        "truth": None,
        "height": final.shape[1],
        "width": final.shape[2],
        "side": GRID,
        "grid": text,
        "shades": SHADES,
        "grids": GRIDS,
        "colours": signed_colours(),
        "ways": [_way(name, one, 0) for name, one in made.items()],
    }


def scene_data(
    study: UpsamplingStudy,
    image: Tensor,
    truth: dict[str, Tensor] | None,
    label: int | None,
    trained: bool,
    family: AnyFamily = SHAPES,
) -> EnlargedMaps:
    """Return what every way of the ``study`` makes of the scores of class ``label`` on ``image`` (3, H, W) uint8.

    The image's sides are whole 16 pixels; the ``truth`` may be of the same one at another size. Without a label it is
    the most frequent class but the background. A way has also the ``labels`` of all pixels, their mean IU ``here``
    against the truth, and the ``checkerboard``'s share of the variation of its scores; if ``trained``, also
    ``mean_iou`` and ``boundary_f`` on the test images, from the cards of ``family``.
    """
    made = enlarge_scores(study, image, trained)
    labels = {name: one.scores[-1].argmax(0) for name, one in made.items()}
    label = _most_frequent(labels[SCORED_BY]) if label is None else label
    true = None if truth is None else nearest(true_labels(truth), image.shape[1], image.shape[2])
    ways = []
    for name, one in made.items():
        way = _way(name, one, label)
        way["labels"] = squeezed(labels[name])
        way["checkerboard"] = energy(one.scores[-1], study.trunk.stride).of_variation
        way["here"] = _here(labels[name], true, study.classes)
        if trained:
            way["mean_iou"], way["boundary_f"] = _tested(name, family)
        ways.append(way)
    picture = segmented_data(image, study.classes)
    return {
        "image": picture["image"],
        "width": picture["width"],
        "height": picture["height"],
        "classes": picture["classes"],
        "truth": None if true is None else squeezed(true),
        "void": void_colour(true),
        "label": label,
        "colours": signed_colours(),
        "ways": ways,
    }


def _most_frequent(labels: Tensor) -> int:
    """Return the class that most pixels of ``labels`` (H, W) have besides the background, or the first."""
    counts = labels.flatten().bincount(minlength=2)
    return 1 + int(counts[1:].argmax())


def _way(name: str, made: Enlargement, label: int) -> EnlargedWay:
    """Return the maps of class ``label`` before and after each doubling, and what they cost.

    Each of ``levels`` has ``rows`` and ``columns``, and ``values`` as bytes: value / ``most`` * 127 + 128.
    """
    return {
        "name": name,
        "levels": [_level(scores[label]) for scores in made.scores],
        "parameters": made.trained_numbers,
        "multiplyAdds": made.multiply_adds,
        "ms": 1000 * made.seconds,
    }


def _level(values: Tensor) -> EnlargedLevel:
    most = max(float(values.abs().max()), 1e-9)
    rows, columns = values.shape
    places = (values / most * HALF).round() + HALF + 1
    return {"rows": rows, "columns": columns, "most": most, "values": squeezed(places)}


def _here(labels: Tensor, true: Tensor | None, classes: tuple[str, ...]) -> float | None:
    return None if true is None else summed_up([(labels, true, 0.0)], classes).mean_iou


def _tested(name: str, family: AnyFamily) -> tuple[float | None, float | None]:
    """Return mean IU and boundary F of the network that was trained with the way called ``name``, from its card."""
    tested = card_of(head_of(name), family).get("evaluation", {})
    return tested.get("mean_iou"), tested.get("boundary_f")


def tested_on(family: AnyFamily) -> int | None:
    """Return the number of test images that the figures of the ways' cards are of, None where there are none."""
    data = [card_of(head_of(name), family).get("evaluation", {}).get("data", {}) for name in UPSAMPLERS]
    return next((one["images"] for one in data if one), None)


def board_chart(study: UpsamplingStudy, image: Tensor, titles: Mapping[str, str]) -> go.Figure:
    """Return the checkerboard's share of the variation of all scores that each trained way gives ``image``, in percent.

    ``image`` (3, H, W) uint8 has sides of whole 16 pixels; the period is 16 pixels, that of all four doublings. The
    two learned deconvolutions, whose kernel the stride divides or not, have colours of their own.
    """
    made = enlarge_scores(study, image, trained=True)
    shares = {name: 100 * energy(one.scores[-1], study.trunk.stride).of_variation for name, one in made.items()}
    order = sorted(shares, key=lambda name: shares[name])
    figure = go.Figure(
        go.Bar(
            x=[shares[name] for name in order],
            y=[titles[name] for name in order],
            orientation="h",
            marker_color=[COMPARED.get(name, "#999999") for name in order],
            text=[f"{shares[name]:.2f} %" for name in order],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
        )
    )
    look = {"title_font_size": CHART_FONT_SIZE, "tickfont_size": CHART_FONT_SIZE}
    figure.update_layout(height=420, font_size=CHART_FONT_SIZE, margin={"l": 8, "r": 60, "t": 8, "b": 8})
    figure.update_xaxes(title=_("Checkerboard (% of the variation)"), rangemode="tozero", **look)
    figure.update_yaxes(**look, automargin=True)
    return figure
