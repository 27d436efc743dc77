"""Sound files: reads them by libsndfile, and detects truncated ones.

A header may lack the length: of a stream, of a recording that was not closed, of an MP3
without a table. So every file is read to its end, and the number of samples is compared
with the header's, if it has one: libsndfile reads most truncated files without an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.files import content, limits
from t2t_mm.modality import media
from t2t_mm.modality.audio import headers
from t2t_mm.process import extras, quiet_import

if TYPE_CHECKING:
    import numpy as np

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""The range of plausible sample rates."""

MOST_SAMPLES = 1 << 26
SAMPLES_VARIABLE = "T2T_MM_MAX_SAMPLES"
"""Environment variable for the largest number of samples of all channels, instead of that
number (over an hour of stereo at 8 kHz): a file of some kB may claim enough to fill the
memory."""

_BLOCK = 1 << 20  # samples read at a time, of all channels
_MPEG_DELAY = 4_096  # MP3 decoders may return so many samples more or fewer than the table says
_MPEG_TABLES = (b"Xing", b"Info", b"VBRI")  # tables with the number of frames
_MPEG_HEAD = 4_096  # bytes after the tags in which such a table begins
_MPEG_NOTICE = re.compile(
    rb"^(\[src/libmpg123/|Note: (Illegal Audio|Trying to resync|Skipped |Hit end|Found )|"
    rb"Warning: (Xing stream|Encountered|Big change))[^\n]*\n|^\n",
    re.MULTILINE,
)
_ONE_AT_A_TIME = threading.Lock()  # standard error is captured, and there is only one
_OTHER_SIZE = re.compile(r"(\w+)\s*: (\d+) \(should be (\d+)\)")  # in libsndfile's log


def read(data: bytes, name: str, *, longest_s: float) -> tuple[np.ndarray, int]:
    """Returns the samples of a sound file, float32 `[n, channels]`, and their rate.

    Args:
      data: the file: WAV, FLAC, Ogg, NIST SPHERE, or another format of libsndfile.
      name: of the file, for errors.
      longest_s: seconds; a longer sound is not decoded.

    Raises:
      BadExampleError: for a file that is no sound, truncated, or too long.
    """
    soundfile = extras.load("soundfile", extra="audio", what="Reading sounds")
    _check_coding(data, name)
    claimed = headers.claimed_rate(data)
    if claimed is not None:
        check_sample_rate(name, claimed)  # libsndfile accepts 0, and more than 2**31
    missing = headers.missing_part(data)
    if missing:
        raise _truncated(name, missing)
    data = headers.with_size(data)
    try:
        with _without_notices(data), soundfile.SoundFile(io.BytesIO(data)) as file:
            check_sample_rate(name, int(file.samplerate))
            is_mpeg = file.format == "MP3"
            frames = _claimed_frames(data, file, is_mpeg=is_mpeg)
            if frames is not None and frames > longest_s * file.samplerate:
                raise too_short_or_long(name, frames / file.samplerate, 0.0, longest_s)
        # libsndfile estimates the length of an MP3 and stops there, unless it is a stream.
        opened = _piped(data) if is_mpeg else contextlib.nullcontext(io.BytesIO(data))
        with _without_notices(data), opened as source, _stream(soundfile, source) as file:
            sample_rate = int(file.samplerate)
            length = (
                longest_s * sample_rate if frames is None else min(frames, longest_s * sample_rate)
            )
            _check_samples(int(length) * int(file.channels), name)
            samples = _to_end(file, most=longest_s * sample_rate)
    except soundfile.SoundFileError as error:
        said = str(getattr(error, "error_string", error)).rstrip(".")
        if "SF_INFO" in said:  # libsndfile's word for unexpected numbers in a header
            said = "its head claims a rate or a number of channels that no sound has"
        foreign = media.foreign(data)
        raise errors.BadExampleError(
            f"A sound does not decode: {name}",
            received=f"{len(data):,} bytes that begin {data[:8]!r}: {said}",
            expected="a whole WAV, FLAC, Ogg, MP3 or NIST SPHERE file",
            hint=foreign and f"It is {foreign}. Convert it: ffmpeg -i {name} OUT.wav",
        ) from error
    if len(samples) > longest_s * sample_rate:
        raise too_short_or_long(name, len(samples) / sample_rate, 0.0, longest_s, at_least=True)
    if frames is not None and len(samples) < frames - (_MPEG_DELAY if is_mpeg else 0):
        raise _truncated(name, f"{len(samples):,} of {frames:,} samples")
    return samples, sample_rate


