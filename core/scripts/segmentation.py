"""Scripts for the pages on segmentation and upsampling."""

from core.families import FAMILIES, SHAPES
from core.scripts.script import Script, image_lines, named, written

EXPLORE = """
$image_import
from core.detectors import run
from core.segmentation import load
from core.segmentation.base import true_labels
from core.segmentation.evaluation import labels_of
from core.segmentation.quality import as_report, summed_up

$image
$load
for name in names:
    model = load(name$family)
    trace = run(model, image)
    labels = labels_of(trace.result)
    print(f"{model.name}: {1000 * trace.seconds:.1f} ms")
    for label, count in enumerate(labels.flatten().bincount(minlength=len(model.classes)).tolist()):
        print(f"  {model.classes[label]}: {count / labels.numel():.4f} of the pixels")
    if truth is not None:
        report = as_report(summed_up([(labels, true_labels(truth), trace.seconds)], model.classes))
        for figure in ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou", "boundary_f"):
            print(f"  {figure}: {report[figure]}")
"""

CONNECTED = """
import torch

$image_import
from core.detectors import run
from core.segmentation import load
from core.segmentation.shuffling import random_order, shuffled_connected
from core.values import FeatureMap

$image
model = load("patch_cnn"$family)
trace = run(model, image)
features = next(step.value.values for step in trace.steps if isinstance(step.value, FeatureMap))
patches = features.unfold(1, model.cells, 1).unfold(2, model.cells, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
print(f"{len(patches)} patches of {tuple(patches.shape[1:])}, flattened to {patches[0].numel()} numbers")

# To a fully connected layer no two numbers are neighbours: any order does, if its weights follow.
order = random_order(patches[0].numel(), $shuffle)
with torch.inference_mode():
    plain = model.connected(patches)
    for weights in (True, False):
        shuffled = shuffled_connected(model, patches, order, weights=weights)
        print(f"shuffled, weights {'too' if weights else 'not'}: {(shuffled - plain).abs().max():.2g} at most")
"""

INSTANCES = """
$image_import
from core.detectors import run
from core.segmentation import load
from core.segmentation.components import components, findable, matched
from core.segmentation.evaluation import labels_of

$image
semantic = labels_of(run(load("fcn8s"$family), image).result)
found = components(semantic)  # what touches and has one class is one instance
masks = run(load("mask_rcnn"$family), image).result
sure = (masks.scores >= 0.5).sum()
print(f"connected components: {len(found)} instances; Mask R-CNN: {sure} with a score of 0.5 or more")
if truth is not None:
    print("what became of the true instances by components:", matched(found, findable(truth)))
"""

WAYS = """
$image_import
from core.segmentation.enlarging import enlarge_scores, in_whole_cells
from core.segmentation.study import load_study
from core.segmentation.transposed import energy

$image
study = load_study($study)
for name, made in enlarge_scores(study, in_whole_cells(image$trunk), trained=$trained).items():
    scores = made.scores[-1]  # (K + 1, H, W), after four doublings
    checkerboard = energy(scores, study.trunk.stride).of_variation
    print(f"{name:20} {tuple(scores.shape)} checkerboard {100 * checkerboard:.1f} %, {made.trained_numbers} parameters")
"""

DRAWN = """
from core.figures.upsampling import cells_of
from core.segmentation.enlarging import as_trained, enlarge_cells
from core.segmentation.study import load_study

cells = cells_of($grid)
print(cells)

for name, made in enlarge_cells(cells, $label, $trained).items():
    scores = made.scores[-1]
    print(f"{name:20} {tuple(scores.shape)} from {scores.min():.2f} to {scores.max():.2f}")
"""

STAMPS = """
from torch.nn import functional

from core.figures.transposed import input_called, kernel_called
from core.segmentation.transposed import Stamping, overlap_counts

cells, kernel = input_called("$cells"), kernel_called("$weights", $kernel)
output = functional.conv_transpose2d(
    cells[None, None], kernel[None, None], stride=$stride, padding=$padding, output_padding=$output_padding
)[0, 0]
print(output)

counts = overlap_counts(*cells.shape, Stamping($kernel, $stride, $padding, $output_padding))
print("stamps that fall on each cell:")
print(counts.int())
"""

BOARD = """
import torch

from core.figures.transposed import checkerboard_of_constant

for stride in (2, 3, 4):
    for kernel in range(2, 13):
        share = checkerboard_of_constant(torch.ones(1, kernel, kernel), stride).of_all
        print(f"kernel {kernel:2}, stride {stride}: checkerboard {100 * share:.1f} % of the energy")
"""


def segmented(image: str, title: str, family: str, names: tuple[str, ...]) -> Script:
    """Return what the segmenters called ``names`` make of an image."""
    about = "A class for every pixel, and how near it comes to the truth."
    return written("segmentation", about, EXPLORE, **_seen(image, title, family), load=f"names = {list(names)}")


def connected(image: str, title: str, family: str, shuffle: int) -> Script:
    """Return what a ``shuffle`` does to the fully connected layers of the patch CNN."""
    about = "What a fully connected layer knows of places: nothing."
    return written("fully_connected", about, CONNECTED, **_seen(image, title, family), shuffle=shuffle)


def instances(image: str, title: str, family: str) -> Script:
    """Return the instances of an image, by connected components and by Mask R-CNN."""
    return written("instances", "Instances, by components and by Mask R-CNN.", INSTANCES, **_seen(image, title, family))


def ways(image: str, title: str, family: str, trained: bool) -> Script:
    """Return every way to enlarge the scores of an image."""
    lines = image_lines(image, title, family, masks=True)
    study = trunk = ""
    if family != SHAPES.name:
        lines["image_import"] += "\nfrom core.backbones import TRUNKS"
        study, trunk = f'"{family}"', f', TRUNKS["{FAMILIES[family].trunk}"]'
    about = "Ten ways to enlarge scores."
    return written("upsampling", about, WAYS, **lines, study=study, trunk=trunk, trained=trained)


def _seen(image: str, title: str, family: str) -> dict[str, str]:
    """Return what a template needs to get an image as the segmenters of ``family`` see it, and to load them."""
    lines = {**image_lines(image, title, family, masks=True), "family": named(family)}
    if family == SHAPES.name:
        return lines
    lines["image_import"] += "\nfrom core.backbones import TRUNKS"
    lines["image_import"] += "\nfrom core.segmentation.scaling import fitted, fitted_truth"
    lines["image"] += (
        "\n# As large as the photos that the segmenters learned from."
        f'\nimage = fitted(image, TRUNKS["{FAMILIES[family].trunk}"])'
        "\ntruth = fitted_truth(truth, *image.shape[1:]) if truth else None"
    )
    return lines


def drawn(grid: str, label: int, trained: bool) -> Script:
    """Return every way to enlarge a drawn ``grid``, the scores of class ``label`` to trained ways."""
    weights = "as_trained(load_study())" if trained else "None"
    return written(
        "upsampling", "Ten ways to enlarge a drawn grid.", DRAWN, grid=repr(grid), label=label, trained=weights
    )


def stamps(cells: str, weights: str, numbers: tuple[int, ...]) -> Script:
    """Return a transposed convolution; ``numbers`` are its kernel size, stride, padding and output padding."""
    names = ("kernel", "stride", "padding", "output_padding")
    settings = dict(zip(names, numbers, strict=True))
    return written("transposed", "A transposed convolution.", STAMPS, cells=cells, weights=weights, **settings)


def board() -> Script:
    """Return how strong a checkerboard each kernel size and stride leaves of a constant."""
    return written("checkerboard", "The checkerboard of transposed convolutions.", BOARD)
