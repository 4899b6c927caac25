"""The machine that numbers are measured on."""

import os
import platform
from pathlib import Path

import torch

from core.i18n import ngettext


def machine() -> str:
    """Return where numbers are measured: torch's threads and the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    words = ngettext(
        "{processor}, {threads} thread of {cores} cores",
        "{processor}, {threads} threads of {cores} cores",
        threads,
    )
    return words.format(processor=processor, threads=threads, cores=os.cpu_count())
