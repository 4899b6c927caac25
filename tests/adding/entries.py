"""The entries that the two take in core/models.py."""

from core.models import CONVOLVING, MOVING, SCORING, SUPPRESSING, Model, Recipe

ENTRIES = (
    Model(
        "cell_votes",
        "Cell votes",
        "detector",
        "additions.cell_votes:CellVotes",
        form="scaled",
        recipe=Recipe(8, 2, steps=3, learning_rate=1e-3),
        stages={"Convolution": CONVOLVING, "Cell votes": SCORING, "Cell boxes": MOVING, "NMS": SUPPRESSING},
        look=("#882255", "cross"),
    ),
    Model(
        "averaging",
        "Averaging",
        "upsampler",
        "additions.averaging:Averaging",
        recipe=Recipe(8, 2, steps=3, learning_rate=1e-3, start="upsamplers"),
    ),
)
