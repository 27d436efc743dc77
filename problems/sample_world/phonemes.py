"""The sounds of English, as targets for the synthesiser of `synthesis`.

Each phoneme (ARPAbet's, and AX for the unstressed vowel) is one or several `Segment`s:
a target for the three lowest resonances (formants) of the vocal tract, and how much
voice, breath and friction there is. A diphthong moves between two targets; a stop is
silence, a burst, and breath.
"""

from __future__ import annotations

import dataclasses

UNKNOWN = (0.0, 0.0, 0.0)
"""Formants that follow from the neighbours: those of breath and of silence."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """A stretch of sound with one target.

    Args:
      ms: its length, spoken at middling speed.
      formants: the three lowest, in Hz, of a tract of middling length.
      voice, breath, hiss: levels of the three sources.
      band: centre and width of the hiss, in Hz.
      damping: factor on the bandwidths of the formants (through the nose: more).
    """

    ms: float
    formants: tuple[float, float, float]
    voice: float = 0.0
    breath: float = 0.0
    hiss: float = 0.0
    band: tuple[float, float] = (3_000, 1_000)
    damping: float = 1.0


def _vowel(ms: float, *targets: tuple[float, float, float]) -> tuple[Segment, ...]:
    return tuple(Segment(ms / len(targets), target, voice=1.0) for target in targets)


def _nasal(ms: float, *formants: float) -> tuple[Segment, ...]:
    low, middle, high = formants
    return (Segment(ms, (low, middle, high), voice=0.5, damping=2.5),)


def _fricative(
    ms: float, hiss: float, band: tuple[float, float], locus: float, voice: float = 0.0
) -> tuple[Segment, ...]:
    return (Segment(ms, (300, locus, 2_500), voice=voice, hiss=hiss, band=band),)


def _stop(
    burst: float, band: tuple[float, float], locus: float, *, voiced: bool
) -> tuple[Segment, ...]:
    place = (230.0, locus, 2_400.0)
    closed = Segment(50, place, voice=0.12 if voiced else 0.0, damping=2.0)
    released = Segment(12, place, hiss=burst, band=band)
    return (closed, released) if voiced else (closed, released, Segment(30, UNKNOWN, breath=0.2))


_S, _SH, _WIDE = (4_800, 1_100), (2_700, 600), (3_800, 2_200)
TARGETS: dict[str, tuple[Segment, ...]] = {
    # Vowels after Peterson and Barney (1952), men.
    "IY": _vowel(100, (270, 2_290, 3_010)),
    "IH": _vowel(75, (390, 1_990, 2_550)),
    "EH": _vowel(90, (530, 1_840, 2_480)),
    "AE": _vowel(110, (660, 1_720, 2_410)),
    "AA": _vowel(110, (730, 1_090, 2_440)),
    "AO": _vowel(110, (570, 840, 2_410)),
    "UH": _vowel(75, (440, 1_020, 2_240)),
    "UW": _vowel(100, (300, 870, 2_240)),
    "AH": _vowel(85, (640, 1_190, 2_390)),
    "ER": _vowel(110, (490, 1_350, 1_690)),
    "AX": _vowel(50, (500, 1_400, 2_400)),
    "EY": _vowel(130, (480, 1_950, 2_550), (330, 2_200, 2_800)),
    "AY": _vowel(150, (720, 1_150, 2_450), (380, 2_050, 2_600)),
    "OW": _vowel(130, (520, 950, 2_350), (360, 800, 2_250)),
    "AW": _vowel(150, (710, 1_250, 2_450), (400, 900, 2_300)),
    "W": (Segment(60, (290, 610, 2_150), voice=0.6),),
    "Y": (Segment(55, (260, 2_200, 3_000), voice=0.6),),
    "R": (Segment(60, (330, 1_100, 1_450), voice=0.7),),
    "L": (Segment(60, (360, 1_050, 2_750), voice=0.6),),
    "M": _nasal(70, 260, 1_000, 2_200),
    "N": _nasal(65, 260, 1_600, 2_600),
    "NG": _nasal(75, 260, 2_100, 2_700),
    "HH": (Segment(60, UNKNOWN, breath=0.25),),
    "F": _fricative(85, 0.08, _WIDE, 900),
    "TH": _fricative(85, 0.07, _WIDE, 1_400),
    "S": _fricative(95, 0.5, _S, 1_700),
    "SH": _fricative(95, 0.35, _SH, 1_900),
    "V": _fricative(55, 0.05, _WIDE, 900, voice=0.3),
    "DH": _fricative(45, 0.04, _WIDE, 1_400, voice=0.3),
    "Z": _fricative(75, 0.25, _S, 1_700, voice=0.2),
    "P": _stop(0.4, (900, 600), 800, voiced=False),
    "T": _stop(0.7, (3_800, 1_000), 1_750, voiced=False),
    "K": _stop(0.6, (1_900, 500), 2_000, voiced=False),
    "B": _stop(0.3, (900, 600), 800, voiced=True),
    "D": _stop(0.5, (3_600, 1_000), 1_750, voiced=True),
    "G": _stop(0.4, (1_900, 500), 2_000, voiced=True),
    "CH": (Segment(45, (230, 1_850, 2_500)), *_fricative(75, 0.45, _SH, 1_900)),
    "JH": (
        Segment(40, (230, 1_850, 2_500), voice=0.12, damping=2.0),
        *_fricative(55, 0.3, _SH, 1_900, voice=0.2),
    ),
}
