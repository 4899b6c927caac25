"""The three ways side by side in the browser, and the words for them."""

from core.figures.sent import Words
from core.figures.sent.transfer import TransferState
from core.i18n import _
from core.transfer.tasks import COUNTS
from core.transfer.ways import WAYS, Way
from ui.kit.component import component


class TransferData(TransferState):
    """The same with all numbers of images a class to choose from, and words."""

    offered: list[int]
    words: Words


_board = component("transfer/board", TransferData, "modules/parts")


def transfer_board(data: TransferState) -> None:
    """Show ``core.figures.transfer.board_data``."""
    _board(data={**data, "offered": list(COUNTS), "words": _words()}, key="transfer_board")


def titles() -> dict[Way, str]:
    """Return the visible name of each way."""
    return {
        "head": _("Last layer only"),
        "everything": _("Everything"),
        "scratch": _("From scratch"),
    }


def _words() -> Words:
    sentences: dict[Way, str] = {
        "head": _("The trained trunk is frozen; a new last layer learns to read its features."),
        "everything": _("Starts from the trained trunk too, but all layers go on learning (fine-tuning)."),
        "scratch": _("The same network with random weights: nothing is known beforehand."),
    }
    return {
        "titles": {way: titles()[way] for way in WAYS},
        "sentences": sentences,
        "frozen": _("frozen"),
        "old": _("trained before, goes on learning"),
        "new": _("new: random at the start"),
        "accuracy": _("Validation accuracy"),
        "learning": _("Parameters that learn"),
        "of": _("{learning} of {all}"),
        "epoch": _("An epoch, measured here"),
        "seconds": _("{seconds} s"),
        "network": _("{title}: {layers} layers, {frozen} of them frozen"),
        "accuracies": _("Accuracy on validation images"),
        "losses": _("Training loss (cross-entropy)"),
        "axis": _("steps"),
        "counts": _("Accuracy against the number of training images"),
        "countsAxis": _("training images a class"),
        "spread": _("Dots are means over seeds (other images, other new weights); bars reach from worst to best."),
        "single": _("One seed each: another draw of images gives another score."),
        "answers": _("What each says of the same validation images, and with which probability"),
        "truth": _("Truth"),
        "confusion": _("Confusion matrices: rows are the truth, columns the answer, all validation images"),
        "matrix": _("Confusion matrix: {right} of {all} on the diagonal"),
    }
