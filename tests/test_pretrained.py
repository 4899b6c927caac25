"""Trained trunks: found by their files, checked by their sums, cut out of torchvision's networks unchanged."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torchvision import models

from core import pretrained
from core.checkpoint import CheckpointError
from core.downloading import DownloadError
from core.pretrained import PRETRAINED, at_hand, fetching, trained
from tests.local_server import serving

IMAGES = torch.randint(256, (2, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """A folder of torch.hub's, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def publish(monkeypatch, folder, name, weights):
    """Put ``weights`` into ``folder`` as torchvision would have published them; return the file."""
    beside = folder / "beside"
    torch.save(weights, beside)
    digest = hashlib.sha256(beside.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(PRETRAINED, name, replace(PRETRAINED[name], url=f"https://nowhere.test/{name}-{digest}.pth"))
    return beside.rename(PRETRAINED[name].file)


@pytest.mark.parametrize(
    ("name", "file", "weights"),
    [
        ("alexnet", "alexnet-owt-7be5be79.pth", models.AlexNet_Weights.IMAGENET1K_V1),
        ("resnet18", "resnet18-f37072fd.pth", models.ResNet18_Weights.IMAGENET1K_V1),
        ("mobilenet_v3_small", "mobilenet_v3_small-047dcff4.pth", models.MobileNet_V3_Small_Weights.IMAGENET1K_V1),
    ],
)
def test_files_are_torchvisions(hub, name, file, weights) -> None:
    kind = PRETRAINED[name]
    assert kind.url == weights.url
    assert kind.file == hub / file
    assert file.endswith(f"{kind.digest}.pth") and len(kind.digest) == 8
    assert kind.megabytes == pytest.approx(weights.meta["_file_size"] * 2**20 / 1e6, abs=0.06)


def test_what_comes_with_the_app_is_always_at_hand_and_the_others_where_their_files_are(hub) -> None:
    assert at_hand() == ("lite0", "slim")
    PRETRAINED["resnet18"].file.touch()
    assert at_hand() == ("lite0", "slim", "resnet18")


def test_our_trunk_comes_trained() -> None:
    torch.manual_seed(0)
    fresh, ready = PRETRAINED["slim"].build().state_dict(), trained("slim").state_dict()
    assert fresh.keys() == ready.keys()
    assert not torch.equal(fresh["0.weight"], ready["0.weight"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "resnet18", "mobilenet_v3_small"])
def test_a_trunk_is_torchvisions_network_up_to_the_pooling(hub, monkeypatch, name) -> None:
    torch.manual_seed(0)
    network = models.get_model(name).eval()
    publish(monkeypatch, hub, name, network.state_dict())
    trunk = trained(name).eval()
    pictures = models.get_model_weights(name).DEFAULT.transforms(crop_size=128, resize_size=128)(IMAGES)
    seen = []
    layer = {"alexnet": "features.11", "resnet18": "layer4", "mobilenet_v3_small": "features"}[name]
    network.get_submodule(layer).register_forward_hook(lambda _layer, _inputs, outputs: seen.append(outputs))
    with torch.inference_mode():
        network(pictures)
        maps = trunk(IMAGES)
    assert maps.shape[1] == PRETRAINED[name].build().channels
    torch.testing.assert_close(maps, seen[0], atol=1e-4, rtol=1e-4)


def test_what_is_missing_or_not_torchvisions_is_named_in_a_sentence(hub, monkeypatch) -> None:
    with pytest.raises(CheckpointError, match="not on this server: download them, or put resnet18-f37072fd"):
        trained("resnet18")
    file = publish(monkeypatch, hub, "resnet18", {"conv1.weight": torch.zeros(64, 3, 7, 7)})
    with pytest.raises(CheckpointError, match="does not hold the weights that torchvision published"):
        trained("resnet18")
    file.write_bytes(file.read_bytes() + b"more")
    monkeypatch.setattr(torch, "load", lambda *_args, **_kinds: pytest.fail("read a file of another sum"))
    with pytest.raises(CheckpointError, match="remove it and download it again"):
        trained("resnet18")


class Harmful:
    def __reduce__(self):
        return os.mkdir, (os.environ["TORCH_HOME"] + "/harm",)


def test_no_pickle_is_run(hub, monkeypatch, tmp_path) -> None:
    publish(monkeypatch, hub, "resnet18", Harmful())
    with pytest.raises(CheckpointError, match="does not hold the weights"):
        trained("resnet18")
    assert not (tmp_path / "harm").exists()


def test_a_sum_is_taken_once_and_again_when_the_file_changes(hub, monkeypatch) -> None:
    file = publish(monkeypatch, hub, "resnet18", {})
    kind = PRETRAINED["resnet18"]
    assert pretrained.is_published(kind, file)
    before = pretrained._sum.cache_info().hits
    assert pretrained.is_published(kind, file)
    assert pretrained._sum.cache_info().hits == before + 1
    file.write_bytes(b"other")
    assert not pretrained.is_published(kind, file)


# ---- downloads ----


@pytest.fixture
def publish_page(monkeypatch):
    """Let a server on this machine publish a page as ResNet-18's weights; return where they are to be kept."""
    monkeypatch.setenv("no_proxy", "*")
    with serving() as serve:

        def published(page: bytes, digest: str = "") -> Path:
            name = f"resnet18-{digest or hashlib.sha256(page).hexdigest()[:8]}.pth"
            kind = replace(PRETRAINED["resnet18"], url=serve(page, name), megabytes=max(len(page), 1) / 1e6)
            monkeypatch.setitem(PRETRAINED, "resnet18", kind)
            return kind.file

        yield published


def test_weights_are_downloaded_to_where_they_are_found(hub, publish_page) -> None:
    torch.manual_seed(0)
    beside = hub / "beside"
    network = models.resnet18()
    torch.save(network.state_dict(), beside)
    page = beside.read_bytes()
    beside.unlink()
    file = publish_page(page)
    counts = list(fetching("resnet18"))
    assert counts[0] == 0 and counts[-1] == len(page) and counts == sorted(counts) and len(counts) > 10
    assert [one.name for one in hub.iterdir()] == [file.name]
    assert at_hand() == ("lite0", "slim", "resnet18")
    assert torch.equal(trained("resnet18").state_dict()["0.weight"], network.conv1.weight)


def test_what_is_not_as_published_is_not_kept(hub, publish_page) -> None:
    publish_page(bytes(10**5), digest="0123abcd")
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1 sent is not what torchvision published"):
        list(fetching("resnet18"))
    assert list(hub.iterdir()) == []


def test_offline_is_said_in_a_sentence(hub, monkeypatch) -> None:
    monkeypatch.setitem(
        PRETRAINED, "resnet18", replace(PRETRAINED["resnet18"], url="http://127.0.0.1:9/resnet18-01234567.pth")
    )
    monkeypatch.setenv("no_proxy", "*")
    file = PRETRAINED["resnet18"].file
    with pytest.raises(DownloadError, match="cannot be reached: this server may be offline") as error:
        list(fetching("resnet18"))
    assert file.name in str(error.value)
    assert str(file.parent) not in str(error.value), "where it lies is the server's own business"
    assert list(hub.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="disk cannot take the weights"):
        list(fetching("resnet18"))
