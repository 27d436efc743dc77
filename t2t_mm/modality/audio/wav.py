"""Decodes a batch of WAV files in the graph.

TensorFlow's decoder takes one file a call, and fails on headers with additional chunks.
Here the headers of a batch are parsed together, and all samples are decoded by one
operation, at an eighth of the cost. Supported is 16-bit PCM of one channel, with plain
or or extensible headers, and other chunks anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from t2t_mm.modality.audio import headers

FULL_SCALE = 32_768.0
MOST_CHUNKS = 64
"""The samples must be among the first so many chunks, so that a malicious file cannot keep a
server busy."""

PCM, EXTENSIBLE = 1, 0xFFFE


class Heads(NamedTuple):
    """The headers of a batch of WAV files; all int32 `[B]`.

    Attributes:
      start: offset of the first sample, in bytes.
      length: in samples.
    """

    start: tf.Tensor
    length: tf.Tensor


def read_heads(raw: tf.Tensor, *, longest_s: float, sample_rate: int) -> Heads:
    """Parses the headers, without reading the samples.

    Args:
      raw: string `[B]`, complete WAV files.
      longest_s: greatest duration in seconds.
      sample_rate: the only one allowed, in samples a second.

    Raises:
      InvalidArgumentError: for the first condition that a file violates: WAV, complete,
        16-bit PCM of one channel, at that rate, not empty, not too long.
    """
    end = tf.cast(tf.strings.length(raw), tf.int64)
    is_wav = (text(raw, 0 * end) == b"RIFF") & (text(raw, 0 * end + 8) == b"WAVE")
    form, data = find_chunks(raw, end)
    is_wav &= (form > 0) & (data > 0)
    code, bits = number(raw, form, 2), number(raw, form + 14, 2)
    code = tf.where(code == EXTENSIBLE, number(raw, form + 24, 2), code)
    channels = number(raw, form + 2, 2)
    actual_rate = number(raw, form + 4, 4)
    size = number(raw, data - 4, 4)
    present = end - data
    is_whole = (size <= present) | (size >= headers.UNKNOWN_SIZE)
    length = tf.minimum(size, present) // 2
    longest = int(longest_s * sample_rate + 0.5)
    values = _checked(
        (data, length),
        [
            ("A sound is not a WAV file", end, "bytes", is_wav),
            ("A WAV file is not 16-bit PCM", bits, "bits", (code == PCM) & (bits == 16)),
            ("A WAV file has not one channel", channels, "channels", channels == 1),
            (
                f"The rate of a WAV file is not {sample_rate}",
                actual_rate,
                "samples a second",
                actual_rate == sample_rate,
            ),
            ("A WAV file is cut short", present, "bytes of samples", is_whole),
            ("A WAV file is empty", length, "samples", length > 0),
            (f"A sound is longer than {longest_s:g} s", length, "samples", length <= longest),
        ],
    )
    return Heads(*(tf.cast(value, tf.int32) for value in values))


def read_samples(raw: tf.Tensor, heads: Heads) -> tf.Tensor:
    """Returns the samples of each sound, float32 `[B, N]` in -1 to 1, zeros after it."""
    size = 2 * heads.length
    most = tf.maximum(tf.reduce_max(size), 4)
    body = tf.strings.substr(raw, heads.start, size)
    levels = tf.io.decode_raw(body, tf.int16, fixed_length=(most + 3) // 4 * 4)
    samples = tf.cast(levels, tf.float32) / FULL_SCALE
    return samples[:, : tf.maximum(tf.reduce_max(heads.length), 1)]


def find_chunks(raw: tf.Tensor, end: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the offsets of the bodies of chunks "fmt " and "data": int64 `[B]`, 0 for none."""

    def looks_on(place: tf.Tensor, _: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
        return tf.reduce_any((data == 0) & (place + 8 <= end))

    def look(
        place: tf.Tensor, form: tf.Tensor, data: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        is_open = (data == 0) & (place + 8 <= end)
        name, size = text(raw, place), number(raw, place + 4, 4)
        form = tf.where(is_open & (name == b"fmt "), place + 8, form)
        data = tf.where(is_open & (name == b"data"), place + 8, data)
        return tf.where(is_open, place + 8 + size + size % 2, place), form, data

    start = tf.zeros_like(end)
    _, form, data = tf.while_loop(
        looks_on, look, (start + 12, start, start), maximum_iterations=MOST_CHUNKS
    )
    return form, data


def text(raw: tf.Tensor, place: tf.Tensor, count: int = 4) -> tf.Tensor:
    """Returns `count` bytes from `place` on; fewer at the end of the string."""
    end = tf.cast(tf.strings.length(raw), tf.int64)
    place = tf.clip_by_value(place, tf.zeros_like(end), end)
    return tf.strings.substr(raw, place, tf.zeros_like(place) + count)


def number(raw: tf.Tensor, place: tf.Tensor, count: int) -> tf.Tensor:
    """Returns the unsigned little-endian number of `count` bytes: int64 `[B]`."""
    octets = tf.io.decode_raw(text(raw, place, count), tf.uint8, fixed_length=count)
    weights = tf.constant([256**i for i in range(count)], tf.int64)
    return tf.reduce_sum(tf.cast(octets, tf.int64) * weights, axis=1)


def _checked(
    values: Sequence[tf.Tensor], rules: Sequence[tuple[str, tf.Tensor, str, tf.Tensor]]
) -> list[tf.Tensor]:
    """Returns `values`, or raises for the first rule that an example breaks.

    Args:
      values: what must not be used unchecked.
      rules: what went wrong, what was received `[B]` and its unit, and bool `[B]`.
    """
    checks: list[tf.Operation] = []
    for said, received, unit, holds in rules:
        if tf.executing_eagerly():
            wrong = tf.boolean_mask(received, ~holds)
            if len(wrong):
                message = f"{said}. Received: {int(wrong[0])} {unit}."
                raise tf.errors.InvalidArgumentError(None, None, message)
        else:
            # In turn: what a broken head says of the rest means nothing.
            with tf.control_dependencies(checks[-1:]):
                wrong = tf.boolean_mask(received, ~holds)
                told = [f"{said}. Received:", wrong[:1], unit]
                checks.append(tf.debugging.Assert(tf.reduce_all(holds), told))
    with tf.control_dependencies(checks[-1:]):
        return [tf.identity(value) for value in values]
