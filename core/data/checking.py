"""What is wrong with a folder of training data: nothing in the folder itself is changed."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torchvision.ops import box_iou

from core.data.class_folder import class_folders, class_roots
from core.data.flaws import KINDS, Flaws, FolderReport, Item, left_out
from core.data.folder_forms import form_of
from core.data.folders import FolderError, by_stem, in_split, photos_in, visible
from core.data.likeness import Look, look_at, same_and_near
from core.data.mask_folder import IGNORED, OBJECT, read_mask
from core.data.voc_folder import Annotation, read_annotation
from core.i18n import _

OVERLAP = 0.7  # IoU above which two objects of a class may be one
IMBALANCE = 10  # times as many objects in the largest class as in the smallest
MOST_OF_ONE = 20  # flaws of a kind that are listed of one image, so that a hostile folder makes no endless report

_LONGEST = 60  # letters of a class's name in a report
_COMPARED = 1000  # objects of one image whose overlap is measured


@dataclass(frozen=True)
class Checked:
    """How many of all images have been looked at, and the ``report`` with the last event."""

    done: int
    total: int
    report: FolderReport | None = None


Found = tuple[dict[str, str], Counter[str]]  # the files and objects of a FolderReport


def check_folder(folder: str | Path) -> FolderReport:
    """Report what is wrong with a dataset in one of the forms of ``core.data.folder_forms.form_of``.

    Raises:
        FolderError: no form of dataset is there.
    """
    *_events, last = checking(folder)
    assert last.report
    return last.report


def checking(folder: str | Path) -> Iterator[Checked]:
    """Yield how far ``check_folder`` is after every image, at last with its report.

    Raises:
        FolderError: no form of dataset is there.
    """
    root, form = form_of(folder)
    photos = _photos(root, form)
    looks: dict[str, Look] = {}
    flaws: dict[str, list[Item]] = defaultdict(list)
    for done, (name, path) in enumerate(photos.items(), 1):
        look = look_at(path)
        if look:
            looks[name] = look
        else:
            flaws["unreadable"].append(Item((name,)))
        yield Checked(done, len(photos))
    check = {"voc": _check_voc, "masks": _check_masks, "classes": _check_classes}[form]
    files, objects = check(root, photos, looks, flaws)
    unusable = left_out(flaws)
    files = {photo: own for photo, own in files.items() if not unusable & {photo, own}}
    _compare({photo: looks[photo] for photo in files}, _splits(root, form, photos), flaws)
    _weigh(objects, flaws)
    found = {kind: tuple(flaws[kind]) for kind in KINDS if flaws[kind]}
    report = FolderReport(root, form, files, dict(objects.most_common()), found)
    yield Checked(len(photos), len(photos), report)


def _photos(root: Path, form: str) -> dict[str, Path]:
    """Return the photos by their paths within ``root``."""
    match form:
        case "voc":
            found = visible(root / "JPEGImages")
        case "masks":
            found = list(by_stem(root / "images", "*").values())
        case _:
            found = [
                photo for part in class_roots(root) for folder in class_folders(part) for photo in photos_in(folder)
            ]
    return {_within(root, path): path for path in found}


def _within(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _check_voc(root: Path, photos: Mapping[str, Path], looks: Mapping[str, Look], flaws: Flaws) -> Found:
    files: dict[str, str] = {}
    objects: Counter[str] = Counter()
    annotated = set()
    stems: dict[str, list[str]] = defaultdict(list)
    for name, photo in photos.items():
        stems[photo.stem].append(name)
    for path in sorted((root / "Annotations").glob("*.xml")):
        try:
            one = read_annotation(path, root / "JPEGImages")
        except FolderError:
            flaws["damaged"].append(Item((_within(root, path), *stems[path.stem])))
            annotated.update(stems[path.stem])
            continue
        name = _within(root, one.photo)
        annotated.add(name)
        if name not in photos:
            flaws["no_image"].append(Item((_within(root, path),)))
        elif name in looks:
            files[name] = _within(root, path)
            objects.update(filter(None, one.names))
            _check_objects(name, one, looks[name].size, flaws)
    flaws["no_annotation"] += [Item((name,)) for name in photos if name not in annotated]
    return files, objects


def _check_objects(photo: str, one: Annotation, size: tuple[int, int], flaws: Flaws) -> None:
    """Note what is wrong with the objects of one ``photo`` of a ``size`` (width, height)."""
    if not one.boxes:
        flaws["no_objects"].append(Item((photo,)))
    if one.size and one.size != size:
        sentence = _("{width} x {height} pixels, in the annotation {noted[0]} x {noted[1]}")
        flaws["declared"].append(Item((photo,), sentence.format(width=size[0], height=size[1], noted=one.size)))
    own: Flaws = defaultdict(list)
    for number, (box, name) in enumerate(zip(one.boxes, one.names, strict=True), 1):
        x0, y0, x1, y1 = box
        corners = ", ".join(f"{side:g}" for side in (x0 + 1, y0 + 1, x1, y1))
        words = {"number": number, "name": name[:_LONGEST], "corners": corners}
        item = Item((photo,), _("object {number}, {name}: {corners}").format(**words), (number,))
        found = {
            "no_class": not name,
            "inverted": x1 < x0 + 1 or y1 < y0 + 1,
            "no_area": x1 == x0 + 1 or y1 == y0 + 1,
            "outside": min(x0, y0) < 0 or x1 > size[0] or y1 > size[1],
        }
        for kind in (kind for kind, amiss in found.items() if amiss):
            own[kind].append(item)
    own["overlap"] = _overlaps(photo, one)
    for kind, items in own.items():
        flaws[kind] += items[:MOST_OF_ONE]


def _overlaps(photo: str, one: Annotation) -> list[Item]:
    boxes, names = torch.tensor(one.boxes[:_COMPARED]).reshape(-1, 4), one.names[:_COMPARED]
    classes = torch.tensor([names.index(name) for name in names])
    overlaps = box_iou(boxes, boxes).triu(1) * (classes[:, None] == classes)
    sentence = _("objects {first} and {second}, {name}: IoU {overlap:.2f}")
    items = []
    for first, second in (overlaps > OVERLAP).nonzero()[:MOST_OF_ONE].tolist():
        words = {"first": first + 1, "second": second + 1, "name": names[first][:_LONGEST]}
        detail = sentence.format(**words, overlap=float(overlaps[first, second]))
        items.append(Item((photo,), detail, (first + 1, second + 1)))
    return items


def _check_masks(root: Path, photos: Mapping[str, Path], looks: Mapping[str, Look], flaws: Flaws) -> Found:
    of_instances = (root / "instances").is_dir()
    masks = by_stem(root / ("instances" if of_instances else "labels"), "*.png")
    by_name = {path.stem: name for name, path in photos.items()}
    flaws["no_image"] += [Item((_within(root, mask),)) for stem, mask in masks.items() if stem not in by_name]
    files: dict[str, str] = {}
    objects: Counter[str] = Counter()
    for stem, photo in by_name.items():
        if stem not in masks:
            flaws["no_annotation"].append(Item((photo,)))
            continue
        mask = _within(root, masks[stem])
        try:
            numbers = read_mask(masks[stem])
        except FolderError:
            flaws["damaged"].append(Item((mask, photo)))
            continue
        if photo not in looks:
            continue
        if numbers.shape[::-1] != looks[photo].size:
            flaws["mismatch"].append(Item((photo, mask)))
            continue
        files[photo] = mask
        shown = set(np.unique(numbers).tolist()) - ({0} if of_instances else {0, IGNORED})
        objects.update({OBJECT: len(shown)} if of_instances else [f"class {number}" for number in sorted(shown)])
        if not shown:
            flaws["no_objects"].append(Item((photo,)))
    return files, objects


def _check_classes(root: Path, photos: Mapping[str, Path], looks: Mapping[str, Look], flaws: Flaws) -> Found:
    for part in class_roots(root):
        without = [folder for folder in visible(part) if folder.is_dir() and not photos_in(folder)]
        flaws["no_photos"] += [Item((_within(root, folder),)) for folder in without]
    return dict.fromkeys(looks, ""), Counter(photos[name].parent.name for name in looks)


def _splits(root: Path, form: str, photos: Mapping[str, Path]) -> dict[str, str]:
    """Return whether each of ``photos`` is for training or for validation: "train", "val" or another split."""
    if form == "classes" and class_roots(root) != [root]:
        return {name: name.split("/")[0] for name in photos}
    names = {name: name if form == "classes" else path.stem for name, path in photos.items()}
    parts = {split: set(in_split(root, names.values(), split)) for split in ("train", "val")}
    return {name: split for split, chosen in parts.items() for name, short in names.items() if short in chosen}


def _compare(looks: Mapping[str, Look], splits: Mapping[str, str], flaws: Flaws) -> None:
    """Note images that are the same or nearly the same, and where validation would ask for what training showed."""
    same, near = same_and_near(looks)
    flaws["duplicate"] += same
    flaws["near"] += near
    flaws["leak"] += [item for item in same + near if {"train", "val"} <= {splits.get(file) for file in item.files}]


def _weigh(objects: Counter[str], flaws: Flaws) -> None:
    """Note when the largest class is far larger than the smallest."""
    ranked = objects.most_common()
    if ranked and ranked[0][1] > IMBALANCE * ranked[-1][1]:
        sentence = _("{most} {largest}, but {least} {smallest}: {times:.0f} to 1")
        (largest, most), (smallest, least) = ranked[0], ranked[-1]
        words = {"largest": largest[:_LONGEST], "most": most, "smallest": smallest[:_LONGEST], "least": least}
        flaws["imbalance"].append(Item((), sentence.format(**words, times=most / least)))
