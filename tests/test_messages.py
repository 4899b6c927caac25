"""The catalogues hold every sentence of the app, translated as it stands."""

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Message

from core.i18n import ENGLISH, LANGUAGES
from core.messages import said, translated

TRANSLATED = [name for name in LANGUAGES if name != ENGLISH]

PLACEHOLDER = re.compile(r"\{[^{}]*\}")
MARKS = {
    "code": re.compile(r"`[^`]*`"),
    "bold": re.compile(r"\*\*"),
    "icon": re.compile(r":material/\w+:"),
    "space around": re.compile(r"^\s+|\s+$"),
    "line break": re.compile(r"\n"),
}
LATIN = re.compile(r"[A-Za-z][A-Za-z_]+")
# A particle whose form depends on how the word before it ends: nobody knows what a placeholder will end in.
BOUND_PARTICLE = re.compile(r"\}(은|는|이|가|을|를|과|와|으로|로|이나|나|아|야)(?![가-힣])")

# What is called by these letters in Korean too.
NAMES = """
ABO AP Adam AdamW AlexNet Alt Annotations Argmax Bodla CNN CPU CSV Chainer Csurka Ctrl DataLoader EfficientNet FCN
False Fast Faster GB GELU GFLOPs GIF GPU HSV HTML IU ImageNet ImageSets IoU JPEG JPEGImages JSON Lab Li Lite MB Mac Mask
NMS None Odena PNG PyTorch QR RMSProp RPN ReLU RoI RoIAlign SGD SPP SPPNet SSD SVD SVG SVM Shift Slim
TORCH_HOME TensorBoard TensorFlow Titan Tokui True VGG VISIBLE_VISION_DATA VOC Visible Vision WebP YOLO bed
coord mm ms nails noobj of px rg
"""
CODE = """
all and any arange autograd backward bmm bool by cat clone collate compile cond contiguous conv copy core cos
csv dHash data define detach dict dot drop_last dtype dx dy einsum exp expand export fc flatten flip float
flop_counter from_numpy grad head hub ij ik images import inf instances int item jk labels linear ln log long loss
mAP matmul mean model mv nan ndim nll no_grad numpy optimizer out pickle png python randn relu requires_grad
reshape resume retain_graph run safetensors save_file scale scenes shuffle sin softmax squeeze stack state
state_dict step sum tanh tensor to torch torchvision train tv txt unsqueeze utils view weight weights xml xy
zero_grad zeros zip
"""  # of Python, PyTorch and files
TERMS = {*NAMES.split(), *CODE.split()}


def forms(words: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """The forms of a sentence: one, or one for each number."""
    return (words,) if isinstance(words, str) else tuple(words or ())


def messages(language: str) -> Iterator[Message]:
    return (message for message in translated(language) if message.id)


@pytest.fixture(params=TRANSLATED)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.slow
def test_the_search_for_sentences_finds_all_kinds() -> None:
    catalogue = said()
    for sentence in ("Non-maximum suppression", "ellipse", "Spatial pyramid pooling", "Detecting ...", "Detector"):
        assert catalogue.get(sentence) is not None, sentence


@pytest.mark.slow
def test_every_sentence_is_translated(language: str) -> None:
    catalogue = translated(language)
    missing = []
    for message in said():
        known = catalogue.get(message.id) if message.id else message
        if message.id and (known is None or not all(forms(known.string)) or known.fuzzy):
            missing.append(f"{message.locations[0][0]}: {message.id}")
    assert not missing, f"run python -m core.messages, and translate: {missing}"


@pytest.mark.slow
def test_nothing_is_translated_that_nobody_says(language: str) -> None:
    catalogue = said()
    idle = [message.id for message in messages(language) if catalogue.get(message.id) is None]
    assert not idle, f"run python -m core.messages: {idle}"


def test_a_translation_has_the_placeholders_and_marks_of_its_sentence(language: str) -> None:
    wrong = []
    for message in messages(language):
        for words in forms(message.string):
            for sentence in forms(message.id)[-1:]:
                if sorted(PLACEHOLDER.findall(words)) != sorted(PLACEHOLDER.findall(sentence)):
                    wrong.append(f"placeholders: {sentence}")
                for name, mark in MARKS.items():
                    if sorted(mark.findall(words)) != sorted(mark.findall(sentence)):
                        wrong.append(f"{name}: {sentence}")
    assert not wrong


def test_korean_is_korean() -> None:
    """No Latin words but the field's own, and no particle that hangs on a placeholder."""
    wrong = []
    for message in messages("ko"):
        for words in forms(message.string):
            plain = PLACEHOLDER.sub("", MARKS["icon"].sub("", MARKS["code"].sub("", words)))
            foreign = set(LATIN.findall(plain)) - TERMS
            if foreign:
                wrong.append(f"{foreign}: {words}")
            if BOUND_PARTICLE.search(words):
                wrong.append(f"particle: {words}")
    assert not wrong
