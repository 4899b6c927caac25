"""Inputs that are out for harm: none of them may run, hang or take memory."""

from tests.tensors.hostile.burdens import NUMBERS, SIZES, WORK
from tests.tensors.hostile.escapes import PYTHON, STRINGS, WALKS
from tests.tensors.hostile.oddities import KEYWORDS, TEXT

HOSTILE = [*WALKS, *PYTHON, *STRINGS, *SIZES, *NUMBERS, *WORK, *TEXT, *KEYWORDS]
