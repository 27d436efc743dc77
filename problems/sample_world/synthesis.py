"""A small formant synthesiser, for recordings of the sample world's sentences.

The model is the textbook's: a source, and the filter of the vocal tract.

- Each phoneme is one or several targets (`phonemes.Segment`) for the three lowest resonances
  (formants) of the tract, and how much voice, breath and friction there is. A diphthong
  moves between two targets; a stop is silence, a burst, and breath.
- Formants glide from target to target, since tongue and lips do (averaged over some
  60 ms); levels change faster (some 24 ms).
- The voice is a train of glottal pulses, whose pitch falls along the sentence and rises
  at the end of a question. It goes through the formants in a row, and so does breath;
  friction has a band of frequencies of its own.
- A `speech.Voice` says who speaks: pitch, length of the tract, speed, breathiness. The room adds
  a little noise. All that a recording's words leave open follows from the given dice.

Filtering is done on short overlapping frames, all of a sentence at once, in the frequency
domain; so it is many times faster than speaking.

Axis letters: `S` segments, `T` frames, `K` frequencies, `N` samples.
"""

from __future__ import annotations

import random
import re

import numpy as np

from t2t_mm.problems.sample_world import phonemes, pronunciation, speech

_FRAMES_PER_S = 125
_GLIDE, _CHANGE = np.hanning(9)[1:-1], np.hanning(5)[1:-1]
"""Weights of neighbouring frames for formants and for levels."""
_HIGHER_HZ = (3_500, 4_500, 5_500, 6_500)
_WIDTHS_HZ = (70, 90, 130, 200, 250, 300, 350)
"""Resonances above the third, which hardly move, and the bandwidths of all."""


def say(text: str, voice: speech.Voice, *, rate: int, dice: random.Random) -> np.ndarray:
    """Returns a recording, float32 samples [N]; the arguments are those of `speech.say`."""
    noise = np.random.default_rng(dice.getrandbits(64))
    segments = [phonemes.Segment(dice.uniform(60, 140), phonemes.UNKNOWN)]
    for word in re.findall(r"[a-z]+|,", text.lower()):
        if word == ",":
            segments.append(phonemes.Segment(120, phonemes.UNKNOWN))
        else:
            segments += [
                s for name in pronunciation.pronounce(word) for s in phonemes.TARGETS[name]
            ]
    segments.append(phonemes.Segment(dice.uniform(80, 160), phonemes.UNKNOWN))
    spoken = _speak(segments, voice, rate, noise, asks=text.rstrip().endswith("?"))
    spoken *= dice.uniform(0.05, 0.12) / (np.sqrt(np.mean(np.square(spoken))) + 1e-9)
    room = noise.standard_normal(len(spoken), dtype=np.float32)
    room[1:] += 0.9 * room[:-1]  # low frequencies prevail
    return np.clip(spoken + 10 ** dice.uniform(-3.5, -2.7) * room, -1, 1)


def _speak(
    segments: list[phonemes.Segment],
    voice: speech.Voice,
    rate: int,
    noise: np.random.Generator,
    *,
    asks: bool,
) -> np.ndarray:
    """Returns float32 samples [N] of some segments, of any loudness."""
    hop = rate // _FRAMES_PER_S
    tracks = _tracks(segments, voice, noise)
    frames = len(tracks["voice"])
    pulses = _pulses(_pitch(frames, voice, noise, asks=asks), hop)
    hertz = np.arange(2 * hop + 1, dtype=np.float32) * (rate / (4 * hop))  # [K]
    tract = _resonances(tracks["formants"] * voice.tract, tracks["damping"], hertz)  # [T, K]
    away = (hertz - tracks["centre"][:, None]) / tracks["width"][:, None]
    friction = tracks["hiss"][:, None] * np.exp(-0.5 * np.square(away))  # [T, K]
    spectrum = _spectra(pulses, hop) * tract * tracks["voice"][:, None]
    air = _spectra(noise.standard_normal(len(pulses), dtype=np.float32), hop)
    breath = tracks["breath"] + voice.breath * tracks["voice"]
    spectrum += air * (tract * breath[:, None] + friction)
    # Each frame of two hops rings for two more, and is added where it belongs.
    ringing = np.fft.irfft(spectrum, 4 * hop).astype(np.float32, copy=False)  # [T, 4 hops]
    out = np.zeros((frames + 3) * hop, np.float32)
    for part in range(4):
        out[part * hop : (part + frames) * hop] += ringing[:, part * hop : (part + 1) * hop].ravel()
    return out


