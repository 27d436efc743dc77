"""Sound files: what libsndfile reads, and what it would let pass.

Of a WAV, Ogg or NIST SPHERE file that was cut short libsndfile reads what is left
without a word, so these are looked at before; a FLAC file says itself how much it
should hold.
"""

from __future__ import annotations

import importlib
import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.modality import media

if TYPE_CHECKING:
    import numpy as np

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Samples a second that a real recording can have."""

UNKNOWN_SIZE = 0x7FFF0000
"""A program that writes a WAV into a pipe cannot know the size; it says so much or more."""

_OGG_HEAD = struct.Struct("<4sBBqIIIB")
_OGG_LAST = 4


def read(data: bytes, name: str, *, longest_s: float) -> tuple[np.ndarray, int]:
    """Returns the samples of a sound file, float32 `[n, channels]`, and their rate.

    Args:
      data: the file: WAV, FLAC, Ogg, NIST SPHERE, or what else libsndfile reads.
      name: of the file, for errors.
      longest_s: seconds; a longer sound is not decoded.

    Raises:
      BadExampleError: for what is no sound, cut short, or too long.
    """
    soundfile = package("soundfile")
    _check_coding(data, name)
    claimed = _claimed_rate(data)
    if claimed is not None:
        check_rate(name, claimed)  # libsndfile says nothing of one of 0, or beyond 2**31
    missing = _missing(data)
    if missing:
        raise _truncated(name, missing)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, frames = int(file.samplerate), int(file.frames)
            check_rate(name, rate)
            if frames > longest_s * rate:
                raise too_short_or_long(name, frames / rate, 0.0, longest_s)
            samples = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        said = str(getattr(error, "error_string", error)).rstrip(".")
        foreign = media.foreign(data)
        if "SF_INFO" in said:  # libsndfile's word for numbers in a head that it did not expect
            said = "its head claims a rate or a number of channels that no sound has"
        raise errors.BadExampleError(
            f"A sound does not decode: {name}",
            received=f"{len(data):,} bytes that begin {data[:8]!r}: {said}",
            expected="a whole WAV, FLAC, Ogg or NIST SPHERE file",
            hint=foreign and f"It is {foreign}. Convert it: ffmpeg -i {name} OUT.wav",
        ) from error
    if len(samples) < frames:
        raise _truncated(name, f"{len(samples):,} of {frames:,} samples")
    return samples, rate


def check_rate(name: str, rate: int) -> None:
    """Raises for samples a second that no recording has: a damaged or wrong head."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise errors.BadExampleError(
            f"A sound claims a rate that it cannot have: {name}",
            received=f"{rate:,} samples a second",
            expected=f"{LOWEST_RATE:,} to {HIGHEST_RATE:,}",
        )


def too_short_or_long(
    name: str, seconds: float, shortest_s: float, longest_s: float
) -> errors.BadExampleError:
    """Returns the error of a sound whose duration is out of range."""
    which = "short" if seconds < shortest_s else "long"
    return errors.BadExampleError(
        f"A sound is too {which}: {name}",
        received=f"{seconds:,.2f} s",
        expected=f"{shortest_s:g} to {longest_s:g} s",
        hint="Audio(min_seconds=, max_seconds=) say what is taken",
    )


def package(name: str) -> Any:
    """Returns soundfile or soxr.

    Raises:
      ConfigError: when it is not installed, or its C library does not load.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise errors.ConfigError(
            f"Sounds need the package {name}",
            received=error,
            hint="Install what sounds need: pip install 't2t-mm[audio]'",
        ) from error


def _check_coding(data: bytes, name: str) -> None:
    """Raises for a SPHERE file that is compressed, as those of the LDC often are."""
    head = _sphere_head(data)
    coding = head.get("sample_coding", "")
    if "embedded-" not in coding:
        return
    raise errors.BadExampleError(
        f"A sound is compressed in a way that libsndfile does not read: {name}",
        received=f"sample_coding {coding}",
        expected="a SPHERE file with sample_coding pcm or ulaw, or a WAV file",
        hint="Decompress it with the LDC's sph2pipe: sph2pipe -f wav IN.wv1 OUT.wav",
    )


def _sphere_head(data: bytes) -> dict[str, str]:
    """Returns the fields of a NIST SPHERE file's head; none for other files."""
    if not data.startswith(b"NIST_1A"):
        return {}
    lines = data[:65_536].split(b"\nend_head")[0].decode("latin-1").splitlines()
    fields = {"head_bytes": lines[1].strip()} if len(lines) > 1 else {}
    for line in lines[2:]:
        words = line.split(maxsplit=2)
        if len(words) == 3:
            fields[words[0]] = words[2].strip()
    return fields


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _claimed_rate(data: bytes) -> int | None:
    """Returns the samples a second that the head of a WAV file claims; None of other files."""
    for name, place, _ in _wav_chunks(data) if _is_wav(data) else ():
        if name == b"data":
            return None
        if name == b"fmt " and place + 8 <= len(data):
            return int(struct.unpack_from("<I", data, place + 4)[0])
    return None


def _missing(data: bytes) -> str | None:
    """Returns what a file holds of what it should hold, or None where it is whole."""
    if _is_wav(data):
        held, size = _wav_data(data)
    elif data.startswith(b"NIST_1A"):
        held, size = _sphere_data(data)
    elif data.startswith(b"OggS"):
        return None if _ogg_ends(data) else "an Ogg stream without its last page"
    else:
        return None
    return f"{held:,} of {size:,} bytes of samples" if held < size else None


def _wav_data(data: bytes) -> tuple[int, int]:
    """Returns how many bytes of samples a WAV file holds, and should hold."""
    for name, place, size in _wav_chunks(data):
        if name == b"data":
            held = len(data) - place
            return held, held if size >= UNKNOWN_SIZE else size
    return 0, 0


def _wav_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, place of the first byte and size of every chunk of a WAV file."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        yield name, place + 8, size
        place += 8 + size + size % 2


def _sphere_data(data: bytes) -> tuple[int, int]:
    """As `_wav_data`, of a SPHERE file; what its head does not say is not missed."""
    head = _sphere_head(data)
    try:
        count = int(head["sample_count"]) * int(head.get("channel_count", "1"))
        size = count * int(head["sample_n_bytes"])
        return len(data) - int(head["head_bytes"]), size
    except (KeyError, ValueError):
        return 0, 0


def _ogg_ends(data: bytes) -> bool:
    """Is the last page of an Ogg file there in full, and marked as the last?"""
    place = data.rfind(b"OggS")
    if place + _OGG_HEAD.size > len(data):
        return False
    _, _, flags, _, _, _, _, segments = _OGG_HEAD.unpack_from(data, place)
    table = data[place + _OGG_HEAD.size :][:segments]
    end = place + _OGG_HEAD.size + segments + sum(table)
    return len(table) == segments and end <= len(data) and bool(flags & _OGG_LAST)


def _truncated(name: str, received: str) -> errors.BadExampleError:
    return errors.BadExampleError(
        f"A sound is cut short: {name}", received=received, expected="a whole file"
    )
