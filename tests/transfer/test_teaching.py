"""Things taught by a few pictures each: what is refused is said, and nothing that was taken is lost by it."""

import pytest
import torch

from core.data.photos import photo
from core.imagenet import load, named
from core.transfer import teaching
from core.transfer.teaching import MOST, Shot, TeachingError, Things, check_names, learn, shots_of


def shots(kind: int, count: int) -> list[Shot]:
    """Pictures that look alike, of a thing that looks like no other."""
    features = torch.rand(count, 12, generator=torch.Generator().manual_seed(kind)) / 4
    features[:, kind] += 2
    return [Shot(feature, torch.zeros(3, 64, 64, dtype=torch.uint8)) for feature in features]


def things(*counts: int) -> Things:
    made = Things()
    for thing, count in enumerate(counts):
        made = made.with_shots(thing, shots(thing, count))
    return made


def test_what_is_shown_again_is_known() -> None:
    taught = learn(things(10, 10, 10))
    for thing in range(3):
        answer = taught.answer(shots(thing, 11)[-1])
        assert max(answer, key=lambda number: answer[number]) == thing
        assert sum(answer.values()) == pytest.approx(1, abs=1e-5)
    assert taught.rightly == 30 and 0 < taught.seconds < 1


def test_a_thing_without_pictures_is_no_answer() -> None:
    taught = learn(things(3, 0, 4))
    assert taught.things == (0, 2) and taught.answer(shots(2, 1)[0]).keys() == {0, 2}
    assert taught.rightly == 7


def test_one_picture_of_each_is_learnt_but_not_measured() -> None:
    taught = learn(things(1, 1))
    assert taught.rightly is None and taught.answer(shots(1, 1)[0])[1] > 0.5


def test_what_cannot_be_told_apart_is_not_said_to_be() -> None:
    alike = Things().with_shots(0, shots(0, 10)).with_shots(1, shots(0, 10))
    assert learn(alike).rightly == 10, "half of them, as by chance"


@pytest.mark.parametrize("counts", [(), (5,), (0, 0, 2)])
def test_one_thing_alone_is_nothing_to_learn(counts: tuple[int, ...]) -> None:
    with pytest.raises(TeachingError, match="Take pictures of two things or more"):
        learn(things(*counts))


def test_pictures_come_and_go_by_thing() -> None:
    some = things(2, 3, 1)
    assert [len(one) for one in some.without_last(1).shots] == [2, 2, 1]
    assert some.without_last(1).shots[1] == some.shots[1][:2]
    assert things().without_last(0) == things()
    assert [len(one) for one in some.shots] == [2, 3, 1], "what was handed out stays as it was"


def test_enough_is_enough() -> None:
    full = things(MOST)
    with pytest.raises(TeachingError, match=f"{MOST} pictures of a thing are enough"):
        full.with_shots(0, shots(0, 1))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("Cup", " ", "Pen"), "Thing 2 has no name"),
        (("Cup", "Pen", " cup "), "Two things are called cup: give one"),
        (("Red  cup", "red cup", "Pen"), "Two things are called red cup"),
    ],
)
def test_each_thing_has_a_name_of_its_own(names: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(TeachingError, match=sentence):
        check_names(names)


def test_names_that_differ_are_fine() -> None:
    check_names(("컵", "손", "Nothing"))


def test_features_are_those_of_the_shared_trunk_and_a_person_needs_little_memory() -> None:
    wide = photo("chelsea")[:, :300, :450]
    first, second = shots_of([wide, wide[:, :, 75:375]])
    torch.testing.assert_close(first.feature, second.feature, msg="the middle is looked at")
    guesses = {one.name for one in named(first.feature)}
    assert guesses & {"tabby", "tiger cat", "Egyptian cat"}
    assert load() is load(), "there is one for all"
    size = sum(part.untyped_storage().nbytes() for part in (first.feature, first.pixels))
    assert 30 * size < 700_000
    assert first.pixels.shape == (3, teaching.SHOWN, teaching.SHOWN) and first.feature.shape == (1280,)
