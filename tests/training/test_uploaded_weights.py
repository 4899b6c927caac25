"""Weights from nobody knows where: read with what they say of themselves, or refused in a sentence."""

import pickle
import struct

import pytest
import torch
from safetensors.torch import save

from core.checkpoint import CheckpointError
from core.training import uploaded_weights
from core.training.uploaded_weights import packed, read_upload

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3)}


def test_a_file_says_which_model_it_is_of() -> None:
    data = save(WEIGHTS, {"model": "yolo", "classes": '["background", "cell"]'})
    weights = read_upload("my weights.safetensors", data)
    assert torch.equal(weights.tensors["a.weight"], WEIGHTS["a.weight"])
    assert (weights.title, weights.model, weights.classes) == ("my_weights.safetensors", "yolo", ("background", "cell"))
    again = read_upload("again.safetensors", packed(weights))
    assert again.classes == weights.classes and torch.equal(again.tensors["a.weight"], WEIGHTS["a.weight"])
    assert read_upload("plain.safetensors", packed(read_upload("b.safetensors", save(WEIGHTS)))).model == ""


@pytest.mark.parametrize("classes", ["", "[", "[]", "{}", "3", "[" * 100_000, '["' + "x" * 500 + '"]'])
def test_strange_classes_are_none_or_short(classes: str) -> None:
    found = read_upload("a.safetensors", save(WEIGHTS, {"model": "yolo", "classes": classes})).classes
    assert len(found) <= 1 and all(len(name) <= 60 for name in found)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("weights.pt", b""),
        ("weights.PTH", b"anything"),
        ("weights.safetensors", pickle.dumps({"a": 1})),
        ("weights.txt", pickle.dumps({"a": 1})),
        ("weights.safetensors", b"PK\x03\x04 what torch.save writes"),
    ],
)
def test_pickles_are_refused_with_the_reason(name: str, data: bytes) -> None:
    with pytest.raises(CheckpointError, match="is a pickle file, which can run any program when it is opened"):
        read_upload(name, data)


WHOLE = save(WEIGHTS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        WHOLE[:7],
        WHOLE[:40],
        WHOLE[:-1],
        WHOLE + b"more",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**8 + 1) + b"{" * 1000,
        struct.pack("<Q", 2) + b"{}" + b"rest",
        struct.pack("<Q", 64) + b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4]}}  ' + bytes(4),
        b"GIF89a is a picture",
    ],
)
def test_what_is_damaged_or_hostile_is_a_sentence_without_a_path(data: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"^evil\.safetensors is damaged, or no safetensors file\.$"):
        read_upload("../../../etc/evil.safetensors", data)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/", "\\..\\", "\0", "a" * 5000, "<script>.safetensors", "한글.safetensors"]
)
def test_every_name_will_do(name: str) -> None:
    title = read_upload(name, WHOLE).title
    assert 0 < len(title) <= 60 and not set(title) & set("/\\<>\0")


def test_too_large_a_file_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_weights, "MOST_BYTES", 10)
    with pytest.raises(CheckpointError, match="more than 0 MB"):
        read_upload("a.safetensors", WHOLE)
