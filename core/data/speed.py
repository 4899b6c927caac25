"""How fast a source's samples come through their transforms, as work that can be done in another process."""

from collections.abc import Iterator, Sequence

from torch.utils.data import Subset

from core.data.epochs import Throughput, throughput
from core.data.sources import open_source
from core.data.transforms import Description, Transformed


def fetched(
    data: str, description: Description, batch_size: int, workers: Sequence[int], images: int
) -> Iterator[Throughput]:
    """Yield the speed of fetching ``images`` of the source ``data`` through a pipeline, for each number of ``workers``.

    Raises:
        UserError: the source cannot be opened, the pipeline not be built, or a sample not be had.
    """
    opened = open_source(data)
    few = Subset(opened, range(min(images, len(opened))))
    yield from throughput(Transformed(few, description), batch_size, workers)
