"""Values given as arrays instead of files, such as images and sounds.

- A picture: one of Pillow's, or an array `[H, W]` or `[H, W, C]` with C of 1 (grey), 3 (RGB)
  or 4 (RGBA, whose alpha is dropped), uint8 or float from 0 to 1.
- A sound: a pair `(samples, rate)`, an array `[n]` or `[n, channels]`, float from -1 to 1 or
  int16, and its samples a second.

Anything that NumPy can convert is accepted, such as tensors. The modalities check values.
"""

from __future__ import annotations

import numbers
from typing import Any

from t2t_mm import errors


def is_one(given: Any) -> bool:
    """Says whether a value is a single picture or sound instead of a list of inputs.

    A batch of pictures `[B, H, W, C]` is a list of them.
    """
    if isinstance(given, tuple) and len(given) == 2 and any(map(is_number, given)):
        return True
    return is_picture(given) or (is_array(given) and len(_shape(given)) < 4)


def shown(value: Any) -> str:
    """Returns a short description of a value that cannot be printed."""
    if isinstance(value, tuple) and len(value) == 2:
        one, other = value
        if is_array(one) and is_number(other):
            return f"({_form(one)} at {other} Hz)"
        return f"({_form(one)}, {_form(other)})"
    if is_picture(value):
        return f"(picture {value.mode} {value.width} x {value.height})"
    return f"({_form(value)})"


def _form(value: Any) -> str:
    if is_array(value):
        return f"{getattr(value, 'dtype', 'array')} {list(_shape(value))}"
    return repr(value) if is_number(value) else type(value).__name__


def to_numpy(value: Any) -> Any:
    """Returns an array, such as a tensor, as one of NumPy.

    Raises:
      BadExampleError: where NumPy cannot read it.
    """
    import numpy as np

    try:
        return np.asarray(value)
    except Exception as error:  # a tensor that lies on another device, say
        raise errors.BadExampleError(
            "NumPy cannot read an array", received=f"{type(value).__name__}: {error}"
        ) from error


def is_number(value: Any) -> bool:
    """Says whether this is a single number."""
    return isinstance(value, numbers.Real)


def is_array(value: Any) -> bool:
    """Says whether this is an array, a tensor for instance."""
    is_array = hasattr(value, "__array_interface__") or hasattr(value, "__array__")
    return is_array and hasattr(value, "shape") and not is_number(value)


def is_picture(value: Any) -> bool:
    """Says whether this is a picture of Pillow's, which need not be imported for that."""
    return type(value).__module__.partition(".")[0] == "PIL" and hasattr(value, "mode")


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape)
