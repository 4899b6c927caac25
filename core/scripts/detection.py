"""Scripts for the pages on detectors: the race, NMS, region proposals, pooling and YOLO."""

from collections.abc import Sequence
from typing import Any

from core.families import family_of
from core.proposals.selective_search import Strategy
from core.scripts.script import Script, image_lines, named, written

RACE = """
$image_import
from core.detectors.race import Finished, Refused, race, table

$image
finished = []
for event in race(image, $names, max_regions=$max_regions, family="$family"):
    if isinstance(event, Refused):
        print(event.sentence)
    elif isinstance(event, Finished):
        finished.append(event)

print("detector           ms  conv. passes   GFLOPs  parameters  boxes")
for one, row in zip(finished, table(finished, "$family"), strict=True):
    costs = f"{row.convolution_passes:12} {row.gigaflops:9.2f} {row.parameters:11}"
    print(f"{row.name:14} {1000 * row.seconds:8.1f} {costs} {len(one.trace.detections):6}")

for step in finished[0].trace.steps:
    print(f"{finished[0].name}: {step.name}, {1000 * step.seconds:.1f} ms")
"""

NMS = """
$image_import
$found_import
from core.nms import soft_nms, trace

$image
$found
best = found.scores.argsort(descending=True, stable=True)[:300]
best = best[found.scores[best].double() >= $score]  # the score threshold
boxes, scores, labels = found.boxes[best], found.scores[best], found.labels[best]

# Greedy NMS, step by step: keep the best box that is left, drop what overlaps it by more than the threshold.
steps = trace(boxes, scores, $iou, labels=$labels)
for number, step in enumerate(steps, 1):
    name = classes[int(labels[step.box])]
    print(f"{number}. keeps #{step.box + 1} {name} {scores[step.box]:.2f}, suppresses {len(step.suppressed)}")
kept = [step.box for step in steps]
print(f"{len(kept)} of {len(boxes)} boxes are kept")

# Soft-NMS lowers scores instead.
softened = soft_nms(boxes, scores, "$decay", $iou, labels=$labels)
left = int((softened >= $score).sum())
print(f"soft-NMS, $decay: {left} left")
"""

DETECTED = """\
detector = load("$detector"$family)
detector.limit_regions($regions)
classes = detector.classes
found = run(detector, image).candidates  # what the detector hands to its NMS"""

DRAWN = """\
classes = FAMILIES["$family"].classes
found = Detections(
    boxes=torch.tensor($boxes),
    scores=torch.tensor($scores),
    labels=torch.tensor($labels),
)"""

SEARCH = """
$image_import
from core.proposals.selective_search import Strategy, Weights, hierarchies, to_pixels

$image
strategy = $strategy
hierarchy = hierarchies(to_pixels(image), [strategy])[0]
segments = len(hierarchy.merges) + 1
print(f"{segments} segments, {len(hierarchy.merges)} merges, {len(hierarchy.boxes)} boxes")

merge = $merge
if merge:
    one, other = hierarchy.merges[merge - 1]
    alike = zip(("colour", "texture", "size", "fill"), hierarchy.similarities[merge - 1], strict=True)
    print(f"merge {merge} joins the regions {one} and {other}; {segments - merge} are left")
    print(", ".join(f"{name} {value:.2f}" for name, value in alike))
"""

RPN = """
$image_import
from core.detectors import load
from core.detectors.regions import to_input
from core.nms import nms
from core.proposals.rpn import before_nms

$image
detector = load("faster_rcnn"$family)
pixels, scale = to_input(image, detector.facts)
maps = detector.trunk(pixels)
objectness, offsets = (one[0].detach() for one in detector.rpn(maps))
anchors = detector.rpn.anchors(maps)
print(f"{len(anchors)} anchors on {maps.shape[2]} x {maps.shape[3]} cells")

most, least = detector.facts.before_nms, detector.facts.least_proposal
order, boxes = before_nms(objectness, offsets, anchors, tuple(pixels.shape[2:]), most, least)
kept = nms(boxes, objectness[order], $nms)
print(f"the {len(order)} surest go into NMS; at IoU $nms it leaves {len(kept)}")
for place in kept[:$top].tolist():
    print([round(edge, 1) for edge in (boxes[place] / scale).tolist()], f"{objectness[order[place]].sigmoid():.2f}")
"""

RECALL = """
$image_import
from core.detectors import load
from core.detectors.recall import MOST, cover, proposers

$image
detector = load("faster_rcnn"$family)
detector.limit_regions(MOST)
first = $first
for name, propose in proposers("$mode", detector).items():
    proposed = propose(image)
    print(f"{name}: {len(proposed.boxes)} boxes in {1000 * proposed.seconds:.1f} ms")
    if truth is not None:
        best = cover(proposed, truth["boxes"], [first]).overlaps[:, 0]
        recall = (best >= 0.5).double().mean(), (best >= 0.7).double().mean()
        print(f"  first {first}: recall@0.5 {recall[0]:.3f}, recall@0.7 {recall[1]:.3f}, ABO {best.mean():.3f}")
"""

POOLING = """
import torch

$image_import
from core.detectors import load
from core.detectors.one_map import compare, crop_of, map_of, pool_each_way, rcnn_around

$image
box = torch.tensor($box)
detector = load("$detector"$family)
rcnn = rcnn_around(detector$trunk)
image_map = map_of(rcnn, image)  # one pass of convolutions for all regions
print(f"a map of {tuple(image_map.features.shape)}: channels, rows, columns")

for way, pooled in pool_each_way(image_map, box[None]).items():
    print(f"{way}: {tuple(pooled.shape[1:])}, greatest value {pooled.max():.2f}")

crop, feature = crop_of(rcnn, image, box)  # R-CNN's way: warp the pixels, then convolve
for way, one in compare(image_map, box, feature, getattr(detector, "head", None)).items():
    named = "" if one.label is None else f", named {detector.classes[one.label]} {one.probability:.2f}"
    print(f"{way}: cosine to the crop's feature {one.similarity:.2f}{named}")
"""

