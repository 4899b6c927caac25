"""Networks from descriptions: read, built as PyTorch builds them, or refused in a sentence."""

import pytest
import torch
from torch import nn

from core.autograd.blocks import KINDS, MOST_PARAMETERS, Block, BlockError, Built, build, expect_scores, parse

IMAGE = (1, 8, 8)
EVERYTHING = (
    "conv 4 5, batch_norm, relu, max_pool 2, conv 6, gelu, avg_pool, flatten, linear 12, batch_norm, tanh, "
    "dropout 0.25, linear 8 frozen, sigmoid, linear 3"
)


def built(description: str, shape: tuple[int, ...] = IMAGE, seed: int = 0) -> Built:
    return build(parse(description), shape, seed)


def test_a_description_is_read_with_its_defaults() -> None:
    assert parse("Conv, conv 3 5 , linear 7 frozen,, dropout 0.1,relu") == [
        Block("conv", (8, 3)),
        Block("conv", (3, 5)),
        Block("linear", (7,), frozen=True),
        Block("dropout", (0.1,)),
        Block("relu"),
    ]


def test_what_is_read_can_be_written_and_read_again() -> None:
    blocks = parse(EVERYTHING.replace(", linear 3", ""))
    assert parse(", ".join(map(str, blocks))) == blocks
    assert str(Block("linear", (7.0,), frozen=True)) == "linear 7 frozen"


@pytest.mark.parametrize(
    ("description", "block", "words"),
    [
        ("  , ", None, "no block yet"),
        ("relu," * 15, None, "at most 14"),
        ("relu, dense 3", 1, "Block 2, dense 3: there is no such block; there are conv, linear"),
        ("linear 3 4", 0, "takes 1 numbers at most, here are 2"),
        ("relu 2", 0, "takes 0 numbers at most"),
        ("linear many", 0, "many is to be a whole number from 1 to 256"),
        ("linear 2.5", 0, "2.5 is to be a whole number"),
        ("linear nan", 0, "nan is to be"),
        ("linear 1e9", 0, "1e9 is to be"),
        ("conv 0", 0, "from 1 to 32"),
        ("dropout 1", 0, "a number from 0 to 0.95"),
        ("__import__('os')", 0, "there is no such block"),
    ],
)
def test_a_bad_description_says_which_block_and_why(description: str, block: int | None, words: str) -> None:
    with pytest.raises(BlockError, match=words.replace("(", r"\(")) as error:
        parse(description)
    assert error.value.block == block


@pytest.mark.parametrize(
    ("description", "block", "words"),
    [
        (
            "linear 4",
            0,
            "Block 1, linear 4: it gets a map of 1 x 8 x 8, and needs numbers in a row: put flatten",
        ),
        ("flatten, conv 4", 1, "Block 2, conv 4 3: it gets 64 numbers, and needs a map"),
        ("flatten, max_pool 2", 1, "it gets 64 numbers, and needs a map"),
        ("max_pool 4, avg_pool 3", 1, "it gets a map of 1 x 2 x 2, smaller than its window of 3 x 3"),
        ("conv 4 2", 0, "odd side"),
        ("flatten, linear 256, linear 256", 2, f"more than {MOST_PARAMETERS} parameters"),
    ],
)
def test_blocks_that_do_not_fit_say_what_they_got_and_what_they_need(description: str, block: int, words: str) -> None:
    with pytest.raises(BlockError, match=words) as error:
        built(description)
    assert error.value.block == block


def test_a_network_of_every_kind_of_block_runs_and_is_as_it_was_described() -> None:
    description = EVERYTHING.replace(", linear 3", "").replace("batch_norm, tanh", "tanh")
    network = built(description)
    assert {block.kind for block in parse(description)} == set(KINDS)
    values = torch.randn(5, *IMAGE)
    modules = dict(network.network.named_modules())
    for name, shape in zip(network.names, network.shapes, strict=True):
        values = modules[name](values)
        assert values.shape[1:] == shape, name
    assert network.names[0] == "features.0" and network.names[-1] == "head.5"


def test_the_weights_are_pytorchs_own_and_a_seed_gives_them_again() -> None:
    torch.manual_seed(3)
    twin = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    state = torch.random.get_rng_state()
    one, again, other = (built("linear 6, relu, linear 2", (4,), seed).network for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state), "building must not disturb other random numbers"
    for mine, same, theirs, another in zip(*(n.parameters() for n in (one, again, twin, other)), strict=True):
        assert torch.equal(mine, same) and torch.equal(mine, theirs) and not torch.equal(mine, another)


def test_running_statistics_begin_with_the_first_batch() -> None:
    network = built("batch_norm, flatten, linear 3").network
    assert network.get_buffer("features.0.num_batches_tracked") == 0


def test_the_end_has_to_score_the_classes() -> None:
    expect_scores(built("flatten, linear 3"), 3)
    with pytest.raises(BlockError, match=r"ends with 5 numbers, and cross-entropy needs 3 .* end with linear 3"):
        expect_scores(built("flatten, linear 5"), 3)
    with pytest.raises(BlockError, match=r"ends with 2 x 8 x 8.*end with flatten, linear 3"):
        expect_scores(built("conv 2"), 3)
    with pytest.raises(BlockError, match="No parameter can be trained"):
        expect_scores(built("flatten, linear 3 frozen"), 3)
