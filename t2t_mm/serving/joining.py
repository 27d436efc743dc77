"""Rows of several requests in one call, and the answers of several calls to one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm.serving import refusals, servable, values
from t2t_mm.serving import signature as signature_lib

Part = values.Tensors | refusals.RequestError
"""The outputs for some rows in order, or what was wrong with one row."""


def inputs(
    parts: Sequence[values.Tensors], signature: signature_lib.Signature
) -> Mapping[str, np.ndarray]:
    """Returns the inputs of several requests as those of one call.

    Args:
      parts: of each request; rows of the same shapes, and the same shared inputs.
      signature: which says what has rows.
    """
    if len(parts) == 1:
        return parts[0]
    per_row = signature.row_inputs
    return {
        name: np.concatenate([part[name] for part in parts]) if name in per_row else value
        for name, value in parts[0].items()
    }


def outputs(parts: Sequence[Part]) -> values.Tensors:
    """Returns the answers of several calls as one, padded where rows are of several sizes.

    A row that failed says so in its `errors`.

    Raises:
      RequestError: that of the first row that failed, where no row can be answered or the model
        has no such output.
    """
    good = [part for part in parts if not isinstance(part, Exception)]
    bad = [part for part in parts if isinstance(part, Exception)]
    if bad and not (good and servable.ERRORS in good[0]):
        raise bad[0]
    if len(parts) == 1:
        return good[0]
    whole = [_blank(good[0], part) if isinstance(part, Exception) else part for part in parts]
    return {name: _concatenated([part[name] for part in whole]) for name in good[0]}


def _concatenated(parts: Sequence[np.ndarray]) -> np.ndarray:
    sizes = [max(shape) for shape in zip(*(part.shape[1:] for part in parts), strict=True)]
    padded = []
    for part in parts:
        width = [(0, 0), *((0, most - n) for most, n in zip(sizes, part.shape[1:], strict=True))]
        fill: Any = b"" if part.dtype == object else 0
        padded.append(np.pad(part, width, constant_values=fill) if sizes else part)
    return np.concatenate(padded)


def _blank(like: values.Tensors, error: Exception) -> values.Tensors:
    """Returns a row of empty texts and zeros, with what was wrong in `errors`.

    Args:
      like: outputs of some rows.
      error: what was wrong.
    """
    made = {}
    for name, value in like.items():
        blank: Any = b"" if value.dtype == object else 0
        made[name] = np.full([1, *value.shape[1:]], blank, value.dtype)
    made[servable.ERRORS] = np.array([str(error).encode("utf-8")], object)
    return made
