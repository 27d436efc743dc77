"""How sounds are shown: levels in a terminal, a player on a page, and what their files say."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import math
import wave
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.modality import view

if TYPE_CHECKING:
    import numpy as np

_BARS = " ▁▂▃▄▅▆▇█"
_QUIETEST_DB = -48.0
"""Below the loudest moment of a sound: a level that is shown as nothing."""

_WIDTH, _HEIGHT = 320, 64
_FEWER = 80
"""Of the parts of an envelope on a page that is to be small."""
_COLUMNS = 64
"""Of the levels in a terminal, at most."""

_BOARD_S = 30
"""Of a sound in TensorBoard, at most: a megabyte at 16 kHz."""


class AudioView(view.View):
    """Shows sounds."""

    decimals = 2
    unit = "seconds"

    def size(self, data: bytes) -> int:
        return round(100 * seconds(data))

    def describe(self, data: bytes) -> dict[str, Any]:
        return dataclasses.asdict(about(data))

    def summary(self, data: bytes) -> str:
        return about(data).summary()

    def drawing(self, data: bytes, *, columns: int, colour: bool) -> Any:
        from rich import text

        del colour
        return text.Text(level_bars(data, columns=max(1, min(columns, _COLUMNS))), "green")

    def suffix(self, data: bytes) -> str:
        del data
        return ".wav"

    def page(self, data: bytes) -> str:
        return svg(data) + self._player(data, "audio/wav", data)

    def compact(self, data: bytes, *, most_bytes: int) -> str:
        drawn = svg(data, columns=_FEWER)
        most = (most_bytes - len(drawn)) * 3 / 4  # base64 takes four characters for three bytes
        if len(data) < most:
            return drawn + self._player(data, "audio/wav", data)
        smaller = mp3(data)
        if smaller and len(smaller) < most:
            return drawn + self._player(data, "audio/mpeg", smaller)
        return view.View.page(self, data)

    def _player(self, data: bytes, mime: str, played: bytes) -> str:
        """Returns what plays the bytes played, and what the sound is."""
        source = f"data:{mime};base64,{base64.b64encode(played).decode('ascii')}"
        said = html.escape(self.summary(data))
        player = f'<audio controls preload="metadata" aria-label="{said}" src="{source}"></audio>'
        return player + view.View.page(self, data)

    def to_board(self, data: bytes, board: view.Board) -> None:
        with _opened(data) as file:
            rate, channels = file.getframerate(), file.getnchannels()
        samples = _samples(data)
        frames = samples[: len(samples) // channels * channels].reshape(-1, channels)
        board.sound(frames[: _BOARD_S * rate], rate)


@dataclasses.dataclass(frozen=True)
class About:
    """What there is to say of a sound.

    Attributes:
      rate: samples a second.
      channels: of the file.
      seconds: that it lasts.
      peak: of its samples, as a fraction of the greatest.
      size_bytes: of the file.
    """

    rate: int
    channels: int
    seconds: float
    peak: float
    size_bytes: int

    def summary(self) -> str:
        decibels = f"{20 * math.log10(self.peak):.1f} dB" if self.peak else "silent"
        channels = "mono" if self.channels == 1 else f"{self.channels} channels"
        return (
            f"{self.seconds:.2f} s, {self.rate:,} Hz, {channels}, peak {decibels}, "
            f"{self.size_bytes:,} bytes"
        )


def seconds(data: bytes) -> float:
    """Returns how long the sound in `data` lasts, from its head alone."""
    with _opened(data) as file:
        return file.getnframes() / file.getframerate()


def about(data: bytes) -> About:
    """Returns what the sound in `data` is.

    Raises:
      DataError: when it is no 16-bit WAV file.
    """
    with _opened(data) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        frames = file.getnframes()
    peak = float(abs(_samples(data)).max(initial=0.0))
    return About(rate, channels, frames / rate, peak, len(data))


def level_bars(data: bytes, *, columns: int = 64) -> str:
    """Returns the course of the loudness as a line of bars, in steps of 6 dB."""
    line = ""
    levels = _levels(data, columns)
    loudest = max(levels, default=0.0)
    for level in levels:
        decibels = 20 * math.log10(level / loudest) if level else -math.inf
        height = 1.0 - max(decibels, _QUIETEST_DB) / _QUIETEST_DB
        line += _BARS[math.ceil(height * (len(_BARS) - 1))]
    return line


def svg(data: bytes, *, columns: int = 160) -> str:
    """Returns the envelope of the waveform as an SVG; CSS gives `.bar` its colour."""
    peaks = [float(part.max(initial=0.0)) for part in _parts(abs(_samples(data)), columns)]
    loudest = max(peaks, default=0.0) or 1.0
    step = _WIDTH / max(len(peaks), 1)
    bars = []
    for place, peak in enumerate(peaks):
        height = max(peak / loudest * _HEIGHT, 1.0)
        bars.append(
            f'<rect class="bar" x="{place * step:.2f}" y="{(_HEIGHT - height) / 2:.2f}" '
            f'width="{step * 0.7:.2f}" height="{height:.2f}"/>'
        )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="waveform">'
        f"{''.join(bars)}</svg>"
    )


def mp3(data: bytes) -> bytes:
    """Returns a sound as MP3, a tenth of its size; empty where soundfile is not installed."""
    try:
        import soundfile
    except ImportError:
        return b""
    about_it = about(data)
    written = io.BytesIO()
    try:
        soundfile.write(
            written,
            _samples(data).reshape(-1, about_it.channels),
            about_it.rate,
            format="MP3",
            bitrate_mode="VARIABLE",
            compression_level=0.7,
        )
    except soundfile.LibsndfileError:
        return b""  # of a rate, or channels, that MP3 does not have
    return written.getvalue()


def _levels(data: bytes, columns: int) -> list[float]:
    """Returns the root mean square of each of `columns` parts of a sound, or fewer."""
    parts = _parts(_samples(data), columns)
    return [math.sqrt(float((part.astype(float) ** 2).mean())) for part in parts]


def _parts(samples: np.ndarray, count: int) -> list[np.ndarray]:
    import numpy as np

    return np.array_split(samples, min(count, len(samples))) if len(samples) else []


def _samples(data: bytes) -> np.ndarray:
    """Returns samples of all channels in turn, -1 to 1: float32 `[n * channels]`."""
    import numpy as np

    with _opened(data) as file:
        held = file.readframes(file.getnframes())
    whole = len(held) // 2 * 2
    return np.frombuffer(held[:whole], "<i2").astype(np.float32) / 32_768


def _opened(data: bytes) -> wave.Wave_read:
    try:
        file = wave.Wave_read(io.BytesIO(data))
        if file.getsampwidth() != 2 or not file.getframerate():
            raise wave.Error(f"{8 * file.getsampwidth()} bits at {file.getframerate()} Hz")
    except (wave.Error, EOFError) as error:
        raise errors.DataError(
            "A sound in the records cannot be read",
            received=f"{type(error).__name__}: {error}",
            expected="16-bit WAV bytes",
        ) from error
    return file
