"""LibriSpeech: audiobooks read aloud, with what was read (Panayotov et al. 2015)."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.downloads.declaration import Download
from t2t_mm.problems.sample_world import corpora_speech
from t2t_mm.problems.speech import base

_SUBSETS = {
    "train": (("train-clean-100", "train-clean-360", "train-other-500"), ("train-clean-5",)),
    "validation": (("dev-clean",), ("dev-clean-2",)),
    "test": (("test-clean",),),
}
"""The subsets of each split: groups, of which the first with any files is read. The second
groups are those of Mini LibriSpeech, which repeats a part of the first."""

_STAND_INS = {"validation": 0, "test": 5}
"""Which of every ten training speakers replaces a missing held-out subset."""

_PUBLISHED = {
    "train-clean-100": (
        6_387_309_499,
        "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    ),
    "train-clean-360": (
        23_049_477_885,
        "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    ),
    "train-other-500": (
        30_593_501_606,
        "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    ),
    "dev-clean": (337_926_286, "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3"),
    "test-clean": (346_663_984, "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23"),
}
"""Sizes and sha256 of the archives, as TensorFlow Datasets has them."""

_SITES = (
    "https://www.openslr.org/resources/12",
    "http://www.openslr.org/resources/12",
    "https://openslr.elda.org/resources/12",
)


@problem.register_problem("librispeech")
class LibriSpeech(base.Speech):
    """All existing training subsets; dev-clean for validation, test-clean for test.

    Without dev-clean (or test-clean), every tenth training speaker in the order of their
    numbers, from the first (or sixth) on, is used for validation (or test) and not for
    training. The other held-out subsets are not read.
    """

    version = "1.0.0"
    corpus = "librispeech"
    layout = (
        "LibriSpeech/SUBSET/SPEAKER/CHAPTER/*.flac and *.trans.txt, SUBSET being "
        "train-clean-100, train-clean-360, train-other-500 (one at least), dev-clean, test-clean; "
        "or of Mini LibriSpeech train-clean-5 and dev-clean-2"
    )

    downloads = tuple(
        Download(
            f"{_SITES[0]}/{name}.tar.gz",
            size,
            sha256,
            mirrors=tuple(f"{site}/{name}.tar.gz" for site in _SITES[1:]),
        )
        for name, (size, sha256) in _PUBLISHED.items()
    )

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        for speaker in files.share(_speakers(split, files)):
            for folder in files.glob(f"{speaker}/*/"):
                chapter = folder.relative_to(files.root).as_posix()
                texts = dict(_transcripts(chapter, files))
                flacs = files.glob(f"{chapter}/*", endings=(".flac",), optional=True)
                sounds = {path.stem: path for path in flacs}
                for name in sorted(sounds.keys() | texts.keys()):
                    yield base.utterance(split, name, sounds.get(name), texts.get(name))

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_units(len(_speakers(split, files)))

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_speech.write_librispeech(folder, seed=seed, size=size)


def _speakers(split: str, files: raw.RawFiles) -> list[str]:
    """Returns the folders of a split's speakers, relative to the root."""
    if split != "train" and (own := _folders(split, files)):
        return own
    training = _folders("train", files)
    if not training:
        files.path(f"LibriSpeech/{_SUBSETS['train'][0][0]}")  # says what is missing
    if split != "train":
        return training[_STAND_INS[split] :: 10]
    lent = {_STAND_INS[other] for other in _STAND_INS if not _folders(other, files)}
    return [folder for number, folder in enumerate(training) if number % 10 not in lent]


def _folders(split: str, files: raw.RawFiles) -> list[str]:
    """Returns the speakers' folders of a split's own subsets, by the speakers' numbers."""
    top = "LibriSpeech/" if files.exists("LibriSpeech") else ""
    for group in _SUBSETS[split]:
        found = [
            folder.relative_to(files.root).as_posix()
            for subset in group
            for folder in files.glob(f"{top}{subset}/*/", optional=True)
            if folder.name.isdigit()
        ]
        if found:
            return sorted(found, key=lambda folder: (int(pathlib.PurePath(folder).name), folder))
    return []


def _transcripts(chapter: str, files: raw.RawFiles) -> Iterator[tuple[str, str]]:
    """Yields utterances and their text out of a chapter's files of transcripts."""
    for path in files.glob(f"{chapter}/*", endings=(".trans.txt",), optional=True):
        for line in files.lines(path.relative_to(files.root).as_posix()):
            name, _, text = line.strip().partition(" ")
            if name:
                yield name, text
