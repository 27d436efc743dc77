"""Audio: a sound, in records 16-bit mono WAV bytes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

from t2t_mm.config import ranges
from t2t_mm.modality import base, corruption

SPECTRAL, WAVEFORM = "spectral", "waveform"

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Sample rates that the graph supports; files of any rate can be converted to records."""

FRAMES_A_SECOND = 100
"""Of a spectrogram: one every 10 ms."""

STRIDES = {
    SPECTRAL: (2, 2, 2, 1, 1, 1, 1, 1, 1),
    WAVEFORM: (2, 2, 2, 2, 2, 2, 2, 2, 2),
}
"""Strides along time of the net's nine blocks, by representation; see `net.py`."""

_RANGES = {
    "sample_rate": ranges.rule(f"one of {', '.join(map(str, RATES))}", RATES.__contains__),
    "representation": ranges.rule(f"one of {', '.join(STRIDES)}", STRIDES.__contains__),
    "bands": ranges.numbers(8, 256),
    "max_seconds": ranges.numbers(0, above=True),
    "min_seconds": ranges.Range(
        "more than 0, less than max_seconds", lambda least, audio: 0 < least < audio.max_seconds
    ),
    "spec_augment": ranges.Range(
        "False: it masks a spectrum, and a waveform has none",
        lambda masks, audio: not masks or audio.representation == SPECTRAL,
    ),
}


@dataclasses.dataclass(frozen=True)
class Audio(base.Modality):
    """A sound; only as an input.

    Records hold one channel of 16 bits at `sample_rate`, whatever the files' format.

    Args:
      sample_rate: samples a second, one of `RATES`.
      representation: "spectral", a log-mel spectrum every 10 ms; or "waveform".
      bands: of the spectrum, from 20 Hz to half the sample rate.
      min_seconds: a shorter sound is a bad example.
      max_seconds: a longer sound is a bad example, since it would not fit into memory.
      spec_augment: in training, mask the spectrum in time and frequency (SpecAugment).
    """

    kind: ClassVar[str] = "audio"
    features_class: ClassVar[str] = "t2t_mm.modality.audio.features:AudioFeatures"
    check_class: ClassVar[str] = "t2t_mm.modality.audio.check:AudioCheck"
    net_class: ClassVar[str] = "t2t_mm.modality.audio.net:AudioNet"
    view_class: ClassVar[str] = "t2t_mm.modality.audio.view:AudioView"
    raw_form: ClassVar[base.RawForm] = "sound"
    has_planes: ClassVar[bool] = True
    unit: ClassVar[str] = "sound seconds"

    sample_rate: int = 16_000
    representation: str = SPECTRAL
    bands: int = 80
    min_seconds: float = 0.05
    max_seconds: float = 40.0
    spec_augment: bool = False

    def __post_init__(self) -> None:
        for name, allowed in _RANGES.items():
            ranges.require(f"Audio.{name}", getattr(self, name), allowed, self)

    @property
    def cells_a_position(self) -> int:
        """Frames, or samples, of one position of the body: the product of the strides."""
        return math.prod(STRIDES[self.representation])

    @property
    def cells_a_second(self) -> int:
        """Frames, or samples, of a second of sound."""
        return FRAMES_A_SECOND if self.representation == SPECTRAL else self.sample_rate

    def label(self) -> str:
        return f"{self.kind} {self.sample_rate / 1000:g} kHz"

    def corruptions(self) -> tuple[corruption.Corruption, ...]:
        from t2t_mm.modality.audio import corruptions

        return corruptions.corruptions(self.min_seconds, self.max_seconds)

    def augmentations(self) -> tuple[str, ...]:
        return "white_noise", "clipping", "reverberation"

    def attack(self) -> corruption.Attack:
        """Returns a ball of samples: 40, 35, 30, 25 and 20 dB below the sound."""
        return corruption.Attack(radii=(0.01, 0.0178, 0.0316, 0.0562, 0.1), low=-1, high=1)

    def encode(self, value: Any) -> bytes:
        """Encodes a sound file's path or bytes, or samples with their rate.

        A path may be anything that has `read_bytes()`; samples are a pair of an array
        `[n]` or `[n, channels]` (float from -1 to 1, or int16) and samples a second.
        """
        from t2t_mm.modality.audio import encoding

        return encoding.encode(
            value,
            sample_rate=self.sample_rate,
            shortest_s=self.min_seconds,
            longest_s=self.max_seconds,
        )

    def amount(self, features: Any) -> float:
        """Returns the seconds of sound in a batch, without padding.

        Args:
          features: float32 `[B, T, F]`, of which the last channel is the mask.
        """
        import numpy as np

        # Summed on the host: on a GPU it would wait for the previous step.
        return float(np.asarray(features)[:, :, -1].sum()) / self.cells_a_second

    def net_name(self, problem: str) -> str:
        """Shares a net between sounds of the same sample rate, representation and bands."""
        del problem
        name = f"{self.kind}_{self.representation}_{self.sample_rate}"
        name = f"{name}_{self.bands}" if self.representation == SPECTRAL else name
        return self.with_net(name)
