"""Everything that computes: images, boxes, detectors, training and evaluation. Never imports streamlit."""

import os

# Large pages for tensors: pooled features of 2000 regions are allocated anew at each run, and with small pages the
# system spends longer on handing the memory out than the pooling takes. Torch reads this at its first allocation.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
