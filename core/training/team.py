"""Several processes that train one model: each takes its share of every batch, and one of them writes.

``torchrun`` starts the processes and tells each its rank; PyTorch's DistributedDataParallel averages their gradients.
With batch normalisation that is only the training of one process on the whole batch if its statistics are those of the
whole batch as well. PyTorch's ``SyncBatchNorm`` does that on GPUs alone; on CPUs ``SharedBatchNorm`` does it here.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

Losses = Callable[[Tensor, list[dict[str, Tensor]]], dict[str, Tensor]]


@dataclass(frozen=True)
class Team:
    """This process is number ``rank`` of ``size``; number 0 leads: it alone writes, looks and says."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def agreed(self, value: float) -> float:
        """Return the leader's ``value``, so that all decide alike."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=_device())
        distributed.broadcast(shared, 0)
        return float(shared)

    def averaged(self, values: dict[str, float]) -> dict[str, float]:
        """Return the mean of each of ``values``, which every process has under the same names."""
        if self.size == 1:
            return values
        shared = torch.tensor(list(values.values()), dtype=torch.float64, device=_device())
        distributed.all_reduce(shared)
        return dict(zip(values, (shared / self.size).tolist(), strict=True))

    def share(self, size: int) -> range:
        """Return which of a batch's ``size`` places are this process's: every ``self.size``-th."""
        return range(self.rank, size, self.size)

    def normalise_together(self, model: nn.Module) -> nn.Module:
        """Return ``model`` with batch normalisations, where there are several processes, that share statistics."""
        if self.size == 1:
            return model
        if _device().type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(model)
        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if type(child) is nn.BatchNorm2d:
                    setattr(parent, name, SharedBatchNorm.of(child))
        return model

    def losses(self, model: nn.Module) -> Losses:
        """Return the function that gives ``model``'s loss parts; where there are several, gradients are averaged."""
        if self.size == 1:
            return model.losses  # type: ignore[return-value]
        return DistributedDataParallel(_ByLosses(model), forward_sync_buffers=False)


ALONE = Team()


@contextmanager
def joined_team(device: str) -> Iterator[tuple[Team, str]]:
    """Join the processes that torchrun started, if it did, and yield the team and this process's device.

    Processes speak through gloo on CPUs and through nccl on GPUs, of which each has its own.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield ALONE, device
        return
    on_gpus = device.startswith("cuda")
    if on_gpus:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if on_gpus else "gloo")
    try:
        yield Team(distributed.get_rank(), distributed.get_world_size()), device
        distributed.barrier()  # nobody leaves while the leader still writes
    finally:
        distributed.destroy_process_group()


def _device() -> torch.device:
    """Where the processes' messages lie: nccl takes them from a GPU only."""
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")


class _ByLosses(nn.Module):
    """DistributedDataParallel watches ``forward``, and our models are trained by ``losses``."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return self.model.losses(images, targets)  # type: ignore[operator]


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by mean and variance over the images of all processes: ``SyncBatchNorm`` for CPUs.

    The sums go round in the forward pass, and their gradients in the backward pass, since every process's loss
    depends on every process's images.
    """

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> "SharedBatchNorm":
        """Return one with the very parameters and running averages of ``norm``."""
        shared = cls(norm.num_features, norm.eps, norm.momentum)
        for name, value in (norm._parameters | norm._buffers).items():
            setattr(shared, name, value)
        return shared.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:  # the name that nn.Module's callers may use
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        values = input.to(self.weight.dtype)  # bfloat16 has too few digits for sums
        count = _summed(values.new_tensor(values.numel() / self.num_features))
        mean = _summed(values.sum((0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = _summed(centred.square().sum((0, 2, 3))) / count
        assert self.momentum is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight / (variance + self.eps).sqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)


class _Summed(torch.autograd.Function):
    """A sum over all processes, through which gradients flow back to every one of them."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


def _summed(values: Tensor) -> Tensor:
    return _Summed.apply(values)