def _tracks(
    segments: list[phonemes.Segment], voice: speech.Voice, noise: np.random.Generator
) -> dict[str, np.ndarray]:
    """Returns how formants [T, 3] and levels [T] move along the sentence."""
    ms = np.array([segment.ms for segment in segments])
    ends = np.cumsum(ms * noise.uniform(0.9, 1.1, len(ms)) / voice.speed)
    times = np.arange(0, ends[-1], 1_000 / _FRAMES_PER_S)
    places = np.searchsorted(ends, times, side="right")  # [T], which segment
    targets = np.array([segment.formants for segment in segments])  # [S, 3]
    known = np.flatnonzero(targets[:, 0])
    formants = np.stack(
        [np.interp(np.arange(len(targets)), known, targets[known, n]) for n in range(3)], axis=1
    )
    tracks = {"formants": _smooth(formants[places], _GLIDE)}
    for name in ("voice", "breath", "hiss", "damping"):
        levels = np.array([getattr(segment, name) for segment in segments])
        tracks[name] = _smooth(levels[places, None], _CHANGE)[:, 0]
    bands = np.array([segment.band for segment in segments], np.float32)[places]  # [T, 2]
    return {**tracks, "centre": bands[:, 0], "width": bands[:, 1]}


def _smooth(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Averages [T, n] over neighbouring frames."""
    half = len(weights) // 2
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
    return (windows @ (weights / weights.sum())).astype(np.float32)


def _pitch(
    frames: int, voice: speech.Voice, noise: np.random.Generator, *, asks: bool
) -> np.ndarray:
    """Returns the pitch in Hz [T + 1]: falling, a little unsteady."""
    along = np.linspace(0, 1, frames + 1)
    wave = 2 * np.pi * (noise.uniform(0.8, 1.6) * np.arange(frames + 1) / _FRAMES_PER_S)
    pitch = 1.12 - 0.24 * along + 0.05 * np.sin(wave + noise.uniform(0, 2 * np.pi))
    if asks:
        pitch += 0.4 * np.clip((along - 0.8) / 0.2, 0, 1)
    return voice.pitch_hz * pitch


def _pulses(pitch: np.ndarray, hop: int) -> np.ndarray:
    """Returns the flow of air through the glottis, differentiated: float32 [(T + 1) hops].

    The flow of a period is x^2 - x^3 while the glottis is open, and none after that
    (Klatt and Klatt, 1990).
    """
    rate = hop * _FRAMES_PER_S
    places = np.arange(len(pitch) * hop) / hop
    phase = np.cumsum(np.interp(places, np.arange(len(pitch)), pitch)) / rate
    x = ((phase % 1) / 0.6).astype(np.float32)
    return np.where(x < 1, 2 * x - 3 * x * x, 0)


def _spectra(samples: np.ndarray, hop: int) -> np.ndarray:
    """Returns complex [T, K]: frames of two hops, a hop apart, whose windows add up to 1."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2 * hop)[::hop]
    window = np.hanning(2 * hop + 1)[:-1].astype(np.float32)
    return np.fft.rfft(frames * window, 4 * hop)


def _resonances(formants: np.ndarray, damping: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """Returns the response of the tract, complex [T, K]: its resonances in a row.

    Args:
      formants: [T, 3], in Hz; higher ones are added as far as the frequencies go.
      damping: [T], factor on the bandwidths.
      hertz: [K].
    """
    higher = [f for f in _HIGHER_HZ if f < hertz[-1]]
    centres = [*formants.T[:, :, None], *(np.full((1, 1), f, np.float32) for f in higher)]
    response = np.ones((len(formants), len(hertz)), np.complex64)
    for centre, width in zip(centres, _WIDTHS_HZ, strict=False):
        square = centre * centre
        response *= square / (square - hertz * hertz + 1j * hertz * (width * damping[:, None]))
    return response
