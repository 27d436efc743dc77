"""The check of sounds in the graph: `encoding.encode` of WAV files at the declared rate.

Channels are averaged and samples rounded to 16 bits as there. The graph neither resamples nor
decodes other formats; a sentence then says what to send.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from t2t_mm.files import limits
from t2t_mm.modality import checks
from t2t_mm.modality.audio import declaration as audio
from t2t_mm.modality.audio import encoding, files, headers, wav

_FLOAT = 3
_DAMAGED = "A sound does not decode. Expected: a whole WAV file."
Answer = tuple[tf.Tensor, tf.Tensor]
"""The value and the error of a sound: string `[]` each, one of them empty."""


class Head(NamedTuple):
    """What the head of a WAV file says; all int64 `[]`.

    Attributes:
      code: how samples are written: PCM, or floating point.
      channels: 1 or more.
      rate: samples a second.
      bits: of a sample.
      start: offset of the samples in bytes.
      size: bytes of samples that it claims.
      present: bytes of samples that are there, more where other parts follow.
    """

    code: tf.Tensor
    channels: tf.Tensor
    rate: tf.Tensor
    bits: tf.Tensor
    start: tf.Tensor
    size: tf.Tensor
    present: tf.Tensor

    @property
    def frame_bytes(self) -> tf.Tensor:
        """Bytes of one sample of all channels."""
        return tf.maximum(self.channels * self.bits // 8, 1)

    @property
    def frames(self) -> tf.Tensor:
        """Samples of each channel."""
        return tf.minimum(self.size, self.present) // self.frame_bytes


class AudioCheck(checks.RawCheck):
    """Checks sounds, and encodes them for records, as `Audio.encode` does."""

    declaration: audio.Audio

    def check(self, raw: tf.Tensor) -> checks.Checked:
        (values, errors), decodes = checks.attempt(self._encode, raw)
        return checks.Checked(values, tf.where(decodes, errors, _DAMAGED))

    def _encode(self, data: tf.Tensor) -> Answer:
        """Returns what `encoding.encode` makes of a sound; fails for a damaged one."""
        size = tf.strings.length(data)
        begin = tf.strings.substr(data, 0, 4)
        is_wav = (size >= 12) & (begin == b"RIFF")
        is_wav &= tf.strings.substr(data, tf.minimum(8, size), 4) == b"WAVE"
        said = _said("A sound is not a WAV file", (size, " bytes"), f"a WAV file {self._wanted}")
        return tf.cond(is_wav, lambda: self._wav(data), lambda: _refused(said))

    @property
    def _wanted(self) -> str:
        rate = self.declaration.sample_rate
        return f"at {rate} samples a second. Convert it: ffmpeg -i FILE -ac 1 -ar {rate} OUT.wav"

    def _wav(self, data: tf.Tensor) -> Answer:
        head = _head(data)
        refusal = self._refusal(head)
        return tf.cond(
            refusal == checks.GOOD,
            lambda: self._samples(data, head),
            lambda: _refused(refusal),
        )

    def _refusal(self, head: Head) -> tf.Tensor:
        """Returns why a sound is refused by its head alone, string `[]`; empty for none."""
        declared = self.declaration
        most = limits.most(files.SAMPLES_VARIABLE, files.MOST_SAMPLES, "samples")
        seconds = tf.cast(head.frames, tf.float64) / tf.cast(tf.maximum(head.rate, 1), tf.float64)
        length = (tf.strings.as_string(seconds, precision=2), " s")
        expected = f"{declared.min_seconds:g} to {declared.max_seconds:g} s"
        lowest, highest = files.LOWEST_RATE, files.HIGHEST_RATE
        is_known = (head.code == wav.PCM) & tf.reduce_any(
            head.bits == tf.constant([8, 16, 24, 32], tf.int64)
        )
        is_known |= (head.code == _FLOAT) & (head.bits == 32)
        rules = [
            (
                (head.rate >= lowest) & (head.rate <= highest),
                _said(
                    "A sound claims a rate that it cannot have",
                    (head.rate, " samples a second"),
                    f"{lowest:,} to {highest:,}",
                ),
            ),
            (
                (head.size <= head.present) | (head.size >= headers.UNKNOWN_SIZE),
                _said(
                    "A sound is cut short",
                    (head.present, " of ", head.size, " bytes of samples"),
                    "a whole file",
                ),
            ),
            (
                is_known & (head.channels >= 1) & (head.channels <= encoding.MOST_CHANNELS),
                _said(
                    "A WAV file is written in a way that an export does not decode",
                    (head.bits, " bits, ", head.channels, " channels, code ", head.code),
                    f"16-bit PCM {self._wanted}",
                ),
            ),
            (
                head.rate == declared.sample_rate,
                _said(
                    "A sound has another rate",
                    (head.rate, " samples a second"),
                    f"a sound {self._wanted}",
                ),
            ),
            (head.frames > 0, tf.constant("A sound is empty. Received: no samples.")),
            (
                head.frames * head.channels <= most,
                _said(
                    "A sound may have too many samples to be decoded",
                    (head.frames * head.channels, " of all channels"),
                    f"{most:,} at most",
                ),
            ),
            (seconds >= declared.min_seconds, _said("A sound is too short", length, expected)),
            (seconds <= declared.max_seconds, _said("A sound is too long", length, expected)),
        ]
        return checks.first(*(tf.where(holds, checks.GOOD, said) for holds, said in rules))

    def _samples(self, data: tf.Tensor, head: Head) -> Answer:
        """Encodes the samples of a sound whose head is as it should be."""
        samples = _decoded(
            tf.strings.substr(data, head.start, head.frames * head.frame_bytes), head
        )
        wrong = tf.math.count_nonzero(~tf.math.is_finite(samples))
        peak = tf.reduce_max(tf.abs(samples))
        mono = tf.reduce_sum(samples, 1) / tf.cast(head.channels, tf.float32)
        full = float(encoding.FULL_SCALE)
        levels = tf.clip_by_value(tf.round(mono * full), -full, full - 1)
        lowest = tf.reduce_min(levels)
        seconds = tf.cast(head.frames, tf.float64) / self.declaration.sample_rate
        rules = [
            (
                wrong == 0,
                _said(
                    "A sound has samples that are no finite numbers",
                    (wrong, " of ", tf.size(samples)),
                    "samples from -1 to 1",
                ),
            ),
            (
                peak <= encoding.LOUDEST,
                _said("The samples of a sound are out of range", ("up to ", peak), "-1 to 1"),
            ),
            (
                lowest < tf.reduce_max(levels),
                _said(
                    "A sound is silent",
                    (
                        tf.strings.as_string(seconds, precision=2),
                        " s, in 16 bits every sample is ",
                        tf.cast(lowest, tf.int32),
                    ),
                    "a sound",
                ),
            ),
        ]
        error = checks.first(*(tf.where(holds, checks.GOOD, said) for holds, said in rules))
        is_kept = (head.code == wav.PCM) & (head.bits == 16) & (head.channels == 1)
        is_kept &= head.size == wav.number(data[tf.newaxis], head.start[tf.newaxis] - 4, 4)[0]
        value = tf.cond(
            is_kept,
            lambda: tf.identity(data),
            lambda: tf.audio.encode_wav(levels[:, tf.newaxis] / full, self.declaration.sample_rate),
        )
        return value, error


def _head(data: tf.Tensor) -> Head:
    raw = data[tf.newaxis]
    end = tf.cast(tf.strings.length(raw), tf.int64)
    form, start = wav.find_chunks(raw, end)
    is_there = tf.reduce_all((form > 0) & (start > 0))
    with tf.control_dependencies([tf.debugging.Assert(is_there, ["no samples"])]):
        form, start = tf.identity(form), tf.identity(start)
    code = wav.number(raw, form, 2)
    code = tf.where(code == wav.EXTENSIBLE, wav.number(raw, form + 24, 2), code)
    present = end - start
    size = wav.number(raw, start - 4, 4)
    # Of a stream, whose writer could not go back to its head.
    size = tf.where((size == 0) | (size >= headers.UNKNOWN_SIZE), present, size)
    values = (
        code,
        wav.number(raw, form + 2, 2),
        wav.number(raw, form + 4, 4),
        wav.number(raw, form + 14, 2),
        start,
        size,
        present,
    )
    return Head(*(value[0] for value in values))


def _decoded(body: tf.Tensor, head: Head) -> tf.Tensor:
    """Returns the samples as libsndfile reads them: float32 `[n, channels]`."""

    def eight() -> tf.Tensor:
        return (tf.cast(tf.io.decode_raw(body, tf.uint8), tf.float32) - 128.0) / 128.0

    def sixteen() -> tf.Tensor:
        return tf.cast(tf.io.decode_raw(body, tf.int16), tf.float32) / encoding.FULL_SCALE

    def twenty_four() -> tf.Tensor:
        octets = tf.cast(tf.reshape(tf.io.decode_raw(body, tf.uint8), [-1, 3]), tf.int32)
        high = tf.where(octets[:, 2] >= 128, octets[:, 2] - 256, octets[:, 2])
        whole = octets[:, 0] + 256 * octets[:, 1] + 65_536 * high
        return tf.cast(whole, tf.float32) / 2.0**23

    def thirty_two() -> tf.Tensor:
        return tf.cast(tf.io.decode_raw(body, tf.int32), tf.float32) / 2.0**31

    whole = tf.switch_case(
        tf.cast(head.bits // 8 - 1, tf.int32), [eight, sixteen, twenty_four, thirty_two]
    )
    samples = tf.cond(
        head.code == _FLOAT, lambda: tf.io.decode_raw(body, tf.float32), lambda: whole
    )
    return tf.reshape(samples, tf.stack([head.frames, head.channels]))


def _refused(error: tf.Tensor) -> Answer:
    return tf.constant(""), error


def _said(what: str, received: tuple[str | tf.Tensor, ...], expected: str) -> tf.Tensor:
    """Returns the sentence of an error, string `[]`; numbers are written out."""
    parts = [
        part if isinstance(part, str) or part.dtype == tf.string else tf.strings.as_string(part)
        for part in received
    ]
    return tf.strings.join([f"{what}. Received: ", *parts, f". Expected: {expected}."])
