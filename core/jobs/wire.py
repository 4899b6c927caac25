"""A pipe to another process that carries tensors by value, and those that several events of a job share only once.

Pickled the usual way, the tensors of a race take forty times as long; as shared memory, the usual way of torch, each
holds a file open for as long as it lives, and a race of five detectors has some sixty.
"""

import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from core.jobs.messages import Begin, Ended, Gone, Message, Yielded

NUMBER = 8  # bytes in front of a message: of which job it continues the table of tensors, 0 for none


@dataclass(frozen=True)
class Packed:
    """Pickled work, which the worker opens as it begins: what goes wrong then is that job's failure."""

    data: bytes

    def __call__(self) -> Iterator[Any]:
        work: Callable[[], Iterator[Any]] = loads(self.data)
        return work()


class Bytes(Protocol):
    """What a wire needs of its connection, such as ``multiprocessing``'s."""

    def send_bytes(self, data: bytes, /) -> None: ...

    def recv_bytes(self) -> bytes: ...

    def poll(self, seconds: float, /) -> bool: ...


class Wire:
    """A ``Line`` over ``connection``."""

    def __init__(self, connection: Bytes):
        self._connection = connection
        self._sent: dict[int, list[Tensor]] = {}
        self._received: dict[int, list[Tensor]] = {}

    def send(self, message: Message) -> None:
        """Hand ``message`` over.

        Raises:
            Gone: the other side has gone.
            Exception: something in it cannot be pickled; nothing was sent.
        """
        job = 0
        if isinstance(message, Begin):
            message = replace(message, work=Packed(dumps(message.work)))
        elif isinstance(message, Yielded) and message.kept:
            job = message.number
        elif isinstance(message, Ended):
            self._sent.pop(message.number, None)
        data = job.to_bytes(NUMBER, "little") + dumps(message, self._sent.setdefault(job, []) if job else None)
        try:
            self._connection.send_bytes(data)
        except OSError as error:
            raise Gone from error

    def recv(self) -> Message:
        try:
            data = self._connection.recv_bytes()
        except (OSError, EOFError) as error:
            raise Gone from error
        job = int.from_bytes(data[:NUMBER], "little")
        message: Message = loads(memoryview(data)[NUMBER:], self._received.setdefault(job, []) if job else None)
        if isinstance(message, Ended):
            self._received.pop(message.number, None)
        return message

    def poll(self, seconds: float) -> bool:
        try:
            return self._connection.poll(seconds)
        except (OSError, EOFError) as error:
            raise Gone from error


def dumps(value: Any, shared: list[Tensor] | None = None) -> bytes:
    """Pickle ``value``; tensors that are among the ``shared`` ones become their place there, new ones are added."""
    file = io.BytesIO()
    _Pickler(file, [] if shared is None else shared).dump(value)
    return file.getvalue()


def loads(data: bytes | memoryview, shared: list[Tensor] | None = None) -> Any:
    """Return what ``dumps`` pickled; ``shared`` are the tensors that the same other side has sent before."""
    return _Unpickler(io.BytesIO(data), [] if shared is None else shared).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared: list[Tensor]):
        super().__init__(file, protocol=5)
        self._shared = shared  # holding them keeps their ids from being given to others
        self._places = {id(tensor): place for place, tensor in enumerate(shared)}

    def persistent_id(self, value: Any) -> Any:
        if type(value) is not Tensor or value.layout != torch.strided or value.is_quantized or value.requires_grad:
            return None
        if id(value) in self._places:
            return self._places[id(value)]
        self._places[id(value)] = len(self._shared)
        self._shared.append(value)
        flat = value.cpu().contiguous().reshape(-1).view(torch.uint8)
        return value.dtype, tuple(value.shape), pickle.PickleBuffer(flat.numpy().data)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: list[Tensor]):
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, told: Any) -> Tensor:
        if isinstance(told, int):
            return self._shared[told]
        dtype, shape, data = told
        tensor = torch.frombuffer(data, dtype=dtype).reshape(shape) if len(data) else torch.empty(shape, dtype=dtype)
        self._shared.append(tensor)
        return tensor
