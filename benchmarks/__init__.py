"""What is measured, and against what: `python -m benchmarks` runs all of it.

A benchmark is a module with a `measure` function. It runs in a process of its own, and
starts a further one (`benchmarks/workers/`) for each model that it measures and for each
peer, by turns, so that nobody's memory, threads or caches help or hurt another. What comes
out are rows: a figure of ours, a figure of a peer or of the machine's own limit measured in
the same run, and the ratio of the two.
"""

import t2t_mm  # noqa: F401 (before TensorFlow: it says which kernels TensorFlow takes)
