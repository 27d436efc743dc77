"""A second pass over a batch that failed: which layer's output is the first not finite?

It runs eagerly, layer by layer, on the weights and the seed of the step, and changes
nothing.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.layers import base as layers
from t2t_mm.models import base

_OF_INPUT = "the input "


def loss_and_norm(
    model: base.Model,
    task_name: str,
    batch: Mapping[str, Any],
    seed: tf.Tensor,
    weight: float = 1.0,
) -> tuple[float, float]:
    """Returns loss and global norm of the gradients, compiled as a step is.

    Args:
      model: with the weights of the step.
      task_name: of the problem.
      batch: of one replica.
      seed: int32 `[2]`, of that replica.
      weight: of the problem's loss in the gradients.
    """
    variables = [variable.value for variable in model.trainable_variables]

    def compute() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            loss, _ = model.loss(task_name, batch, training=True, seed=seed)
        share = tf.constant(weight)
        gradients = [g for g in tape.gradient(loss, variables, share) if g is not None]
        return loss, tf.linalg.global_norm(gradients)

    loss, norm = tf.function(compute, autograph=False)()
    return float(loss), float(norm)


def origin(
    model: base.Model,
    task_name: str,
    batch: Mapping[str, Any],
    seed: tf.Tensor,
    weight: float = 1.0,
) -> str | None:
    """Returns where the first number comes from that is not finite, in words.

    Args:
      model: with the weights of the step.
      task_name: of the problem.
      batch: of one replica.
      seed: int32 `[2]`, of that replica.
      weight: of the problem's loss in the gradients.

    Returns:
      an input of the batch; else the layer, by the names of the layers around it; else the
      layer at which the gradients, computed from the last layer to the first, cease to be
      finite; None where all is finite.
    """
    for name, value in batch["inputs"].items():
        if not _is_finite(value):
            rows = tf.reshape(value, [tf.shape(value)[0], -1])
            bad = np.flatnonzero(~np.all(np.isfinite(rows.numpy()), axis=1)).tolist()
            return f"{_OF_INPUT}{name!r} itself (rows {', '.join(map(str, bad[:5]))})"
    variables = [variable.value for variable in model.trainable_variables]
    with _watching(model) as seen, tf.GradientTape() as tape:
        loss, _ = model.loss(task_name, batch, training=True, seed=seed)
    if seen.bad is not None:
        return f"the output of {seen.bad}"
    gradients = tape.gradient(loss, variables, tf.constant(weight))
    pairs = zip(variables, gradients, strict=True)
    spoilt = {id(v) for v, g in pairs if g is not None and not _is_finite(g)}
    if not spoilt:
        return None
    for path, layer in reversed(seen.called.values()):
        if any(id(variable.value) in spoilt for variable in layer._trainable_variables):
            return f"the gradients of {path}; all outputs are finite"
    return "the gradients; all outputs are finite"


def is_of_input(origin: str | None) -> bool:
    """Returns whether what `origin` gave says that an example itself is not finite."""
    return origin is not None and origin.startswith(_OF_INPUT)


class _Seen:
    """What has been seen of a pass.

    Attributes:
      bad: path of the layer that was the first to return what is not finite.
      called: path and layer of every layer, in the order of their first calls.
    """

    def __init__(self) -> None:
        self.bad: str | None = None
        self.called: dict[int, tuple[str, layers.Layer]] = {}


@contextlib.contextmanager
def _watching(model: base.Model) -> Iterator[_Seen]:
    """Looks, within the block, at what the methods of all layers return.

    A layer of ours is not only called: nets have `bottom`, `embed`, `loss`. So the public
    methods of each are put in a wrapper, in the layer's own dictionary, and taken out again.
    """
    seen, path = _Seen(), list[str]()
    watched = [part for part in model._flatten_layers() if isinstance(part, layers.Layer)]
    try:
        for layer in watched:
            for name in _methods(type(layer)):
                layer.__dict__[name] = _wrapped(layer, name, seen, path)
        yield seen
    finally:
        for layer in watched:
            for name in _methods(type(layer)):
                layer.__dict__.pop(name, None)


def _wrapped(layer: layers.Layer, name: str, seen: _Seen, path: list[str]) -> Callable[..., Any]:
    method = getattr(layer, name)
    label = layer.name if name == "call" else f"{layer.name}.{name}"

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        path.append(label)
        try:
            seen.called.setdefault(id(layer), ("/".join(path[1:]) or label, layer))
            returned = method(*args, **kwargs)
            # Inner layers return first, so that the first one found is the origin.
            if seen.bad is None and not _is_finite(returned):
                seen.bad = "/".join(path[1:]) or label
            return returned
        finally:
            path.pop()

    return call


def _methods(cls: type) -> tuple[str, ...]:
    """Returns the public methods that a class of layers has beside those of every layer."""
    known = set(dir(layers.Layer)) - {"call"}
    return tuple(
        name
        for name, _ in inspect.getmembers(cls, inspect.isfunction)
        if name not in known and not name.startswith("_")
    )


def _is_finite(value: Any) -> bool:
    parts = tf.nest.flatten(value, expand_composites=True)
    numbers = [part for part in parts if tf.is_tensor(part) and part.dtype.is_floating]
    return all(bool(tf.reduce_all(tf.math.is_finite(part))) for part in numbers)
