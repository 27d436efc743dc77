"""Writes sentences of scenes as recordings, in the raw layouts of corpora of speech.

Of all scenes only those are spoken that take few words, so that recordings last some two
seconds. Nobody who speaks in training is heard in validation or test, but for the
digits, where the speakers are the same, as they are in the real recordings.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import pathlib
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from t2t_mm.problems.sample_world import english, pronunciation, scene, speech
from t2t_mm.process import extras

if TYPE_CHECKING:
    import numpy as np

RATE = 8_000
"""Samples a second of all recordings: half of the real ones', and enough for the voice."""

_MOST_WORDS = 8
_HELD_OUT = 100
_SPEAKERS = {"train": 24, "validation": 6, "test": 6}
_WSJ = {
    "train": ("0", "si_tr_s", "train/tr_s_wv1.ndx"),
    "validation": ("1", "si_dt_05", "test/nvp/si_dt_05.ndx"),
    "test": ("4", "si_et_05", "test/nvp/si_et_05.ndx"),
}
_LIBRISPEECH = {"train": "train-clean-100", "validation": "dev-clean", "test": "test-clean"}
_DIGIT_SPEAKERS = ("anna", "bruno", "clara", "david", "emma", "felix")
_FIRST_INDEX = {"train": 10, "validation": 5, "test": 0}
_EACH_INDEX = len(_DIGIT_SPEAKERS) * len(pronunciation.DIGITS)
_HELD_OUT_DIGITS = 5 * _EACH_INDEX


def sizes(size: int) -> dict[str, int]:
    """Returns the recordings of each split for `size` recordings of training.

    Speech is dear: of sentences there are half as many to be tested on as of texts.
    """
    held_out = max(_HELD_OUT, size // 50)
    return {"train": size, "validation": held_out, "test": held_out}


def write_wsj(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes recordings as CSR-I has them: SPHERE files, indices, `.dot` transcripts.

    Args:
      folder: where to write.
      seed: of the scenes and voices.
      size: recordings for training.
    """
    top = folder / "wsj0"
    for split, (digit, place, index) in _WSJ.items():
        listed: list[str] = []
        sessions: dict[str, list[str]] = collections.defaultdict(list)
        for said in _utterances(split, seed=seed, count=sizes(size)[split]):
            speaker = f"{digit}{said.speaker:02d}"
            session = f"{speaker}c{2 + said.place // 99:02d}"
            name = f"{session}{1 + said.place % 99:02d}"
            path = top / place / speaker / f"{name}.wv1"
            _save(path, said.sound(seed), "NIST")
            listed.append(f"11_1_1:wsj0/{place}/{speaker}/{path.name}")
            sessions[session].append(f"{said.words} ({name})")
        _save_lines(top / "doc" / "indices" / index, ["; An index of the sample world", *listed])
        for session, lines in sessions.items():
            dots = top / "transcrp" / "dots" / place / session[:3]
            _save_lines(dots / f"{session}00.dot", lines)


def write_librispeech(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes recordings as LibriSpeech has them: FLAC files and transcripts by chapter.

    Args:
      folder: where to write.
      seed: of the scenes and voices.
      size: recordings for training.
    """
    for number, (split, subset) in enumerate(_LIBRISPEECH.items(), start=1):
        chapters: dict[str, list[str]] = collections.defaultdict(list)
        for said in _utterances(split, seed=seed, count=sizes(size)[split]):
            speaker, chapter = 100 * number + said.speaker, 1_000 + said.place // 100
            name = f"{speaker}-{chapter}-{said.place % 100:04d}"
            place = f"{subset}/{speaker}/{chapter}"
            _save(folder / "LibriSpeech" / place / f"{name}.flac", said.sound(seed), "FLAC")
            chapters[f"{place}/{speaker}-{chapter}.trans.txt"].append(
                f"{name} {said.words.upper()}"
            )
        for place, lines in chapters.items():
            _save_lines(folder / "LibriSpeech" / place, lines)


def write_fsdd(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes spoken digits as the Free Spoken Digit Dataset has them: WAV files.

    Args:
      folder: where to write.
      seed: of the voices.
      size: recordings for training.
    """
    for split, first in _FIRST_INDEX.items():
        count = min(sizes(size)[split], _HELD_OUT_DIGITS) if split != "train" else size
        for number in range(count):
            index, place = divmod(number, _EACH_INDEX)
            speaker, digit = divmod(place, len(pronunciation.DIGITS))
            name = f"{digit}_{_DIGIT_SPEAKERS[speaker]}_{first + index}"
            voice = _voice(seed, "digits", speaker)
            dice = random.Random(f"digit {seed}/{name}")
            sound = speech.say(pronunciation.DIGITS[digit], voice, rate=RATE, dice=dice)
            _save(folder / "recordings" / f"{name}.wav", sound, "WAV")


@dataclasses.dataclass(frozen=True)
class _Utterance:
    """A sentence, the number of who says it, and of the sentence among theirs."""

    split: str
    text: str
    speaker: int
    place: int

    @property
    def words(self) -> str:
        """The sentence without its punctuation, as it is transcribed."""
        return self.text.rstrip(".?").replace(",", "")

    def sound(self, seed: int) -> np.ndarray:
        """Returns the recording, float32 samples [N]."""
        voice = _voice(seed, self.split, self.speaker)
        dice = random.Random(f"speech {seed}/{self.split}/{self.speaker}/{self.place}")
        return speech.say(self.text, voice, rate=RATE, dice=dice)


def _utterances(split: str, *, seed: int, count: int) -> Iterator[_Utterance]:
    """Yields the first so many scenes of a split that take few words; speakers take turns."""
    texts = (english.write(scene.draw(seed, split, number)) for number in itertools.count())
    short = (text for text in texts if len(text.split()) <= _MOST_WORDS)
    for number, text in enumerate(itertools.islice(short, count)):
        place, speaker = divmod(number, _SPEAKERS[split])
        yield _Utterance(split, text, speaker, place)


def _voice(seed: int, group: str, number: int) -> speech.Voice:
    return speech.Voice.draw(random.Random(f"voice {seed}/{group}/{number}"))


def _save(path: pathlib.Path, sound: np.ndarray, container: str) -> None:
    """Writes samples [N] with 16 bits each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile = extras.load("soundfile", extra="audio", what="Writing sounds")
    soundfile.write(path, sound, RATE, format=container, subtype="PCM_16")


def _save_lines(path: pathlib.Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