@contextlib.contextmanager
def _without_notices(data: bytes) -> Iterator[None]:
    """Keeps libmpg123's lines about a damaged MP3 off the terminal, except under `--debug`.

    An undecodable file becomes an error of ours, with its name; lesser damage is tolerated.
    """
    may_be_mpeg = data[:4] not in (b"RIFF", b"fLaC", b"OggS", b"NIST")
    if not (may_be_mpeg and quiet_import.is_installed()):
        yield
        return
    with _ONE_AT_A_TIME, quiet_import.without_notices(_MPEG_NOTICE):
        yield


def check_sample_rate(name: str, sample_rate: int) -> None:
    """Raises for an implausible sample rate, from a damaged or wrong header."""
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise errors.BadExampleError(
            f"A sound claims a rate that it cannot have: {name}",
            received=f"{sample_rate:,} samples a second",
            expected=f"{LOWEST_RATE:,} to {HIGHEST_RATE:,}",
        )


def _check_samples(count: int, name: str) -> None:
    """Raises for a sound too large to decode, by its header alone."""
    most = limits.most(SAMPLES_VARIABLE, MOST_SAMPLES, "samples")
    if count > most:
        raise errors.BadExampleError(
            f"A sound may have too many samples to be decoded: {name}",
            received=f"{count:,} of all channels",
            expected=f"{most:,} at most, which take {content.mebibytes(4 * most)}",
            hint=f"Take fewer channels, or set {SAMPLES_VARIABLE} in the environment",
        )


def too_short_or_long(
    name: str, seconds: float, shortest_s: float, longest_s: float, *, at_least: bool = False
) -> errors.BadExampleError:
    """Returns the error of a sound whose duration is out of range.

    Args:
      name: of the file.
      seconds: its duration.
      shortest_s: least duration in seconds.
      longest_s: greatest duration in seconds.
      at_least: whether reading stopped at `seconds`.
    """
    which = "short" if seconds < shortest_s else "long"
    return errors.BadExampleError(
        f"A sound is too {which}: {name}",
        received=f"{'at least ' if at_least else ''}{seconds:,.2f} s",
        expected=f"{shortest_s:g} to {longest_s:g} s",
        hint="Audio(min_seconds=, max_seconds=) say what is taken",
    )


def _check_coding(data: bytes, name: str) -> None:
    """Raises for a compressed SPHERE file, which is common in LDC corpora."""
    head = headers.sphere_fields(data)
    coding = head.get("sample_coding", "")
    if "embedded-" not in coding:
        return
    raise errors.BadExampleError(
        f"A sound is compressed in a way that libsndfile does not read: {name}",
        received=f"sample_coding {coding}",
        expected="a SPHERE file with sample_coding pcm or ulaw, or a WAV file",
        hint="Decompress it with the LDC's sph2pipe: sph2pipe -f wav IN.wv1 OUT.wav",
    )


def _stream(soundfile: Any, source: Any) -> Any:
    """Opens a sound as a stream, since soundfile otherwise stops at the header's length."""

    class Stream(soundfile.SoundFile):  # type: ignore[name-defined, misc]
        def seekable(self) -> bool:
            return False

    return Stream(source, closefd=False)


@contextlib.contextmanager
def _piped(data: bytes) -> Iterator[int]:
    """Yields the descriptor of a pipe with `data`, which cannot seek."""
    outlet, inlet = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(inlet, "wb") as file:
            file.write(data)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield outlet
    finally:
        os.close(outlet)
        thread.join()


def _to_end(file: Any, *, most: float) -> np.ndarray:
    """Reads the rest of an open sound, `[n, channels]`, up to a block beyond `most`."""
    import numpy as np

    blocks: list[np.ndarray] = []
    count = 0
    while count <= most:
        block = file.read(max(1, _BLOCK // file.channels), dtype="float32", always_2d=True)
        if not len(block):
            break
        blocks.append(block)
        count += len(block)
    return np.concatenate(blocks) if blocks else np.zeros([0, file.channels], np.float32)


def _claimed_frames(data: bytes, file: Any, *, is_mpeg: bool) -> int | None:
    """Returns the samples of each channel by the header, or None.

    If libsndfile found less data, its log says so: "Data Size : 160000 (should be 79988)".
    """
    frames = int(file.frames)
    if is_mpeg:
        start = headers.mpeg_start(data)
        head = data[start : start + _MPEG_HEAD]
        return frames if any(table in head for table in _MPEG_TABLES) else None
    for _, claimed, actual in _OTHER_SIZE.findall(file.extra_info):
        if int(actual) < int(claimed) < headers.UNKNOWN_SIZE:
            return frames * int(claimed) // max(1, int(actual))
    return frames if frames < 1 << 62 else None


def _truncated(name: str, received: str) -> errors.BadExampleError:
    return errors.BadExampleError(
        f"A sound is cut short: {name}", received=received, expected="a whole file"
    )
