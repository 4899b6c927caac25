"""What lies at an address becomes a file: bounded, checked by its sum, whole or not at all."""

import hashlib
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

from core.faults import UserError
from core.i18n import _

TIMEOUT = 20.0  # seconds without a byte after which a connection counts as broken
MB = 10**6
STEP = 2 * MB  # bytes between two reports; of something small, a hundredth of it
CHUNK = 2**18


class DownloadError(UserError):
    """Something cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Remote:
    """What lies at ``url``: its ``size``, in bytes and about right, and the ``digits`` that its checksum of the kind
    ``sum`` begins with, in hexadecimal.
    """

    url: str
    size: int
    sum: Literal["md5", "sha256"]
    digits: str

    @property
    def host(self) -> str:
        """The machine that has it."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Refusals:
    """What is said where a machine is ``unreachable``, where it sends something ``other``, and where the ``disk``
    cannot take it. ``{host}`` stands for the machine, ``{file}`` for the name of the file.
    """

    unreachable: str
    other: str
    disk: str


def load_remote(remote: Remote, file: Path, refusals: Refusals) -> Generator[int, None, None]:
    """Load what is ``remote`` into ``file``, yielding now and then how many bytes there are.

    Closed before its end, or where what comes is not what it should be, it leaves nothing.

    Raises:
        DownloadError: there is no way to it, the connection broke off, it is something else, or it cannot be kept.
    """

    def refusal(sentence: str) -> DownloadError:
        return DownloadError(sentence.format(host=remote.host, file=file.name))

    part = file.with_name(f".{file.name}.{uuid4().hex}.partial")
    digest = hashlib.new(remote.sum, usedforsecurity=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as target, _opened(remote, refusal(refusals.unreachable)) as response:
            yield from _copy(remote, response, target, digest)
        if not digest.hexdigest().startswith(remote.digits):
            raise refusal(refusals.other)
        part.replace(file)
    except OSError:
        raise refusal(refusals.disk) from None
    finally:
        with suppress(OSError):
            part.unlink()


def _opened(remote: Remote, refusal: DownloadError) -> HTTPResponse:
    try:
        response: HTTPResponse = urlopen(remote.url, timeout=TIMEOUT)
    except (OSError, HTTPException):
        raise refusal from None
    return response


def _copy(
    remote: Remote, response: HTTPResponse, target: IO[bytes], digest: "hashlib._Hash"
) -> Generator[int, None, None]:
    loaded = said = 0
    most = 2 * remote.size  # of whatever is longer, the checksum will say that it is something else
    yield 0
    while loaded < most and (chunk := _next(remote, response)):
        digest.update(chunk)
        loaded += target.write(chunk)
        if loaded - said >= min(STEP, remote.size / 100):
            said = loaded
            yield loaded
    yield loaded
    expected = response.headers.get("Content-Length", "")
    if expected.isdecimal() and loaded < min(most, int(expected)):
        raise _broken(remote)


def _next(remote: Remote, response: HTTPResponse) -> bytes:
    try:
        return response.read(CHUNK)
    except (OSError, HTTPException):
        raise _broken(remote) from None


def _broken(remote: Remote) -> DownloadError:
    return DownloadError(_("The connection to {host} broke off: try again.").format(host=remote.host))
