"""Attention weights and gates of a forward pass, kept on request.

Layers compute them anyway, but pass only their products on. Within `record` they leave a
copy here; outside of it nothing is kept, and no graph has an operation more.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator

import tensorflow as tf


@dataclasses.dataclass
class Recording:
    """What the layers of a pass left, in their order.

    Attributes:
      attention: of every attention to the source, `[B, H, T, S]`; rows sum to 1.
      gates: of every mixture of experts, float32 `[..., E]`, leading axes as its input;
        K are not zero, and they sum to 1; all are zero at padded positions.
    """

    attention: list[tf.Tensor] = dataclasses.field(default_factory=list)
    gates: list[tf.Tensor] = dataclasses.field(default_factory=list)


_recording: contextvars.ContextVar[Recording | None] = contextvars.ContextVar(
    "recording", default=None
)


@contextlib.contextmanager
def record() -> Iterator[Recording]:
    """Keeps what layers compute within the context, in eager mode or while a graph is traced."""
    recording = Recording()
    token = _recording.set(recording)
    try:
        yield recording
    finally:
        _recording.reset(token)


def current() -> Recording | None:
    """Returns where a layer is to leave its weights; None where nobody asked."""
    return _recording.get()
