"""torchvision's detection and segmentation sets by download: Pascal VOC 2007 and 2012, and the Oxford-IIIT pets.

What comes is checked by the checksums that torchvision has for it, unpacked without trusting the names in it, and put
into a form that ``core.data.folder_forms`` knows. Its folders appear when all of it is there.
"""

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from PIL import Image
from torchvision.datasets import OxfordIIITPet
from torchvision.datasets.voc import DATASET_YEAR_DICT

from core.data.archives import SPARE
from core.data.mask_folder import IGNORED, read_mask
from core.downloading import MB, DownloadError, Refusals, Remote, load_remote
from core.i18n import _

MOST_FILES = 200_000  # in one archive
MEMBERS = 500  # files that are unpacked between two reports


@dataclass(frozen=True)
class Download:
    """A set that can be had: its ``title``, its ``archives``, which are tar files, the bytes that it takes when they
    are ``unpacked``, the ``folders`` that it becomes, and what makes them: ``arrange`` takes the folder of what was
    packed and an empty one.
    """

    title: str
    archives: tuple[Remote, ...]
    unpacked: int
    folders: tuple[str, ...]
    arrange: Callable[[Path, Path], Iterator[None]]

    @property
    def size(self) -> int:
        """The bytes that are to be loaded."""
        return sum(archive.size for archive in self.archives)

    def there(self, place: Path) -> bool:
        """Return whether ``place`` has it already."""
        return all((place / name).is_dir() for name in self.folders)


@dataclass(frozen=True)
class Fetched:
    """How far a download is: ``loaded`` bytes; ``whole`` when it is at its end."""

    loaded: int
    whole: bool = False


def fetching(download: Download, place: Path) -> Iterator[Fetched]:
    """Load a set and put its folders into ``place``; closed before its end, it leaves nothing.

    Raises:
        DownloadError: there is no way to it, too little room, or what comes is not what it should be.
    """
    part = place / f".{uuid4().hex}.part"
    packed, made = part / "packed", part / "made"
    try:
        packed.mkdir(parents=True)
        made.mkdir()
        _check_room(download, part)
        before = 0
        for archive in download.archives:
            file = part / "archive"
            for loaded in _load(archive, file):
                yield Fetched(before + loaded)
            before += archive.size
            for _member in _unpack(file, packed, download.unpacked):
                yield Fetched(before)
            file.unlink()
        for _part in download.arrange(packed, made):
            yield Fetched(before)
        for folder in made.iterdir():
            if not (place / folder.name).exists():  # somebody else may have had the same idea
                folder.rename(place / folder.name)
    except PermissionError:
        raise DownloadError(_("The server's folder for data sets cannot be written: ask its owner.")) from None
    except (tarfile.TarError, EOFError, LookupError):
        raise DownloadError(_("What was loaded is not as expected and cannot be unpacked: try again.")) from None
    except OSError:
        raise DownloadError(_("The server's disk cannot take the set: ask its owner.")) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    yield Fetched(download.size, whole=True)


def fetch(name: str, place: Path) -> Iterator[Fetched]:
    """Load the set ``name`` of ``DOWNLOADS``, as ``fetching`` does.

    Raises:
        DownloadError: as ``fetching`` does.
    """
    yield from fetching(DOWNLOADS[name], place)


def _check_room(download: Download, folder: Path) -> None:
    needed = download.size + download.unpacked
    free = shutil.disk_usage(folder).free - SPARE
    if free < needed:
        sentence = _("The set needs {needed:,} MB of the server's disk, and {free:,} MB are left: ask its owner.")
        raise DownloadError(sentence.format(needed=needed // MB, free=max(0, free // MB)))


def _load(archive: Remote, file: Path) -> Iterator[int]:
    refusals = Refusals(
        unreachable=_("{host} cannot be reached: this server may be offline. Its owner can put data sets into data/."),
        other=_("What {host} sent is not the set: its checksum differs. Try again later."),
        disk=_("The server's disk cannot take the set: ask its owner."),
    )
    return load_remote(archive, file, refusals)


def _unpack(file: Path, folder: Path, most: int) -> Iterator[None]:
    """Unpack the plain files of a tar ``file``, of at most ``most`` bytes in all, below ``folder``."""
    unpacked = 0
    with tarfile.open(file) as archive:
        for number, member in enumerate(archive):
            unpacked += member.size
            if unpacked > most or number > MOST_FILES:
                raise tarfile.TarError("more than the set has")
            name = os.path.basename(member.name)
            if member.isfile() and not name.startswith("."):
                archive.extract(member, folder, filter="data")
            if number % MEMBERS == 0:
                yield


# ---- in forms that are known here ----


def _voc(year: str, size: int, unpacked: int) -> Download:
    known = DATASET_YEAR_DICT[year]
    name = f"voc{year}"

    def arrange(packed: Path, made: Path) -> Iterator[None]:
        shutil.move(packed / known["base_dir"], made / name)
        yield

    archive = Remote(known["url"], size, "md5", known["md5"])
    return Download(f"Pascal VOC {year}", (archive,), unpacked, (name,), arrange)


PETS = ("oxford-iiit-pet", "oxford-iiit-pet-breeds")


def _arrange_pets(packed: Path, made: Path) -> Iterator[None]:
    """Make two sets: pets with masks, of class 1 for cats and 2 for dogs, and one folder a breed.

    The photos of both are the same files. Of the trimaps, 1 is the pet, 2 what is behind it, and 3 the seam.
    """
    masks, breeds = (made / name for name in PETS)
    for folder in ("images", "labels", "ImageSets"):
        (masks / folder).mkdir(parents=True)
    listed = [line.split() for line in (packed / "annotations" / "list.txt").read_text("utf-8").splitlines()]
    species = {line[0]: int(line[2]) for line in listed if len(line) == 4 and line[0] != "#"}
    for split, file in (("train", "trainval"), ("val", "test")):
        lines = (packed / "annotations" / f"{file}.txt").read_text("utf-8").splitlines()
        names = [line.split()[0] for line in lines if line]
        (masks / "ImageSets" / f"{split}.txt").write_text("\n".join(names) + "\n", "utf-8")
        for number, name in enumerate(names):
            photo, breed = packed / "images" / f"{name}.jpg", breeds / split / name.rsplit("_", 1)[0]
            breed.mkdir(parents=True, exist_ok=True)
            os.link(photo, breed / photo.name)
            photo.rename(masks / "images" / photo.name)
            trimap = read_mask(packed / "annotations" / "trimaps" / f"{name}.png")
            labels = np.array([0, species[name], 0, IGNORED], np.uint8)[np.clip(trimap, 0, 3)]
            Image.fromarray(labels).save(masks / "labels" / f"{name}.png")
            if number % MEMBERS == 0:
                yield


def _pets() -> Download:
    archives = tuple(
        Remote(url, size, "md5", md5)
        for (url, md5), size in zip(OxfordIIITPet._RESOURCES, (791_918_971, 19_173_078), strict=True)
    )
    return Download("Oxford-IIIT Pet", archives, 900 * MB, PETS, _arrange_pets)


DOWNLOADS = {
    "voc2007": _voc("2007", 460_032_000, 600 * MB),
    "voc2012": _voc("2012", 1_999_639_040, 2_300 * MB),
    "pets": _pets(),
}
