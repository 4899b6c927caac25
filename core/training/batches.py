"""Photos of any size as training batches: cut, scaled and augmented, by step number and seed alone."""

import hashlib
import inspect
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from core.backbones import TRUNKS, Trunk
from core.boxes import clip
from core.checkpoint import CheckpointError, save_tensors
from core.data.scenes import label_map
from core.evaluation import Samples, Target
from core.models import Form
from core.pretrained import PRETRAINED
from core.proposals import selective_search
from core.segmentation.base import VOID, labels_to_learn
from core.segmentation.instance import have_pixels
from core.training.loaders import CACHE

Batch = tuple[Tensor, list[Target]]

SLIM = TRUNKS["slim"]
SMALL = PRETRAINED["slim"].side
CELL = 16
MEAN_COLOUR = (124, 116, 104)  # what the trunk's normalisation makes zero: padding that looks like a layer's own
MOST_CACHED = 20_000  # photos whose proposals stay on the disk, at about 10 KB each
MOST_KEPT = 2**29  # bytes of decoded photos and their targets; those beyond are decoded again in every epoch
NOT_KNOWN = -1  # the number of the object at a pixel where nobody has said which, or where there is no photo
OUTSIDE = {"instances": NOT_KNOWN, "pixel_labels": VOID}  # the maps of a target, and what they are where no photo is
LEAST_SIDE = 2  # pixels of the input: what is left of a box at the edge of a cut is no object below that


@dataclass(frozen=True)
class Augmentation:
    """How a photo varies from epoch to epoch: enlarged or made smaller by a factor up to ``zoom`` about a place that
    is drawn, ``mirror``ed left to right and, where it has no up and down, ``upside_down``, brighter or darker and with
    more or less contrast by a part of up to ``light``."""

    zoom: float = 1.3
    mirror: bool = True
    upside_down: bool = False
    light: float = 0.2


PHOTOS = Augmentation()
NONE = Augmentation(zoom=1, mirror=False, light=0)


