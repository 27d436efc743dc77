"""FSDD, the Free Spoken Digit Dataset (Jackson et al.): single digits at 8 kHz."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Sequence

from t2t_mm import errors, problem
from t2t_mm.corpus import archives, raw
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.downloads.declaration import Download
from t2t_mm.modality.audio import declaration as audio
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora_speech, pronunciation

Recording = pathlib.Path | archives.Content

_ARCHIVE = "free-spoken-digit-dataset-"
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)")
_OFFICIAL_TEST = range(5)
_TEST_OTHERWISE = range(5, 8)
_HELD_OUT = range(10)


class Digits(problem.Problem):
    """The base: one digit a recording, split by the index that ends a recording's name.

    - Test: 0 to 4, as the data set's authors define it; of a copy that has none of
      these, 5 to 7.
    - Validation: the others of 0 to 9.
    - Training: 10 and more, so that no recording of 0 to 9 is ever trained on.
    """

    version = "1.0.0"
    corpus = "fsdd"
    layout = (
        "recordings/DIGIT_SPEAKER_INDEX.wav, as in the repository free-spoken-digit-dataset, or "
        f"{_ARCHIVE}*.tar.gz of it, with indices from 0 (or 5) to 9 (test and validation) and more "
        "(training)"
    )
    inputs = {"audio": audio.Audio(sample_rate=8_000)}
    sources = ("manual", "sample")
    downloads = (
        Download(
            "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz",
            11_975_353,
            "8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
            path="free-spoken-digit-dataset-1.0.9.tar.gz",
        ),
    )
    sample_size = 1_200

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        found = [_recording(path) for path in _paths(files)]
        official = any(index in _OFFICIAL_TEST for index, *_ in found)
        test = _OFFICIAL_TEST if official else _TEST_OTHERWISE
        # By index, then speaker, so that digits are interleaved (for --max_examples).
        for index, _, digit, path in files.share(sorted(found, key=lambda one: one[:3])):
            held = ("test" if index in test else "validation") if index in _HELD_OUT else "train"
            if held == split:
                yield f"{split}/{path.stem}", {"audio": path, "targets": self.answer(digit)}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_units(len(_paths(files)))

    def answer(self, digit: int) -> str:
        """Returns the target for a digit."""
        raise NotImplementedError(f"{type(self).__name__}.answer")

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_speech.write_fsdd(folder, seed=seed, size=size)


@problem.register_problem("fsdd")
class Fsdd(Digits):
    """A sound to one of ten classes."""

    targets = categorical.Categorical(classes=tuple("0123456789"))
    command = "to-class"
    metrics = ("accuracy", "log_perplexity")

    def answer(self, digit: int) -> str:
        return str(digit)


@problem.register_problem("fsdd_words")
class FsddWords(Digits):
    """A sound to the word that was said."""

    targets = language.Language(vocab="mm_8k", max_length=16)
    command = "to-english"
    metrics = ("wer", "log_perplexity")

    def answer(self, digit: int) -> str:
        return pronunciation.DIGITS[digit]


def _paths(files: raw.RawFiles) -> Sequence[Recording]:
    """Returns all recordings; those of the archive, 24 MB, are read into the memory."""
    archives_there = files.glob(f"{_ARCHIVE}*.tar.gz", optional=True)
    if files.exists("recordings") or not archives_there:
        return files.glob("recordings/*", endings=(".wav",))
    return [
        member
        for member in files.contents(archives_there[-1].name, endings=(".wav",))
        if member.parent.name == "recordings"
    ]


def _recording(path: Recording) -> tuple[int, str, int, Recording]:
    """Returns index, speaker and digit, as a recording's name tells them, and its path."""
    name = _NAME.fullmatch(path.stem)
    if name is None:
        raise errors.DataError(
            "A recording's name does not say what it holds",
            received=path,
            expected="DIGIT_SPEAKER_INDEX.wav, such as 7_jackson_32.wav",
        )
    return int(name["index"]), name["speaker"], int(name["digit"]), path
