"""Carries the corpus through its doors in a process of its own; says, as lines of JSON, what came of each upload."""

import faulthandler
import io
import json
import logging
import resource
import sys
import time
import warnings
from pathlib import Path

from core.checkpoint import CheckpointError
from core.data.archives import ArchiveError, unpack
from core.data.checking import check_folder
from core.data.folders import FolderError
from core.images import ImageError, open_image
from core.training.initial_weights import read_weights
from tests.uploads.corpus import Upload, corpus

MEGABYTE = 1 << 20


def peak() -> float:
    """Return the most memory that the process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def carry(upload: Upload, folder: Path) -> str:
    """Return "taken" if the door lets ``upload`` in, else the sentence that refuses it; ``folder`` is for work."""
    try:
        if upload.door == "image":
            open_image(upload.data)
        elif upload.door == "archive":
            with unpack(io.BytesIO(upload.data), folder) as unpacked:
                check_folder(unpacked.folder)
        else:
            path = folder / "weights.safetensors"
            path.write_bytes(upload.data)
            read_weights(path)
    except (ImageError, ArchiveError, FolderError, CheckpointError) as refusal:
        return str(refusal)
    return "taken"


def main() -> None:
    """Go through the corpus; the line before an upload says that it has begun."""
    faulthandler.enable()
    logging.disable()  # Pillow has something to say of every second file
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    memory = peak()
    for upload in corpus():
        print(json.dumps({"begun": upload.name, "door": upload.door}), flush=True)
        start = time.process_time()
        try:
            answer = carry(upload, folder)
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            answer = f"{type(error).__name__}: {error}"
            print(json.dumps({"raised": answer}), flush=True)
            continue
        seconds = time.process_time() - start
        print(json.dumps({"answer": answer, "seconds": seconds, "megabytes": peak() - memory}), flush=True)


if __name__ == "__main__":
    main()