@dataclass(frozen=True)
class PhotoBatches:
    """Batch number ``step`` of ``samples``: ``batches(step)`` gives images (B, 3, H, W) uint8 and their targets.

    ``form`` is how a model is shown images, in pixels as the entry of its ``trunk`` has them (here the slim one's):
    "scaled" as the region-based detectors do it, the short side to 256 and the long one to at most 427, padded with the
    mean colour to the largest of the batch; "square" stretched to 256 x 256, as YOLO does; "cut" a square of 256 pixels
    out of the photo at its own scale or, where segmenters on the trunk see all photos alike large, at theirs; "small"
    stretched to the square that a classifier sees. Targets hold ``boxes``, ``labels`` and, where the samples have
    masks, ``instances`` (H, W) int32, the number of each pixel's object from 1 and -1 where it is not known, and
    ``cells`` (H / 16, W / 16), the class in the middle of each; ``pixel_labels`` (H, W) and ``proposals`` where the
    samples have them; a classifier's hold ``label`` alone. Objects that are marked ``iscrowd`` (VOC's difficult) are
    not learnt, though what ``pixel_labels`` say of their pixels is. Epochs are shuffled, the rest that fills no batch
    is left out, and all depends on ``step`` and ``seed`` alone. Where ``tall`` says of each sample whether it is higher
    than wide, a batch holds one kind only, so that little is padded.
    """

    samples: Samples
    size: int
    form: Form
    augmentation: Augmentation = PHOTOS
    seed: int = 0
    trunk: Trunk = SLIM
    tall: Sequence[bool] = ()
    photos: "KeptPhotos" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "photos", KeptPhotos(self.samples))

    def __call__(self, step: int, places: Collection[int] | None = None) -> Batch:
        """Return batch number ``step``, or of it only what stands at ``places``: one process's share."""
        size = min(self.size, len(self.samples))
        kinds = self._kinds(size)
        epoch, number = divmod(step, sum(len(kind) // size for kind in kinds))
        chosen = self._shuffled(kinds, size, epoch)[number]
        made = []
        for place in range(size) if places is None else places:
            rng = np.random.default_rng([self.seed, epoch, number, place])
            image, target = self.photos[int(chosen[place])]
            made.append(varied(image, target, self.form, self.augmentation, rng, self.trunk))
        return padded(made)

    def _kinds(self, size: int) -> list[np.ndarray]:
        """Return the samples that may come together, each kind enough for a batch of ``size``."""
        everything = np.arange(len(self.samples))
        tall = np.array(self.tall, dtype=bool)
        kinds = [everything[tall], everything[~tall]] if self.tall else []
        return [kind for kind in kinds if len(kind) >= size] or [everything]

    def _shuffled(self, kinds: list[np.ndarray], size: int, epoch: int) -> np.ndarray:
        """Return the samples of each batch of an epoch: (batches, ``size``)."""
        rng = np.random.default_rng([self.seed, epoch])
        whole = [rng.permutation(kind)[: len(kind) // size * size].reshape(-1, size) for kind in kinds]
        return whole[0] if len(whole) == 1 else rng.permutation(np.concatenate(whole))


@dataclass(frozen=True)
class KeptPhotos:
    """What is to be learnt of ``samples``, decoded once and kept in memory as long as there is room."""

    samples: Samples
    _kept: dict[int, tuple[Tensor, Target]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        if index in self._kept:
            return self._kept[index]
        image, target = self.samples[index]
        target = _learnable(target)
        if sum(map(_bytes, self._kept.values())) + _bytes((image, target)) <= MOST_KEPT:
            self._kept[index] = image, target
        return image, target


def _bytes(photo: tuple[Tensor, Target]) -> int:
    image, target = photo
    return image.nbytes + sum(values.nbytes for values in target.values())


def _learnable(target: Target) -> Target:
    """Drop the objects that are not to be learnt, and draw disjoint ``masks`` into one map of ``instances``."""
    if "label" in target:
        return target
    wanted = target["iscrowd"] == 0 if "iscrowd" in target else torch.ones(len(target["labels"]), dtype=torch.bool)
    learnt = {name: target[name][wanted] for name in ("boxes", "labels")}
    if "masks" in target:
        numbers = torch.arange(1, 1 + int(wanted.sum()), dtype=torch.int32)
        learnt["instances"] = label_map(target["masks"][wanted], numbers).int()
        learnt["instances"][target["masks"][~wanted].any(0) | target.get("void", torch.tensor(False))] = NOT_KNOWN
    return learnt | {name: target[name] for name in ("proposals", "pixel_labels") if name in target}


@dataclass(frozen=True)
class ProposedPhotos:
    """``samples`` with selective search's ``proposals`` (R, 4) in each target.

    Those of photos that were searched longest ago are forgotten first, where ``MOST_CACHED`` are on the disk.
    """

    samples: Samples

    def __post_init__(self) -> None:
        forget_oldest(CACHE / "proposals", MOST_CACHED)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        image, target = self.samples[index]
        return image, {**target, "proposals": cached_proposals(image)}


def cached_proposals(image: Tensor, cache: Path = CACHE) -> Tensor:
    """Return selective search's proposals (R, 4) for ``image``, read from ``cache`` where it was searched before.

    Where the disk has no room for them, they are computed each time.
    """
    code = Path(inspect.getfile(selective_search)).read_bytes()
    key = hashlib.sha256(code + str(image.shape).encode() + image.contiguous().numpy().tobytes()).hexdigest()
    path = cache / "proposals" / f"{key[:24]}.safetensors"
    if path.exists():
        return load_file(path)["boxes"]
    found = selective_search(image).boxes
    with suppress(CheckpointError):
        save_tensors({"boxes": found}, path)
    return found


def forget_oldest(folder: Path, most: int) -> None:
    """Remove from ``folder`` all files but the ``most`` that were written last."""
    written = {}
    for path in folder.glob("*.safetensors"):
        with suppress(FileNotFoundError):  # another process forgets, too
            written[path] = path.stat().st_mtime_ns
    for path in sorted(written, key=lambda one: written[one])[: max(0, len(written) - most)]:
        path.unlink(missing_ok=True)


def varied(
    image: Tensor,
    target: Target,
    form: Form,
    augmentation: Augmentation,
    rng: np.random.Generator,
    trunk: Trunk = SLIM,
) -> tuple[Tensor, Target]:
    """Return ``image`` (3, H, W) uint8 and its target as ``form`` on ``trunk`` and a draw of ``augmentation`` make
    them."""
    height, width = image.shape[1:]
    zoom = augmentation.zoom ** rng.uniform(-1, 1)
    places, flips, lights = rng.random(2), rng.random(2), 1 + augmentation.light * rng.uniform(-1, 1, 2)
    side = SMALL if form == "small" else trunk.square_side
    wanted = side, side
    if form == "cut":
        zoom *= trunk.segmented_scale(height, width)
        window = round(side / zoom), round(side / zoom)
    else:
        if form == "scaled":
            scale = trunk.scale(height, width)
            wanted = max(CELL, round(height * scale)), max(CELL, round(width * scale))
        window = max(1, round(height / zoom)), max(1, round(width / zoom))
    top, left = (round(places[axis] * (image.shape[1 + axis] - window[axis])) for axis in (0, 1))
    image, target = cut(image, target, (top, left), window, wanted)
    for axis, (flip, wish) in enumerate(zip(flips, (augmentation.mirror, augmentation.upside_down), strict=True)):
        if wish and flip < 0.5:
            image, target = _mirrored(image, target, -1 - axis)
    if augmentation.light:
        image = _lit(image, lights[0], lights[1])
    if form == "cut" and "instances" in target:
        target["cells"] = labels_to_learn(target)[CELL // 2 :: CELL, CELL // 2 :: CELL]
    return image, target


def _lit(image: Tensor, contrast: float, brightness: float) -> Tensor:
    """Stretch the values of ``image`` about their middle, and move them: by a table, since there are 256 of them."""
    values = (torch.arange(256.0) - 128) * contrast + 128 * brightness
    table = values.round().clamp(0, 255).to(torch.uint8).numpy()
    return torch.from_numpy(cv2.LUT(image.contiguous().view(-1, 1).numpy(), table)).view(image.shape)


def cut(
    image: Tensor, target: Target, corner: tuple[int, int], window: tuple[int, int], wanted: tuple[int, int]
) -> tuple[Tensor, Target]:
    """Cut a ``window`` (height, width) at ``corner`` (top, left) out of ``image`` and its target, scaled to ``wanted``.

    What lies outside the image is the mean colour, and nothing is known of it. Boxes end at the window's edge. An
    object stays where its middle lies in the window or, if its pixels are known, any part of it; a proposal where there
    is something of it.
    """
    pixels = _window(image, corner, window, MEAN_COLOUR)
    if window != wanted:
        pixels = functional.interpolate(pixels[None], wanted, mode="bilinear", antialias=True)[0]
    return pixels, target if "label" in target else _cut_target(target, corner, window, wanted)


def _cut_target(target: Target, corner: tuple[int, int], window: tuple[int, int], wanted: tuple[int, int]) -> Target:
    scale = torch.tensor([wanted[1] / window[1], wanted[0] / window[0]] * 2)
    shift = torch.tensor([corner[1], corner[0]] * 2)

    def moved(boxes: Tensor) -> Tensor:
        return (boxes - shift) * scale

    boxes = moved(target["boxes"])
    inside = clip(boxes, *wanted)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    seen = ((middle >= 0) & (middle < torch.tensor([wanted[1], wanted[0]]))).all(1)
    if "instances" in target:
        seen |= have_pixels(target["instances"], len(boxes))
    stays = _is_large(inside) & seen
    found = {"boxes": inside[stays], "labels": target["labels"][stays]}
    if "proposals" in target:
        proposals = clip(moved(target["proposals"]), *wanted)
        found["proposals"] = proposals[_is_large(proposals)]
    for name, outside in _maps(target):
        values = _window(target[name][None], corner, window, (outside,))
        if window != wanted:
            values = functional.interpolate(values[None].float(), wanted, mode="nearest-exact")[0].to(values.dtype)
        found[name] = values[0]
    if "instances" in target:
        numbers = functional.pad(stays.cumsum(0) * stays, (1, 0))  # objects are counted anew, the others are none
        numbers = functional.pad(numbers, (0, 1), value=NOT_KNOWN).int()  # the last is that of -1
        found["instances"] = numbers[found["instances"].long()]
    return found


def _maps(target: Target) -> list[tuple[str, int]]:
    """Return the names of the maps that ``target`` has, with what they are where no photo is."""
    return [(name, outside) for name, outside in OUTSIDE.items() if name in target]


def _is_large(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2] >= LEAST_SIDE).all(1)


def _mirrored(image: Tensor, target: Target, axis: int) -> tuple[Tensor, Target]:
    """Mirror left to right (``axis`` -1) or top to bottom (-2)."""
    first, last = (0, 2) if axis == -1 else (1, 3)
    length = image.shape[axis]
    mirrored = dict(target)
    for name in ("boxes", "proposals"):
        if name in target:
            mirrored[name] = target[name].clone()
            mirrored[name][:, first], mirrored[name][:, last] = (
                length - target[name][:, last],
                length - target[name][:, first],
            )
    for name, _outside in _maps(target):
        mirrored[name] = target[name].flip(axis)
    return image.flip(axis), mirrored


def padded(made: Sequence[tuple[Tensor, Target]]) -> Batch:
    """Stack images and maps of several sizes, each in the corner of as much mean colour, or void, as it takes."""
    height, width = (max(image.shape[axis] for image, _target in made) for axis in (1, 2))
    images = torch.stack([_window(image, (0, 0), (height, width), MEAN_COLOUR) for image, _target in made])
    targets = [
        target
        | {name: _window(target[name][None], (0, 0), (height, width), (outside,))[0] for name, outside in _maps(target)}
        for _image, target in made
    ]
    return images, targets


def drawn_ahead(batch: Callable[[int], Batch], threads: int = 1) -> Callable[[int], Batch]:
    """Return ``batch``, which makes that of the next step in a thread while the model learns from this one.

    Its operations take ``threads`` threads each: more than one would be in the way of the model's.
    """
    everywhere = torch.get_num_threads()
    pool = ThreadPoolExecutor(1, initializer=_use_threads, initargs=(threads,))
    pool.submit(int).result()
    torch.set_num_threads(everywhere)  # a thread keeps its own number, and one that is new takes the last that was set
    coming: dict[int, Future[Batch]] = {}

    def ahead(step: int) -> Batch:
        made = coming.pop(step, None) or pool.submit(batch, step)
        result = made.result()
        coming.clear()
        coming[step + 1] = pool.submit(batch, step + 1)
        return result

    return ahead


def _use_threads(count: int) -> None:
    torch.get_num_threads()  # at its first operation a thread takes the last number that was set anywhere
    torch.set_num_threads(count)


def _window(values: Tensor, corner: tuple[int, int], window: tuple[int, int], outside: tuple[int, ...]) -> Tensor:
    """Return ``values`` (C, H, W) in a ``window`` at ``corner``, ``outside`` (C) where they have none."""
    (top, left), (height, width) = corner, window
    bottom, right = top + height, left + width
    if top >= 0 and left >= 0 and bottom <= values.shape[1] and right <= values.shape[2]:
        return values[:, top:bottom, left:right]
    framed = values.new_empty(len(outside), height, width)
    for channel, value in zip(framed, outside, strict=True):
        channel.fill_(value)
    seen = values[:, max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    framed[:, max(0, -top) : max(0, -top) + seen.shape[1], max(0, -left) : max(0, -left) + seen.shape[2]] = seen
    return framed
