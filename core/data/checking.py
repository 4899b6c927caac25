"""What is wrong with a folder of training data, and a copy of it without: nothing in the folder itself is changed."""

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image
from torchvision.ops import box_iou

from core.data.class_folder import class_folders, class_roots
from core.data.folder_forms import form_of
from core.data.folders import FORMATS, FolderError, by_stem, in_split, photos_in, visible
from core.data.mask_folder import IGNORED, OBJECT, read_mask
from core.data.voc_folder import Annotation, read_annotation
from core.i18n import N_, _
from core.images import MOST_PIXELS

HASH_SIDE = 16  # a hash has the square of it in bits
NEAR_BITS = 40  # of the hash's 256 that may differ; unlike photos differ in 80 and more
NEAR_CORRELATION = 0.9  # of the small greys; empty pictures have like hashes, but no likeness
OVERLAP = 0.7  # IoU above which two objects of a class may be one
IMBALANCE = 10  # times as many objects in the largest class as in the smallest
MOST_ITEMS = 1000  # pairs of like images that are listed
MOST_OF_ONE = 20  # flaws of a kind that are listed of one image, so that a hostile folder makes no endless report

_BLOCK = 256  # images that are compared with all others at once
_LONGEST = 60  # letters of a class's name in a report
_COMPARED = 1000  # objects of one image whose overlap is measured
_IN_BOXES = ("no_area", "inverted", "outside", "no_class")


@dataclass(frozen=True)
class Kind:
    """A kind of flaw: its ``title``, what the ``cleaned`` copy does about it, and whether that leaves files out."""

    title: str
    cleaned: str
    leaves_out: bool = False


KINDS = {
    "unreadable": Kind(N_("Images that cannot be read"), N_("left out"), True),
    "damaged": Kind(N_("Annotations or masks that cannot be read"), N_("left out with their images"), True),
    "no_image": Kind(N_("Annotations or masks without image"), N_("left out"), True),
    "no_annotation": Kind(N_("Images without annotation or mask"), N_("left out"), True),
    "mismatch": Kind(N_("Masks of another size than their image"), N_("left out with their images"), True),
    "no_photos": Kind(N_("Folders of a class without a photo"), N_("left out"), True),
    "duplicate": Kind(N_("Images that are the same, pixel for pixel"), N_("all but the first left out"), True),
    "no_area": Kind(N_("Boxes without area"), N_("removed")),
    "inverted": Kind(N_("Boxes whose corners are swapped"), N_("swapped back")),
    "outside": Kind(N_("Boxes that reach out of their image"), N_("cut at its edges, removed where nothing is left")),
    "no_class": Kind(N_("Objects without the name of a class"), N_("removed")),
    "declared": Kind(N_("Images of another size than their annotation says"), N_("kept")),
    "no_objects": Kind(N_("Images without an object"), N_("kept, as examples of background")),
    "overlap": Kind(N_("Objects of one class that may be one, by their overlap"), N_("kept")),
    "near": Kind(N_("Images that are nearly the same, by a perceptual hash (dHash)"), N_("kept")),
    "leak": Kind(N_("Images in training that are the same or nearly the same in validation"), N_("kept")),
    "imbalance": Kind(N_("Classes of very different size"), N_("kept")),
}


@dataclass(frozen=True)
class Item:
    """One flaw: the ``files`` that it is about, as paths within the folder, the ``detail`` in words, and the numbers of
    the ``objects`` in the annotation, counted from 1."""

    files: tuple[str, ...]
    detail: str = ""
    objects: tuple[int, ...] = ()

    def __str__(self) -> str:
        names = " = ".join(self.files)
        return f"{names}: {self.detail}" if names and self.detail else names or self.detail


@dataclass(frozen=True)
class FolderReport:
    """What is in the folder ``root`` of ``form`` "voc", "masks" or "classes".

    ``files`` are the images that can be used, each with its annotation or mask ("" where the form has none), as paths
    within ``root``; ``objects`` counts objects by class, or images where the form is "classes"; ``flaws`` has what is
    wrong by the names of ``KINDS``.
    """

    root: Path
    form: str
    files: Mapping[str, str]
    objects: Mapping[str, int]
    flaws: Mapping[str, tuple[Item, ...]]


@dataclass(frozen=True)
class Checked:
    """How many of all images have been looked at, and the ``report`` with the last event."""

    done: int
    total: int
    report: FolderReport | None = None


