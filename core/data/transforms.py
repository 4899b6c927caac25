"""Pipelines of torchvision's transforms (v2), whose boxes and masks follow the picture, one step at a time.

A pipeline is described in plain data, a list such as ``[{"name": "flip", "p": 1.0}, {"name": "crop", "side": 160}]``.
What a step draws by chance depends on the seed, its name and how often it came before: moved to another place in the
list it draws the same, so that what changes is due to the order alone.
"""

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.ops import masks_to_boxes
from torchvision.transforms import v2

from core.faults import UserError
from core.i18n import N_, _

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MOST_PIXELS = 4_000_000  # that steps may enlarge an image to
PER_OBJECT = ("labels", "masks", "iscrowd", "area")  # what a target holds beside boxes, a row for each object

# It leaves boxes and masks as they are, which is what it is meant to do here.
warnings.filterwarnings("ignore", r"RandomErasing\(\) is currently passing through")

Sample = tuple[Tensor, dict[str, Tensor]]
Description = Sequence[Mapping[str, Any]]


class TransformError(UserError):
    """A pipeline cannot be built or run; the message is one sentence for the user."""


@dataclass(frozen=True)
class Parameter:
    """A number that a step takes: its ``title`` with its unit, ``default`` and bounds; ``whole`` where it is an int."""

    title: str
    default: float
    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of step: its ``title``, and what makes the transform of its ``parameters``."""

    title: str
    make: Callable[..., nn.Module]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


class TightenBoxes(nn.Module):
    """Draws each box tight around its mask: a turned box holds the corners of the old one, more than the object."""

    def forward(self, image: Tensor, target: dict[str, Tensor]) -> Sample:
        """Return the ``image`` as it is and its ``target`` with ``boxes`` (N, 4) from ``masks``, if there are any."""
        if "masks" not in target or not len(target["masks"]):
            return image, target
        boxes = masks_to_boxes(target["masks"])
        boxes[:, 2:] += 1  # masks_to_boxes names the last pixel; a box ends behind it
        return image, target | {"boxes": tv_tensors.wrap(boxes, like=target["boxes"])}


_CHANCE = Parameter(N_("Probability"), 0.5, 0, 1)
_SIDE = Parameter(N_("Side (px)"), 160, 16, 1024, whole=True)

KINDS = {
    "flip": Kind(N_("Flip left and right"), v2.RandomHorizontalFlip, {"p": _CHANCE}),
    "flip_vertically": Kind(N_("Flip top and bottom"), v2.RandomVerticalFlip, {"p": _CHANCE}),
    "rotate": Kind(N_("Rotate"), v2.RandomRotation, {"degrees": Parameter(N_("At most (°)"), 30, 0, 180)}),
    "affine": Kind(
        N_("Shift and shear"),
        lambda shift, shear: v2.RandomAffine(0, translate=(shift, shift), shear=shear),
        {"shift": Parameter(N_("Shift (of the side)"), 0.2, 0, 1), "shear": Parameter(N_("Shear (°)"), 15, 0, 60)},
    ),
    "perspective": Kind(
        N_("Perspective"),
        lambda distortion: v2.RandomPerspective(distortion, p=1.0),
        {"distortion": Parameter(N_("Distortion"), 0.4, 0, 1)},
    ),
    "resize": Kind(N_("Resize to a square"), lambda side: v2.Resize((side, side)), {"side": _SIDE}),
    "crop": Kind(N_("Crop anywhere"), lambda side: v2.RandomCrop(side, pad_if_needed=True), {"side": _SIDE}),
    "centre_crop": Kind(N_("Crop the centre"), lambda side: v2.CenterCrop(side), {"side": _SIDE}),
    "resized_crop": Kind(
        N_("Crop and resize"),
        lambda side, least: v2.RandomResizedCrop(side, scale=(least, 1.0)),
        {"side": _SIDE, "least": Parameter(N_("Least area (of the image)"), 0.3, 0.05, 1)},
    ),
    "iou_crop": Kind(N_("Crop by IoU with objects (SSD)"), v2.RandomIoUCrop),
    "zoom_out": Kind(
        N_("Zoom out"),
        lambda most: v2.RandomZoomOut(side_range=(1.0, most), p=1.0),
        {"most": Parameter(N_("At most (times)"), 2, 1, 4)},
    ),
    "pad": Kind(N_("Pad"), v2.Pad, {"padding": Parameter(N_("Margin (px)"), 32, 0, 256, whole=True)}),
    "jitter": Kind(
        N_("Change colours"),
        v2.ColorJitter,
        {
            "brightness": Parameter(N_("Brightness (±)"), 0.4, 0, 1),
            "contrast": Parameter(N_("Contrast (±)"), 0.4, 0, 1),
            "saturation": Parameter(N_("Saturation (±)"), 0.4, 0, 1),
            "hue": Parameter(N_("Hue (± turn)"), 0.1, 0, 0.5),
        },
    ),
    "grey": Kind(N_("Greys only"), v2.RandomGrayscale, {"p": _CHANCE}),
    "blur": Kind(
        N_("Blur"),
        lambda sigma: v2.GaussianBlur(2 * round(3 * sigma) + 1, sigma),
        {"sigma": Parameter(N_("Standard deviation (px)"), 2, 0.2, 10)},
    ),
    "noise": Kind(N_("Noise"), v2.GaussianNoise, {"sigma": Parameter(N_("Standard deviation (of white)"), 0.1, 0, 1)}),
    "erase": Kind(
        N_("Erase a rectangle"),
        lambda p, most: v2.RandomErasing(p, scale=(0.02, most)),
        {"p": _CHANCE, "most": Parameter(N_("Largest area (of the image)"), 0.2, 0.02, 1)},
    ),
    "tighten": Kind(N_("Draw boxes tight around masks"), TightenBoxes),
    "to_float": Kind(
        N_("Bytes to floats"), lambda: v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, True)
    ),
    "normalise": Kind(N_("Normalise by ImageNet's mean"), lambda: v2.Normalize(IMAGENET_MEAN, IMAGENET_STD)),
}


@dataclass(frozen=True)
class Stage:
    """A sample after the step ``name`` ("" before the first): its ``image`` (3, H, W) and ``target``.

    ``objects`` are the numbers, in the sample as it was, of the N objects that are left, ``removed`` those that this
    step took away.
    """

    name: str
    image: Tensor
    target: dict[str, Tensor]
    objects: tuple[int, ...]
    removed: tuple[int, ...] = ()


class Pipeline:
    """The steps of a ``description``, in their order; a sample is an image (3, H, W) and a detection target.

    Raises:
        TransformError: no such step or parameter, or a value beyond its bounds.
    """

    def __init__(self, description: Description):
        self.names = tuple(str(step.get("name")) for step in description)
        self.transforms = tuple(_built(step) for step in description)

    def __call__(self, sample: Sample, seed: int) -> Sample:
        """Return the ``sample`` after all steps.

        Raises:
            TransformError: a step cannot be taken where it stands.
        """
        *_before, last = self.stages(sample, seed)
        return last.image, last.target

    def stages(self, sample: Sample, seed: int) -> Iterator[Stage]:
        """Yield the ``sample`` as it is and after each step.

        After each step boxes are cut at the edges of the image; objects of which no box, or no pixel of a mask, is
        left are removed with what else the target has of them, as ``PER_OBJECT`` names it.

        Raises:
            TransformError: a step cannot be taken where it stands.
        """
        image, target = _wrapped(sample)
        stage = Stage("", image, target, tuple(range(len(target.get("boxes", ())))))
        yield stage
        counts: Counter[str] = Counter()
        for name, transform in zip(self.names, self.transforms, strict=True):
            with _Seeded(_seed_of(seed, name, counts[name])):
                stage = _applied(name, transform, stage)
            counts[name] += 1
            yield stage

    def as_code(self) -> str:
        """Return the pipeline as torchvision writes it, with the cut and the removal of boxes at its end."""
        steps = [repr(one) if isinstance(one, TightenBoxes) else f"v2.{one!r}" for one in self.transforms]
        lines = [*steps, "v2.ClampBoundingBoxes()", "v2.SanitizeBoundingBoxes()"]
        code = "v2.Compose([\n" + "".join(f"    {line},\n" for line in lines) + "])"
        return code.replace("ToDtype(scale", "ToDtype(torch.float32, scale")  # whose own words leave the type out


def each_step(sample: Sample, description: Description, seed: int) -> list[Stage]:
    """Return ``sample``, an image (3, H, W) and its target, as it is and after each step of ``description``.

    Raises:
        TransformError: the pipeline cannot be built, or a step cannot be taken where it stands.
    """
    return list(Pipeline(description).stages(sample, seed))


class Transformed(Dataset[Sample]):
    """``dataset`` behind a pipeline: item i of an ``epoch`` depends on ``seed``, ``epoch`` and i, not on the worker.

    Raises:
        TransformError: the pipeline cannot be built; later, a step cannot be taken where it stands.
    """

    def __init__(self, dataset: Dataset[Sample], description: Description, seed: int = 0, epoch: int = 0):
        self._dataset = dataset
        self._pipeline = Pipeline(description)
        self._seed = seed
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._dataset)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Sample:
        return self._pipeline(self._dataset[index], _seed_of(self._seed, self.epoch, index))


def _built(step: Mapping[str, Any]) -> nn.Module:
    name = step.get("name")
    if name not in KINDS:
        sentence = _("There is no step {name!r}: choose among {known}.")
        raise TransformError(sentence.format(name=name, known=", ".join(KINDS)))
    kind = KINDS[name]
    values = {key: parameter.default for key, parameter in kind.parameters.items()}
    for key, value in step.items():
        if key == "name":
            continue
        parameter = kind.parameters.get(key)
        if parameter is None:
            raise TransformError(_("The step {name!r} has no parameter {key!r}.").format(name=name, key=key))
        if not isinstance(value, int | float) or not parameter.low <= value <= parameter.high:
            sentence = _("{title} of the step {name!r} is a number from {low:g} to {high:g}, not {value}.")
            words = {"title": parameter.title, "low": parameter.low, "high": parameter.high, "value": value}
            raise TransformError(sentence.format(name=name, **words))
        values[key] = value
    exact = {key: int(value) if kind.parameters[key].whole else float(value) for key, value in values.items()}
    return kind.make(**exact)


def _wrapped(sample: Sample) -> Sample:
    """Return ``sample`` with the types by which torchvision knows what is to follow the picture."""
    image, target = sample
    size = image.shape[-2:]
    kinds: dict[str, Callable[[Tensor], Tensor]] = {
        "boxes": lambda boxes: tv_tensors.BoundingBoxes(boxes.reshape(-1, 4), format="XYXY", canvas_size=size),
        "masks": tv_tensors.Mask,
    }
    return tv_tensors.Image(image), {key: kinds[key](value) if key in kinds else value for key, value in target.items()}


def _applied(name: str, transform: nn.Module, before: Stage) -> Stage:
    try:
        image, target = transform(before.image, before.target)
    except (RuntimeError, TypeError, ValueError) as error:
        sentence = _("The step {title!r} cannot be taken here: {reason}")
        raise TransformError(sentence.format(title=_(KINDS[name].title), reason=error)) from None
    if image[0].numel() > max(MOST_PIXELS, before.image[0].numel()):
        sentence = _("The step {title!r} makes the image larger than {most} megapixels: choose less.")
        raise TransformError(sentence.format(title=_(KINDS[name].title), most=MOST_PIXELS // 10**6))
    if "boxes" not in target:
        return Stage(name, image, target, ())
    rows = {key: target[key] for key in PER_OBJECT if key in target}
    numbers = torch.tensor(before.objects, dtype=torch.int64)
    boxes = v2.functional.clamp_bounding_boxes(target["boxes"])
    kept, valid = v2.functional.sanitize_bounding_boxes(boxes)
    if "masks" in rows:
        seen = rows["masks"].flatten(1).any(1)
        kept, valid = kept[seen[valid]], valid & seen
    target = target | {key: _like(value[valid], value) for key, value in rows.items()} | {"boxes": _like(kept, boxes)}
    left = numbers[valid].tolist()
    return Stage(name, image, target, tuple(left), tuple(sorted(set(before.objects) - set(left))))


def _like(value: Tensor, like: Tensor) -> Tensor:
    return tv_tensors.wrap(value, like=like) if isinstance(like, tv_tensors.TVTensor) else value


def _seed_of(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")


class _Seeded(TorchFunctionMode):
    """Lets torch draw from a generator of its own within ``with``: torchvision's transforms take none, and the one
    that all threads share would mix up the draws of pages and trainings that run at once."""

    def __init__(self, seed: int):
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        chosen = {"generator": self._generator} if function in _RANDOM else {}
        return function(*args, **(kwargs or {}), **chosen)


_RANDOM = {
    *(torch.rand, torch.randn, torch.randn_like, torch.randint, torch.randperm, torch.multinomial),
    *(Tensor.uniform_, Tensor.normal_),
}
