"""A small set in Pascal VOC's form with one of every flaw that a check finds: drawn, then spoilt."""

import io
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from PIL import ImageEnhance
from PIL.Image import Image
from torchvision.transforms.functional import to_pil_image

from core.data.scenes import CLASSES, SIDE, ShapeScenes

QUALITY = 90  # of the JPEG files
# Numbers of easy scenes, chosen by what is on them: stars above all, and one rectangle.
STARS = (0, 13, 16, 20, 52, 83, 86, 103, 108, 109, 114, 118)
OTHERS = (3, 24, 27, 32, 40, 49, 60, 62, 68)
RARE, UNLABELLED, LOST = 6, 71, 79
VALIDATION = (13, 27, 49, 108)

Object = tuple[str, int, int, int, int]  # class, and corners as VOC counts them


@dataclass
class _Photo:
    """A photo and its annotation, as they are written; None where there is none."""

    picture: Image | None
    objects: list[Object] | None
    declared: int = SIDE
    quality: int = QUALITY
    held_out: bool = False
    cut_photo: bool = False
    cut_annotation: bool = False

    def jpeg(self) -> bytes:
        assert self.picture
        file = io.BytesIO()
        self.picture.save(file, "JPEG", quality=self.quality)
        return file.getvalue()[: 2000 if self.cut_photo else None]

    def xml(self, name: str) -> bytes:
        root = Element("annotation")
        SubElement(root, "filename").text = f"{name}.jpg"
        size = SubElement(root, "size")
        for side in ("width", "height"):
            SubElement(size, side).text = str(self.declared)
        for label, *corners in self.objects or ():
            one = SubElement(root, "object")
            SubElement(one, "name").text = label
            box = SubElement(one, "bndbox")
            for side, place in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
                SubElement(box, side).text = str(place)
        text = tostring(root)
        return text[: len(text) // 2 if self.cut_annotation else None]


def write_practice(folder: Path) -> Path:
    """Write the set into the new folder ``folder`` and return it; it is the same each time."""
    photos = {f"scene_{number:03}": _drawn(number) for number in (*STARS, *OTHERS, RARE)}
    for number in VALIDATION:
        photos[f"scene_{number:03}"].held_out = True
    photos |= _spoilt(photos)
    for name in ("Annotations", "JPEGImages", "ImageSets"):
        (folder / name).mkdir(parents=True)
    for name, photo in photos.items():
        if photo.picture:
            (folder / "JPEGImages" / f"{name}.jpg").write_bytes(photo.jpeg())
        if photo.objects is not None:
            (folder / "Annotations" / f"{name}.xml").write_bytes(photo.xml(name))
    for split, held_out in (("train", False), ("val", True)):
        names = sorted(name for name, photo in photos.items() if photo.held_out == held_out)
        (folder / "ImageSets" / f"{split}.txt").write_text("\n".join(names) + "\n", "utf-8")
    return folder


def _drawn(number: int) -> _Photo:
    image, target = ShapeScenes("train", max(LOST, *STARS) + 1, "easy")[number]
    labels, boxes = target["labels"].tolist(), target["boxes"].int().tolist()
    objects = [(CLASSES[label], x0 + 1, y0 + 1, x1, y1) for label, (x0, y0, x1, y1) in zip(labels, boxes, strict=True)]
    return _Photo(to_pil_image(image), objects)


def _spoilt(photos: dict[str, _Photo]) -> dict[str, _Photo]:
    """Spoil some of ``photos``, and return more that are flaws by being there."""

    def objects(number: int) -> list[Object]:
        found = photos[f"scene_{number:03}"].objects
        assert found
        return found

    name, x0, y0, x1, y1 = objects(3)[0]
    objects(3)[0] = (name, x1, y1, x0, y0)
    name, x0, y0, x1, y1 = objects(24)[0]
    objects(24)[0] = (name, x0, y0, SIDE + 60, y1)
    objects(27).append(("ellipse", 40, 200, 40, 230))
    objects(32).append(("", 20, 20, 90, 90))
    objects(40).clear()
    name, x0, y0, x1, y1 = objects(49)[0]
    objects(49).append((name, x0 + 4, y0 + 2, x1 + 4, y1 + 2))
    photos["scene_060"].declared = 512
    photos["scene_062"].cut_photo = True
    photos["scene_068"].cut_annotation = True
    first, second = photos["scene_000"], photos["scene_016"]
    assert second.picture
    lighter = ImageEnhance.Brightness(second.picture).enhance(1.06)
    return {
        "copy_of_scene_000": _Photo(first.picture, first.objects, held_out=True),
        "scene_016_again": _Photo(lighter, second.objects, quality=60),
        f"scene_{UNLABELLED:03}": _Photo(_drawn(UNLABELLED).picture, None),
        f"scene_{LOST:03}": _Photo(None, _drawn(LOST).objects),
    }