YOLO = """
import torch

$image_import
from core.detectors import load, run
from core.detectors.yolo import lay_into_grid, loss_parts, loss_terms

$image
yolo = load("yolo"$family)
found = run(yolo, image).detections
for box, score, label in zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True):
    if score >= $threshold:
        print(f"{yolo.classes[label]} {score:.2f}", [round(edge, 1) for edge in box])

with torch.no_grad():
    grid = yolo.look(image)  # what the network says of every cell
side = grid.xy.shape[1]
sure = int((grid.confidence >= $threshold).sum())
print(f"{side} x {side} cells; {sure} boxes with a confidence of $threshold or more")

if truth is not None:
    height, width = image.shape[1:]
    fractions = truth["boxes"] / torch.tensor([width, height, width, height])
    cells = lay_into_grid([{"boxes": fractions, "labels": truth["labels"]}], side, 1)
    parts = loss_parts(grid, cells, lambda_coord=$coord, lambda_noobj=$noobj)
    for name, part in parts.items():
        print(f"{name}: {part:.4f}")
    print(f"loss: {sum(parts.values()):.4f}")
    terms = loss_terms(grid, cells)
    row, column = divmod(int(terms.object.flatten().argmax()), side)
    print(f"the worst confidence of a responsible box is in row {row + 1}, column {column + 1}")
"""


def race(image: str, title: str, names: Sequence[str], max_regions: int, family: str) -> Script:
    """Return the race of detectors ``names`` with at most ``max_regions`` proposals, as ``family`` has them."""
    values: dict[str, Any] = {"names": list(names), "max_regions": max_regions, "family": family}
    return written(
        "race",
        "Detectors race on one image, timed stage by stage.",
        RACE,
        **image_lines(image, title),
        **values,
    )


def nms(
    image: str,
    title: str,
    family: str,
    found: str | Sequence[tuple[int, float, Sequence[float]]],
    iou: float,
    score: float,
    per_class: bool,
    decay: str,
    regions: int = 300,
) -> Script:
    """Return NMS of what the detector of ``family`` called ``found`` says of an image, or of the user's own boxes: each
    its label, score and corners."""
    if isinstance(found, str):
        imported = "from core.detectors import load, run"
        lines = DETECTED.replace("$detector", found).replace("$regions", str(regions))
        lines = lines.replace("$family", named(family))
    else:
        imported = "import torch\n\nfrom core.detectors import Detections\nfrom core.families import FAMILIES"
        labels, scores, boxes = zip(*found, strict=True) if found else ((), (), ())
        corners = [[float(edge) for edge in box] for box in boxes]
        lines = (
            DRAWN.replace("$family", family)
            .replace("$boxes", f"{corners}).reshape(-1, 4" if not corners else str(corners))
            .replace("$scores", str(list(scores)))
            .replace("$labels", f"{list(labels)}, dtype=torch.int64")
        )
    values = {"iou": f"{iou:.2f}", "score": f"{score:.2f}", "decay": decay, "labels": "labels" if per_class else "None"}
    return written(
        "nms",
        "Greedy NMS step by step, and soft-NMS.",
        NMS,
        found_import=imported,
        found=lines,
        **image_lines(image, title, family),
        **values,
    )


def search(image: str, title: str, strategy: Strategy, merge: int) -> Script:
    """Return selective search's grouping by ``strategy``, and what ``merge`` joins (0: none yet)."""
    about = "Selective search: segments that merge, the most similar neighbours first."
    return written("selective_search", about, SEARCH, **image_lines(image, title), strategy=repr(strategy), merge=merge)


def rpn(image: str, title: str, family: str, threshold: float, top: int) -> Script:
    """Return the first ``top`` proposals of ``family``'s RPN after NMS at IoU ``threshold``."""
    about = "The region proposal network: anchors, objectness and NMS."
    values = {"family": named(family), "nms": f"{threshold:.2f}", "top": top}
    return written("rpn", about, RPN, **image_lines(image, title, family), **values)


def recall(image: str, title: str, family: str, mode: str, first: int) -> Script:
    """Return how the ``first`` proposals of each method cover the objects; selective search's ``mode``."""
    about = "How well the first region proposals of three methods cover the objects."
    values = {"family": named(family), "mode": mode, "first": first}
    return written("recall", about, RECALL, **image_lines(image, title, family), **values)


def pooling(image: str, title: str, family: str, detector: str, box: Sequence[float]) -> Script:
    """Return how a ``box`` (x0, y0, x1, y1) is pooled from the map of the ``detector`` of ``family``, against R-CNN's
    crop."""
    about = "From a region to a feature of one size: warp, SPP, RoI pooling and RoIAlign."
    trunk = f', "{family_of(family).trunk}"' if named(family) else ""
    values = {"family": named(family), "trunk": trunk, "detector": detector, "box": [float(edge) for edge in box]}
    return written("pooling", about, POOLING, **image_lines(image, title, family), **values)


def yolo(image: str, title: str, family: str, threshold: float, coord: float, noobj: float) -> Script:
    """Return the boxes of ``family``'s YOLO over ``threshold``, its grid, and its loss at the weights ``coord`` and
    ``noobj``."""
    about = "YOLO: one look, its grid and its loss."
    values = {"family": named(family), "threshold": f"{threshold:.2f}", "coord": coord, "noobj": noobj}
    return written("yolo", about, YOLO, **image_lines(image, title, family), **values)