@dataclass(frozen=True)
class _Look:
    """What an image looks like: ``size`` (width, height), a ``digest`` of its pixels, its dHash as ``bits`` of plus and
    minus 1 (256,), and its small ``greys`` (272,) with mean 0 and length 1, or all 0 for one of one grey."""

    size: tuple[int, int]
    digest: bytes
    bits: np.ndarray
    greys: np.ndarray


Flaws = dict[str, list[Item]]
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
    looks: dict[str, _Look] = {}
    flaws: dict[str, list[Item]] = defaultdict(list)
    for done, (name, path) in enumerate(photos.items(), 1):
        look = _look(path)
        if look:
            looks[name] = look
        else:
            flaws["unreadable"].append(Item((name,)))
        yield Checked(done, len(photos))
    check = {"voc": _check_voc, "masks": _check_masks, "classes": _check_classes}[form]
    files, objects = check(root, photos, looks, flaws)
    left_out = _left_out(flaws)
    files = {photo: own for photo, own in files.items() if not left_out & {photo, own}}
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


def _look(path: Path) -> _Look | None:
    """Return what the image at ``path`` looks like, None where it cannot be read."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            colours, small = picture.convert("RGB"), (HASH_SIDE + 1, HASH_SIDE)
    except Exception:  # noqa: BLE001 - a damaged file leads Pillow's decoders to nearly every exception there is
        return None
    digest = hashlib.sha256(repr(colours.size).encode() + colours.tobytes()).digest()
    greys = np.asarray(colours.convert("L").resize(small, Image.Resampling.BOX), np.float32)
    bits = np.where(greys[:, 1:] > greys[:, :-1], 1, -1).astype(np.float32)
    greys = greys - greys.mean()
    return _Look(colours.size, digest, bits.ravel(), greys.ravel() / max(float(np.linalg.norm(greys)), 1e-6))


def _check_voc(root: Path, photos: Mapping[str, Path], looks: Mapping[str, _Look], flaws: Flaws) -> Found:
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


def _check_masks(root: Path, photos: Mapping[str, Path], looks: Mapping[str, _Look], flaws: Flaws) -> Found:
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


def _check_classes(root: Path, photos: Mapping[str, Path], looks: Mapping[str, _Look], flaws: Flaws) -> Found:
    for part in class_roots(root):
        without = [folder for folder in visible(part) if folder.is_dir() and not photos_in(folder)]
        flaws["no_photos"] += [Item((_within(root, folder),)) for folder in without]
    return dict.fromkeys(looks, ""), Counter(photos[name].parent.name for name in looks)


def _left_out(flaws: Mapping[str, Iterable[Item]]) -> set[str]:
    """Return the files that a cleaned copy leaves out."""
    kinds = [kind for kind in KINDS if KINDS[kind].leaves_out]
    return {file for kind in kinds for item in flaws.get(kind, ()) for file in item.files[kind == "duplicate" :]}


def _splits(root: Path, form: str, photos: Mapping[str, Path]) -> dict[str, str]:
    """Return whether each of ``photos`` is for training or for validation: "train", "val" or another split."""
    if form == "classes" and class_roots(root) != [root]:
        return {name: name.split("/")[0] for name in photos}
    names = {name: name if form == "classes" else path.stem for name, path in photos.items()}
    parts = {split: set(in_split(root, names.values(), split)) for split in ("train", "val")}
    return {name: split for split, chosen in parts.items() for name, short in names.items() if short in chosen}


def _compare(looks: Mapping[str, _Look], splits: Mapping[str, str], flaws: Flaws) -> None:
    """Note images that are the same or nearly the same, and where validation would ask for what training showed."""
    alike: dict[bytes, list[str]] = defaultdict(list)
    for name, look in looks.items():
        alike[look.digest].append(name)
    same = [Item(tuple(names)) for names in alike.values() if len(names) > 1]
    near = _near({names[0]: looks[names[0]] for names in alike.values()})
    flaws["duplicate"] += same
    flaws["near"] += near
    flaws["leak"] += [item for item in same + near if {"train", "val"} <= {splits.get(file) for file in item.files}]


def _near(looks: Mapping[str, _Look]) -> list[Item]:
    """Return the pairs of images whose hashes and small greys are nearly the same, block by block."""
    names = list(looks)
    if not names:
        return []
    bits = np.stack([look.bits for look in looks.values()])
    greys = np.stack([look.greys for look in looks.values()])
    items: list[Item] = []
    for start in range(0, len(names), _BLOCK):
        block = slice(start, start + _BLOCK)
        differing = (bits.shape[1] - bits[block] @ bits[start:].T) / 2
        alike = (differing <= NEAR_BITS) & (greys[block] @ greys[start:].T >= NEAR_CORRELATION)
        for first, second in np.argwhere(np.triu(alike, 1))[: MOST_ITEMS - len(items)].tolist():
            detail = _("{differing:.0f} of {bits} bits differ")
            detail = detail.format(differing=differing[first, second], bits=bits.shape[1])
            items.append(Item((names[start + first], names[start + second]), detail))
    return items


def _weigh(objects: Counter[str], flaws: Flaws) -> None:
    """Note when the largest class is far larger than the smallest."""
    ranked = objects.most_common()
    if ranked and ranked[0][1] > IMBALANCE * ranked[-1][1]:
        sentence = _("{most} {largest}, but {least} {smallest}: {times:.0f} to 1")
        (largest, most), (smallest, least) = ranked[0], ranked[-1]
        words = {"largest": largest[:_LONGEST], "most": most, "smallest": smallest[:_LONGEST], "least": least}
        flaws["imbalance"].append(Item((), sentence.format(**words, times=most / least)))


def as_json(report: FolderReport) -> dict[str, Any]:
    """Return ``report`` as JSON has it."""
    flaws = {
        kind: [{"files": list(item.files), "detail": item.detail} for item in items]
        for kind, items in report.flaws.items()
    }
    described = {"folder": str(report.root), "form": report.form, "images": len(report.files)}
    return described | {"objects": dict(report.objects), "flaws": flaws}


def write_cleaned(report: FolderReport, out: str | Path) -> Path:
    """Write a copy of the folder of ``report`` to ``out``, without its flaws as their ``KINDS`` say, and return it.

    The folder itself is only read, and ``out`` appears when the copy is whole.

    Raises:
        FolderError: ``out`` exists, lies in the folder, or cannot be written.
    """
    root, out = report.root, Path(out)
    if out.exists() or out.resolve().is_relative_to(root.resolve()):
        sentence = _("A cleaned copy needs a new folder outside of {folder}: choose another place than {out}.")
        raise FolderError(sentence.format(folder=root, out=out))
    left_out = _left_out(report.flaws)
    amiss = {file for kind in _IN_BOXES for item in report.flaws.get(kind, ()) for file in item.files}
    kept = {photo: own for photo, own in report.files.items() if photo not in left_out}
    part = out.with_name(f"{out.name}.part")
    try:
        for photo, own in kept.items():
            for name in filter(None, (photo, own)):
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, part / name)
            if photo in amiss:
                _mend(part / own, part / photo)
        _shorten_lists(root, part, {Path(photo).stem for photo in kept})
        part.rename(out)
    except OSError:
        raise FolderError(_("{out} cannot be written: choose another place.").format(out=out)) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def _mend(annotation: Path, photo: Path) -> None:
    """Remove or change the objects of an ``annotation`` that do not fit its ``photo``."""
    with Image.open(photo) as picture:
        width, height = picture.size
    tree = ElementTree.parse(annotation)
    for parent in list(tree.iter()):
        for one in parent.findall("object"):
            left, right = sorted(float(one.findtext(f"bndbox/{side}", "")) for side in ("xmin", "xmax"))
            top, bottom = sorted(float(one.findtext(f"bndbox/{side}", "")) for side in ("ymin", "ymax"))
            left, top, right, bottom = max(left, 1), max(top, 1), min(right, width), min(bottom, height)
            if not one.findtext("name", "").strip() or right <= left or bottom <= top:
                parent.remove(one)
                continue
            for side, place in (("xmin", left), ("ymin", top), ("xmax", right), ("ymax", bottom)):
                found = one.find(f"bndbox/{side}")
                assert found is not None
                found.text = f"{place:g}"
    tree.write(annotation)


def _shorten_lists(root: Path, part: Path, names: set[str]) -> None:
    """Copy the lists of photos, of which only those of ``names`` are left."""
    for path in sorted((root / "ImageSets").glob("**/*.txt")):
        lines = path.read_text("utf-8", "replace").splitlines()
        copy = part / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("".join(f"{line}\n" for line in lines if line.split()[:1] and line.split()[0] in names))
