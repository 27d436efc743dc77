"""Corruptions of sounds: of their samples, as in a room, over a line, by a recorder.

    strength          1      2      3      4      5
    white_noise      20     15     10      5      0   signal-to-noise ratio, dB
    pink_noise       20     15     10      5      0   the same, of noise with the power 1 / f
    reverberation    .2     .4     .6     .9    1.3   seconds in which it decays by 60 dB (RT60)
                      6      3      0     -3     -6   energy of the direct sound over it, dB
    gain            -10    -20    -30    -40    -50   dB, before rounding to 16 bits
    speed           .05    .10    .15    .20    .30   faster or slower by this share, pitch too
    clipping        .50    .30    .20    .10    .05   of the peak, where an amplifier clips

The ratios are those in use for speech (MUSAN, Snyder et al. 2015; Ko et al. 2017 for simulated
rooms, whose impulse response is decaying noise, Polack 1988; Ko et al. 2015 for speed). A sound
whose samples go beyond 16 bits is made quieter as a whole, which keeps all ratios; features do
not see loudness.
"""

from __future__ import annotations

import functools
import io
import wave
from collections.abc import Callable

import numpy as np

from t2t_mm.modality import corruption
from t2t_mm.modality.audio import encoding

Change = Callable[[np.ndarray, int, int, np.random.Generator], np.ndarray]
"""Samples float `[n]` from -1 to 1, their rate, a strength and random numbers to samples."""

SNR_DB = (20, 15, 10, 5, 0)
DECAY_S = (0.2, 0.4, 0.6, 0.9, 1.3)
DIRECT_DB = (6, 3, 0, -3, -6)
_GAIN_DB = (-10, -20, -30, -40, -50)
_SPEED = (0.05, 0.1, 0.15, 0.2, 0.3)
CLIPPED = (0.5, 0.3, 0.2, 0.1, 0.05)


def corruptions(shortest_s: float, longest_s: float) -> tuple[corruption.Corruption, ...]:
    """Returns the corruptions of sounds.

    Args:
      shortest_s: least duration of a sound, in seconds, which changes of speed keep to.
      longest_s: greatest duration.
    """
    kinds: dict[str, tuple[str, Change]] = {
        "white_noise": ("noise", _white_noise),
        "pink_noise": ("noise", _pink_noise),
        "reverberation": ("room", _reverberation),
        "gain": ("recorder", _gain),
        "clipping": ("recorder", _clipping),
        "speed": ("speed", functools.partial(_speed, shortest_s, longest_s)),
    }
    return tuple(
        corruption.Corruption(kind, family, functools.partial(_apply, change))
        for kind, (family, change) in kinds.items()
    )


def read(data: bytes) -> tuple[np.ndarray, int]:
    """Returns a record's samples, float64 `[n]` from -1 to 1, and their rate."""
    with wave.open(io.BytesIO(data)) as file:
        levels = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return levels / encoding.FULL_SCALE, file.getframerate()


def _apply(change: Change, data: bytes, strength: int, rng: np.random.Generator) -> bytes:
    samples, rate = read(data)
    changed = change(samples, rate, strength, rng)
    changed = changed / max(1.0, float(np.abs(changed).max()))
    full = encoding.FULL_SCALE
    levels = (changed * full).round().clip(-full, full - 1).astype("<i2")
    return encoding.to_wav(levels.tobytes(), rate)


def _white_noise(x: np.ndarray, rate: int, strength: int, rng: np.random.Generator) -> np.ndarray:
    del rate
    return _mixed(x, rng.normal(size=len(x)), SNR_DB[strength - 1])


def _pink_noise(x: np.ndarray, rate: int, strength: int, rng: np.random.Generator) -> np.ndarray:
    del rate
    waves = np.fft.rfft(rng.normal(size=len(x)))
    waves /= np.sqrt(np.maximum(np.arange(len(waves)), 1))
    return _mixed(x, np.fft.irfft(waves, len(x)), SNR_DB[strength - 1])


def _mixed(x: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Adds noise whose power is exactly `snr_db` below that of the sound."""
    wanted = np.mean(x**2) / 10 ** (snr_db / 10)
    return x + noise * np.sqrt(wanted / max(np.mean(noise**2), 1e-20))


def _reverberation(x: np.ndarray, rate: int, strength: int, rng: np.random.Generator) -> np.ndarray:
    """Convolves with a pulse and decaying noise; length and power of the sound stay."""
    decay_s, direct_db = DECAY_S[strength - 1], DIRECT_DB[strength - 1]
    time_s = np.arange(1, int(decay_s * rate) + 1) / rate
    tail = rng.normal(size=len(time_s)) * 10 ** (-3 * time_s / decay_s)
    tail *= np.sqrt(10 ** (-direct_db / 10) / np.sum(tail**2))
    room = np.concatenate([[1.0], tail])
    points = len(x) + len(room) - 1
    wet = np.fft.irfft(np.fft.rfft(x, points) * np.fft.rfft(room, points), points)[: len(x)]
    return wet * np.sqrt(np.mean(x**2) / max(np.mean(wet**2), 1e-20))


def _gain(x: np.ndarray, rate: int, strength: int, rng: np.random.Generator) -> np.ndarray:
    del rate, rng
    return x * 10 ** (_GAIN_DB[strength - 1] / 20)


def _clipping(x: np.ndarray, rate: int, strength: int, rng: np.random.Generator) -> np.ndarray:
    """Amplifies, and clips at the peak that the sound had."""
    del rate, rng
    share, peak = CLIPPED[strength - 1], float(np.abs(x).max())
    return np.clip(x / share, -peak, peak)


def _speed(
    shortest_s: float,
    longest_s: float,
    x: np.ndarray,
    rate: int,
    strength: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Resamples, without aliasing; the other way round where a limit would be passed."""
    share = _SPEED[strength - 1]
    factors = [1 + share, 1 / (1 + share)]
    if rng.random() < 0.5:
        factors.reverse()
    for factor in factors:
        points = round(len(x) / factor)
        if shortest_s * rate <= points <= longest_s * rate:
            return np.fft.irfft(np.fft.rfft(x), points) * (points / len(x))
    return x
