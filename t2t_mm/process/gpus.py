"""The memory of GPUs, as the processes of commands take it."""

from __future__ import annotations

import os

_GROWS = "TF_FORCE_GPU_ALLOW_GROWTH"


def grow_memory() -> None:
    """Makes TensorFlow take a GPU's memory as it needs it, not all at its start.

    So several commands share a GPU: an evaluation beside the training, a server of two
    exports. TensorFlow reads the variable when it first uses a GPU, and prefers it to what
    Python sets; so only commands set it, and what the user has set stays.
    """
    os.environ.setdefault(_GROWS, "true")
