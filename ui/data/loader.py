"""What a DataLoader does: its order, batches and workers, its speed, and why it needs a collate function."""

from typing import TypedDict

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.epochs import epoch_order
from core.data.sources import Opened
from core.data.transforms import Description
from core.faults import UserError
from core.figures.data import epochs_data, same_places, tiles
from core.figures.sent.data import EpochData
from core.i18n import _
from ui.data.batches import show_collate, show_speed
from ui.kit.component import component


class LoaderData(TypedDict):
    """Epochs, the samples as tiles side by side in one picture, and words."""

    epochs: list[EpochData]
    tiles: str
    samples: int
    words: dict[str, str]


_component = component("data/loader", LoaderData, "data/parts")

MOST_SHOWN = 96  # samples
MOST_BATCH, MOST_WORKERS, MOST_EPOCHS = 32, 4, 3


def show_loader(key: str, data: str, opened: Opened, description: Description) -> None:
    """Show epochs of a source called ``key``, opened from ``data``, behind the pipeline of ``description``."""
    most = min(MOST_SHOWN, len(opened))
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    length = _number(row, _("Samples"), "samples", min(26, most), 1, most)
    batch_size = _number(row, "batch_size", "batch_size", 4, 1, MOST_BATCH)
    workers = _number(row, "num_workers", "workers", 2, 0, MOST_WORKERS)
    epochs = _number(row, _("Epochs"), "epochs", 2, 1, MOST_EPOCHS)
    seed = _number(row, _("Seed"), "loader_seed", 0, 0, 9999)
    shuffle = _switch(row, "shuffle", True)
    drop_last = _switch(row, "drop_last", True)
    settings = (length, batch_size, shuffle, workers, drop_last)
    try:
        samples = _samples(key, length, opened)
        found = _epochs(*settings, seed, epochs)
    except UserError as error:  # a sample that cannot be read, or settings that make no sense
        st.error(str(error))
        return
    words = _words()
    _component(data={"epochs": found, "tiles": samples, "samples": length, "words": words}, key="data_loader")
    st.markdown(_repeatable(settings, seed))
    speed_column, collate_column = st.columns(2, gap="large")
    with speed_column:
        show_speed(key, data, description, batch_size)
    with collate_column:
        show_collate(f"{key} {description}", opened, description, batch_size)


def _number(place: DeltaGenerator, title: str, key: str, first: int, low: int, high: int) -> int:
    return int(
        place.number_input(title, low, high, first, key=key, width=125, bind="query-params", persist_state="session")
    )


def _switch(place: DeltaGenerator, name: str, first: bool) -> bool:
    return place.toggle(name, first, key=name, bind="query-params", persist_state="session")


@st.cache_data(max_entries=16, show_spinner=False)
def _samples(key: str, length: int, _opened: Opened) -> str:
    return tiles(_opened, length)


@st.cache_data(max_entries=256, show_spinner=False)
def _epochs(
    length: int, batch_size: int, shuffle: bool, workers: int, drop_last: bool, seed: int, epochs: int
) -> list[EpochData]:
    return epochs_data(
        epoch_order(
            length,
            batch_size=batch_size,
            shuffle=shuffle,
            num_workers=workers,
            drop_last=drop_last,
            seed=seed,
            epochs=epochs,
        )
    )


def _repeatable(settings: tuple[int, int, bool, int, bool], seed: int) -> str:
    """Say at how many places a second run has the same sample, with the same seed and with the next."""
    length, batch_size, shuffle, _workers, drop_last = settings
    first, again, other = (
        epoch_order(length, batch_size=batch_size, shuffle=shuffle, drop_last=drop_last, seed=one)
        for one in (seed, seed, seed + 1)
    )
    sentence = _(
        "**Repeatable:** run again with seed {seed}, the first epoch has the same sample at {same} of {count} places; "
        "with seed {next}, at {less}. Workers change who fetches a batch, not what is in it."
    )
    count = sum(len(batch.indices) for batch in first[0].batches)
    words = {"same": same_places(first, again), "less": same_places(first, other)}
    return sentence.format(seed=seed, next=seed + 1, count=count, **words)


def _words() -> dict[str, str]:
    return {
        "place": _("Place in the order of arrival"),
        "of": _("{place} of {count}"),
        "epoch": _("Epoch {number}: {batches} batches"),
        "batch": _("Batch {number}"),
        "worker": _("worker {worker}"),
        "dropped": _("Dropped: {count}"),
        "sample": _("Sample {index}"),
        "says": _("Sample {index} is number {place} in batch {batch} of epoch {epoch}; the process itself fetched it."),
        "saysWorker": _(
            "Sample {index} is number {place} in batch {batch} of epoch {epoch}; worker {worker} fetched it."
        ),
        "saysDropped": _("Sample {index} is dropped in epoch {epoch}: it would be in a last batch that is not full."),
    }
