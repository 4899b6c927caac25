"""Sets by download, from a server on this machine: whole, offline, broken off, wrong, hostile, cancelled."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core import downloading
from core.data.class_folder import ClassFolder
from core.data.downloads import DOWNLOADS, PETS, Download, fetching
from core.data.folder_forms import read_folder
from core.data.mask_folder import MaskFolder
from core.data.voc_folder import read_voc
from core.downloading import MB, DownloadError, Remote
from tests.data.flawed_folders import photo
from tests.data.written_folders import thing
from tests.local_server import serving

Files = dict[str, bytes]
Publish = Callable[..., Remote]


def tar(files: Files, way: str = "w", *more: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=way) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info)
    return packed.getvalue()


def image(picture: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def voc_files() -> Files:
    files = {
        "VOCdevkit/VOC2007/ImageSets/Main/train.txt": b"1\n2\n",
        "VOCdevkit/VOC2007/ImageSets/Main/val.txt": b"3\n",
    }
    for number in range(1, 4):
        text = f"<annotation><filename>{number}.jpg</filename>{thing('dog', 1, 2, 20, 30)}</annotation>"
        files[f"VOCdevkit/VOC2007/Annotations/{number}.xml"] = text.encode()
        files[f"VOCdevkit/VOC2007/JPEGImages/{number}.jpg"] = image(photo(number), "JPEG")
    return files


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between these tests and this machine's own server."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def publish() -> Iterator[Publish]:
    """Let a server on this machine have an archive; ``cut`` bytes of it are announced and never sent."""
    with serving() as serve:

        def published(content: bytes, cut: int = 0, md5: str = "") -> Remote:
            return Remote(serve(content, cut=cut), len(content), "md5", md5 or hashlib.md5(content).hexdigest())

        yield published


def voc(*archives: Remote) -> Download:
    return replace(DOWNLOADS["voc2007"], archives=archives, unpacked=10 * MB)


def refusal(download: Download, place: Path) -> str:
    """Return the sentence of the refusal, after which nothing may be left."""
    with pytest.raises(DownloadError) as error:
        list(fetching(download, place))
    assert list(place.iterdir()) == []
    assert str(error.value).endswith(".") and str(place) not in str(error.value)
    return str(error.value)


def test_voc_arrives_whole_and_says_how_far_it_is(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "CHUNK", 1000)
    download = voc(publish(tar(voc_files())))
    events = list(fetching(download, tmp_path))
    loaded = [event.loaded for event in events]
    assert loaded == sorted(loaded) and len(set(loaded)) > 5 and loaded[-1] == download.size
    assert [event.whole for event in events].index(True) == len(events) - 1
    assert [path.name for path in tmp_path.iterdir()] == ["voc2007"] and download.there(tmp_path)
    assert len(read_voc(tmp_path / "voc2007", "train")) == 2 and len(read_voc(tmp_path / "voc2007", "val")) == 1
    list(fetching(download, tmp_path))  # a second time it is there already
    assert [path.name for path in tmp_path.iterdir()] == ["voc2007"]


def pet_files() -> tuple[Files, Files]:
    photos, notes = {}, {}
    listed = "#Image CLASS-ID SPECIES BREED ID\n#more\n"
    trimap = np.full((40, 60), 2, np.uint8)
    trimap[10:30, 10:40], trimap[9, 10:40] = 1, 3
    names = {"Bengal_1": 1, "Bengal_2": 1, "great_dane_1": 2, "great_dane_2": 2}
    for number, (name, species) in enumerate(names.items()):
        photos[f"images/{name}.jpg"] = image(photo(number), "JPEG")
        notes[f"annotations/trimaps/{name}.png"] = image(Image.fromarray(trimap), "PNG")
        notes[f"annotations/trimaps/._{name}.png"] = b"clutter"
        listed += f"{name} 1 {species} 1\n"
    notes["annotations/list.txt"] = listed.encode()
    notes["annotations/trainval.txt"] = b"Bengal_1 1 1 1\ngreat_dane_1 1 2 1\n"
    notes["annotations/test.txt"] = b"Bengal_2 1 1 1\ngreat_dane_2 1 2 1\n"
    return photos, notes


def test_the_pets_become_a_set_with_masks_and_one_of_breeds(publish: Publish, tmp_path: Path) -> None:
    archives = tuple(publish(tar(files, "w:gz")) for files in pet_files())
    list(fetching(replace(DOWNLOADS["pets"], archives=archives), tmp_path))
    masks, breeds = (read_folder(tmp_path / name, "train") for name in PETS)
    assert isinstance(masks, MaskFolder) and masks.names == ("Bengal_1", "great_dane_1")
    assert [masks[index][1]["labels"].tolist() for index in range(2)] == [[1], [2]], "cat, dog"
    target = masks[0][1]
    assert target["boxes"].tolist() == [[10, 10, 40, 30]] and int(target["masks"].sum()) == 600
    assert isinstance(breeds, ClassFolder) and breeds.classes == ("Bengal", "great_dane")
    assert torch.equal(breeds[1][0], masks[1][0]) and breeds[1][1] == 1
    assert read_folder(tmp_path / PETS[1], "val").names == (
        "val/Bengal/Bengal_2.jpg",
        "val/great_dane/great_dane_2.jpg",
    )


def test_offline_is_one_sentence(tmp_path: Path) -> None:
    nobody = Remote("http://127.0.0.1:9/set.tar", 1000, "md5", "0" * 32)
    assert "127.0.0.1 cannot be reached: this server may be offline" in refusal(voc(nobody), tmp_path)


def test_a_connection_that_breaks_off_is_one_sentence(publish: Publish, tmp_path: Path) -> None:
    assert "broke off: try again" in refusal(voc(publish(tar(voc_files()), cut=500)), tmp_path)


def test_another_file_is_refused_by_its_checksum(publish: Publish, tmp_path: Path) -> None:
    assert "its checksum differs" in refusal(voc(publish(tar(voc_files()), md5="0" * 32)), tmp_path)


def test_what_is_no_set_is_refused(publish: Publish, tmp_path: Path) -> None:
    assert "not as expected" in refusal(voc(publish(b"no archive")), tmp_path)
    assert refusal(voc(publish(tar({"words.txt": b"x"}))), tmp_path)
    large = replace(voc(publish(tar(voc_files()))), unpacked=1000)
    assert "not as expected" in refusal(large, tmp_path)


@pytest.mark.parametrize("name", ["../outside.jpg", "/tmp/dp_outside.jpg"])
def test_names_that_lead_out_are_not_followed(publish: Publish, tmp_path: Path, name: str) -> None:
    place = tmp_path / "below" / "place"
    place.mkdir(parents=True)
    with pytest.raises(DownloadError):
        list(fetching(voc(publish(tar({**voc_files(), f"../../{name}": b"x"}))), place))
    assert [path.name for path in tmp_path.rglob("*")] == ["below", "place"]
    assert not Path("/tmp/dp_outside.jpg").exists()


def test_links_are_left_out(publish: Publish, tmp_path: Path) -> None:
    link = tarfile.TarInfo("VOCdevkit/VOC2007/JPEGImages/4.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    list(fetching(voc(publish(tar(voc_files(), "w", link))), tmp_path))
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_one_that_is_cancelled_leaves_nothing(publish: Publish, tmp_path: Path) -> None:
    events = fetching(voc(publish(tar(voc_files()))), tmp_path)
    next(events)
    assert list(tmp_path.iterdir()) != []
    events.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    huge = replace(voc(Remote("http://127.0.0.1:9/set.tar", 10**18, "md5", "")))
    assert "needs 1,000,000,000,010 MB" in refusal(huge, tmp_path)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match="disk cannot take"):
        list(fetching(voc(), tmp_path / "file"))


def test_the_sets_are_torchvisions() -> None:
    assert {name: one.title for name, one in DOWNLOADS.items()} == {
        "voc2007": "Pascal VOC 2007",
        "voc2012": "Pascal VOC 2012",
        "pets": "Oxford-IIIT Pet",
    }
    assert all(
        archive.url.startswith("https://") and len(archive.digits) == 32
        for one in DOWNLOADS.values()
        for archive in one.archives
    )
