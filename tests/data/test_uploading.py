"""From a zip file to batches, as a page goes: unpacked, checked, cleaned, read, transformed and collated."""

import io
import zipfile
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from core.data import read_voc
from core.data.archives import unpack
from core.data.checking import check_folder
from core.data.class_folder import ClassFolder
from core.data.cleaned import write_cleaned
from core.data.epochs import collate_detection
from core.data.flaws import KINDS
from core.data.folder_forms import read_folder
from core.data.mask_folder import MaskFolder
from core.data.transforms import Transformed
from core.data.voc_folder import VOCFolder
from tests.data.flawed_folders import write
from tests.data.written_folders import thing


def test_a_flawed_archive_becomes_batches(tmp_path: Path) -> None:
    for number in range(7):
        write(tmp_path / "set", f"{number}", *[thing("dog", 1, 2, 20, 12 + n) for n in range(number)])
    write(tmp_path / "set", "flawed", thing("dog", 9, 9, 9, 9), thing("cat", 20, 20, 90, 90))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*")):
            archive.write(path, path.relative_to(tmp_path / "set"))
    (tmp_path / "work").mkdir()
    with unpack(file, tmp_path / "work") as unpacked:
        report = check_folder(unpacked.folder)
        assert {"no_area", "outside", "no_objects"} <= set(report.flaws) <= set(KINDS)
        clean = write_cleaned(report, unpacked.folder.with_name("clean"))
        dataset: VOCFolder | MaskFolder | ClassFolder = read_folder(clean)
        assert isinstance(dataset, VOCFolder) and dataset.notes == () and len(dataset) == 8
        assert len(read_voc(clean, "train")) + len(read_voc(clean, "val")) == 8
        steps: list[dict[str, object]] = [
            {"name": "flip", "p": 1},
            {"name": "resize", "side": 32},
            {"name": "to_float"},
        ]
        batches = list(DataLoader(Transformed(dataset, steps), 4, collate_fn=collate_detection))
    assert list((tmp_path / "work").iterdir()) == []
    assert [images.shape for images, _targets in batches] == [(4, 3, 32, 32)] * 2
    counts = [len(target["boxes"]) for _images, targets in batches for target in targets]
    assert counts == [0, 1, 2, 3, 4, 5, 6, 1] and counts == [
        len(target["labels"]) for _images, targets in batches for target in targets
    ]
    (last,) = batches[1][1][3]["boxes"]
    assert torch.allclose(last, torch.tensor([0, 19 * 32 / 40, 41 * 32 / 60, 32])), "cut at the edges, then flipped"
