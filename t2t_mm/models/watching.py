"""What the nets of inputs made in a forward pass, kept on request, for gradients of it."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

from t2t_mm.modality import representation

Embedded = list[tuple[str, representation.Representation]]
"""Names of inputs, and what their nets made of them."""

_watched: contextvars.ContextVar[Embedded | None] = contextvars.ContextVar("watched", default=None)


@contextlib.contextmanager
def watch() -> Iterator[Embedded]:
    """Keeps what the nets of inputs make within the context, while a graph is traced."""
    embedded: Embedded = []
    token = _watched.set(embedded)
    try:
        yield embedded
    finally:
        _watched.reset(token)


def saw(name: str, made: representation.Representation) -> None:
    """Keeps what the net of one input made, where somebody watches."""
    embedded = _watched.get()
    if embedded is not None:
        embedded.append((name, made))
