"""Several inputs of a task as one sequence, and the plane of an image taken out of it again."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from t2t_mm.data import task as tasks
from t2t_mm.modality import representation


def join(parts: Sequence[representation.Representation]) -> representation.Representation:
    """Concatenates representations along time, and moves all padding to the end.

    Padding between two inputs would separate them by a distance that depends on the rest of
    the batch, and convolutions would see it. A single image keeps its grid: it has no
    padding, so its positions stay together behind the real ones of earlier inputs.
    """
    if len(parts) == 1:
        return parts[0]
    masks = [tf.ones(tf.shape(p.x)[:2], tf.float32) if p.mask is None else p.mask for p in parts]
    x, mask = tf.concat([p.x for p in parts], 1), tf.concat(masks, 1)
    if any(part.mask is not None for part in parts[:-1]):
        order = tf.argsort(mask, axis=1, direction="DESCENDING", stable=True)  # [B, S]
        x, mask = (tf.gather(t, order, batch_dims=1) for t in (x, mask))
    grids = [place for place, part in enumerate(parts) if part.grid and part.mask is None]
    if len(grids) != 1:
        return representation.Representation(x, mask, None)
    (place,) = grids
    return representation.Representation(x, mask, parts[place].grid, starts(parts)[place])


def starts(parts: Sequence[representation.Representation]) -> list[tf.Tensor]:
    """Returns where each part begins in what `join` returns, int32 `[B]` each."""
    begin, found = tf.zeros(tf.shape(parts[0].x)[:1], tf.int32), []
    for part in parts:
        found.append(begin)
        length = tf.shape(part.x)[1]
        begin += length if part.mask is None else tf.cast(tf.reduce_sum(part.mask, 1), tf.int32)
    return found


def plane(source: representation.Representation) -> representation.Representation:
    """Returns the grid alone, with the mean of all other positions added to each of its own.

    So the exit flow convolves over the image as usual, and still sees the text at every
    position.
    """
    if source.grid is None or source.start is None or source.mask is None:
        return source
    size = source.grid[0] * source.grid[1]
    places = source.start[:, tf.newaxis] + tf.range(size)  # [B, h * w]
    grid = tf.gather(source.x, places, batch_dims=1)
    behind = tf.range(tf.shape(source.x)[1]) - source.start[:, tf.newaxis]  # [B, S]
    is_other = tf.cast(source.mask, tf.bool) & ((behind < 0) | (behind >= size))
    weights = tf.cast(is_other, source.x.dtype)
    count = tf.maximum(tf.reduce_sum(weights, 1, keepdims=True), 1.0)
    x = grid + tf.einsum("bsd,bs->bd", source.x, weights / count)[:, tf.newaxis]
    return representation.Representation(x, None, source.grid)


def keeps_plane(task: tasks.Task) -> bool:
    """Says whether a class is predicted from the 2-D grid of one of several inputs."""
    grids = sum(declared.has_grid for declared in task.inputs.values())
    return not task.targets.autoregressive and len(task.inputs) > 1 and grids == 1
