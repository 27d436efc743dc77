"""Encodes sounds for records, as 16-bit mono WAV bytes; without TensorFlow.

The channels are averaged, resampled by soxr with quality "HQ", rounded to 16 bits, and
written after a WAV header of 44 bytes. The result is deterministic, and a 16-bit mono
sound at the right rate keeps its samples exactly.
"""

from __future__ import annotations

import io
import numbers
import wave
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.modality import arrays, media
from t2t_mm.modality.audio import files
from t2t_mm.process import extras

if TYPE_CHECKING:
    import numpy as np

FULL_SCALE = 32_768
MOST_CHANNELS = 256
LOUDEST = 4.0
"""Samples beyond -1 and 1 are clipped; beyond this, their scale is wrong."""


def encode(value: Any, *, sample_rate: int, shortest_s: float, longest_s: float) -> bytes:
    """Returns 16-bit mono WAV bytes at `sample_rate`.

    Args:
      value: something with `read_bytes()`, the bytes of a sound file, or
        `(samples, rate)`: `[n]` or `[n, channels]`, float or int16.
      sample_rate: samples a second of the result.
      shortest_s: least duration in seconds.
      longest_s: greatest duration in seconds.

    Raises:
      BadExampleError: for anything but a usable sound.
    """
    name, samples, own_rate = _read(value, longest_s)
    seconds = len(samples) / own_rate
    if not len(samples):
        raise errors.BadExampleError(f"A sound is empty: {name}", received="no samples")
    if not shortest_s <= seconds <= longest_s:
        raise files.too_short_or_long(name, seconds, shortest_s, longest_s)
    _check_values(name, samples)
    mono = samples.mean(axis=1)
    if own_rate != sample_rate:
        soxr = extras.load("soxr", extra="audio", what="Resampling sounds")
        mono = soxr.resample(mono, own_rate, sample_rate, quality="HQ")
    levels = (mono * FULL_SCALE).round().clip(-FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    if levels.min() == levels.max():
        raise errors.BadExampleError(
            f"A sound is silent: {name}",
            received=f"{seconds:.2f} s, in 16 bits every sample is {levels[0]}",
            expected="a sound",
        )
    return to_wav(levels.tobytes(), sample_rate)


def _read(value: Any, longest_s: float) -> tuple[str, np.ndarray, int]:
    """Returns a name for errors, samples float32 `[n, channels]`, and their rate."""
    if isinstance(value, tuple) and len(value) == 2:
        return "an array", *_from_array(*value)
    if arrays.is_array(value):
        raise errors.BadExampleError(
            "A waveform comes without its rate",
            received=arrays.shown(value),
            expected="(samples, rate), with the rate in samples a second",
        )
    file = media.read(value, "A sound")
    if file is None:
        raise errors.BadExampleError(
            "A sound is neither a path, bytes nor samples",
            received=f"{type(value).__name__} {errors.shortened(str(value), 60)!r}",
            expected="a pathlib.Path, the bytes of a sound file, or (samples, rate)",
        )
    name, data = file
    return name, *files.read(data, name, longest_s=longest_s)


def _from_array(samples: Any, sample_rate: Any) -> tuple[np.ndarray, int]:
    """Checks an array of samples; returns it as float32 `[n, channels]`."""
    import numpy as np

    if arrays.is_number(samples) and arrays.is_array(sample_rate):
        raise errors.BadExampleError(
            "A sound is given with its rate first",
            received=arrays.shown((samples, sample_rate)),
            expected="(samples, rate)",
        )
    array = arrays.to_numpy(samples)
    of_numbers = array.dtype == np.int16 or np.issubdtype(array.dtype, np.floating)
    if not (of_numbers and array.ndim in (1, 2)):
        raise errors.BadExampleError(
            "The samples of a sound are not of the right form",
            received=f"{array.dtype} {list(array.shape)}",
            expected="float (-1 to 1) or int16, [n] or [n, channels]",
        )
    if array.ndim == 2 and array.shape[1] > MOST_CHANNELS:
        raise errors.BadExampleError(
            "A sound has more channels than any recording",
            received=f"{array.dtype} {list(array.shape)}",
            expected=f"[n, channels], at most {MOST_CHANNELS} of them",
            hint="samples.T where the channels come first" if array.shape[0] <= 32 else None,
        )
    if not isinstance(sample_rate, numbers.Real) or not float(sample_rate).is_integer():
        raise errors.BadExampleError(
            "The rate of a sound is not a whole number", received=repr(sample_rate)
        )
    whole = int(float(sample_rate))
    files.check_sample_rate("an array", whole)
    scale = FULL_SCALE if array.dtype == np.int16 else 1
    wide = array.astype(np.float32) / np.float32(scale)
    return wide.reshape(len(array), -1) if array.size else wide.reshape(0, 1), whole


def _check_values(name: str, samples: np.ndarray) -> None:
    """Raises for samples that are not finite, or of another scale than -1 to 1."""
    import numpy as np

    wrong = ~np.isfinite(samples)
    if wrong.any():
        first = int(np.argmax(wrong.any(axis=1)))
        raise errors.BadExampleError(
            f"A sound has samples that are no finite numbers: {name}",
            received=f"{int(wrong.sum()):,} of {samples.size:,}, the first in place {first:,}",
            expected="samples from -1 to 1",
        )
    peak = float(np.abs(samples).max())
    if peak > LOUDEST:
        raise errors.BadExampleError(
            f"The samples of a sound are out of range: {name}",
            received=f"up to {peak:,.6g}",
            expected="-1 to 1 in floating point; integers as int16",
        )


def to_wav(levels: bytes, sample_rate: int) -> bytes:
    """Returns a WAV header of 44 bytes and the 16-bit mono samples, little-endian."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(levels)
    return buffer.getvalue()
