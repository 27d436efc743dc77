"""LibriSpeech: audiobooks read aloud, with what was read (Panayotov et al. 2015)."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterable, Iterator, Sequence

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
        "or of Mini LibriSpeech train-clean-5 and dev-clean-2; or SUBSET.tar.gz, as published"
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
        for archive in _archives(split, files):
            yield from _packed(split, archive, files)
        for speaker in files.share(_speakers(split, files)):
            for folder in files.glob(f"{speaker}/*/"):
                chapter = folder.relative_to(files.root).as_posix()
                texts = dict(_transcripts(chapter, files))
                flacs = files.glob(f"{chapter}/*", endings=(".flac",), optional=True)
                sounds = {path.stem: path for path in flacs}
                for name in sorted(sounds.keys() | texts.keys()):
                    yield base.utterance(split, name, sounds.get(name), texts.get(name))

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        if _archives(split, files):  # of which any part is read from the beginning
            return super().parts(split, files)
        return parts_lib.of_units(len(_speakers(split, files)))

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_speech.write_librispeech(folder, seed=seed, size=size)


def _speakers(split: str, files: raw.RawFiles) -> list[str]:
    """Returns the folders of a split's speakers, relative to the root."""
    if split != "train" and (own := _folders(split, files)):
        return own
    if _archives(split, files):
        return _folders(split, files)
    training = _folders("train", files)
    if split != "train" and _archives("train", files):
        files.path(f"LibriSpeech/{_SUBSETS[split][0][0]}")
    if not training:
        files.path(f"LibriSpeech/{_SUBSETS['train'][0][0]}")  # says what is missing
    if split != "train":
        return training[_STAND_INS[split] :: 10]
    lent = {
        _STAND_INS[other]
        for other in _STAND_INS
        if not (_folders(other, files) or _archives(other, files))
    }
    return [folder for number, folder in enumerate(training) if number % 10 not in lent]


def _archives(split: str, files: raw.RawFiles) -> list[str]:
    """Returns the archives of a split's subsets, of those that are not unpacked.

    Without an archive or a folder for validation or test, nothing of training stands in.
    """
    return [
        f"{subset}.tar.gz"
        for subset in _group(split, files)
        if files.exists(f"{subset}.tar.gz") and not files.exists(f"{_top(files)}{subset}")
    ]


def _group(split: str, files: raw.RawFiles) -> tuple[str, ...]:
    """Returns the subsets of a split, of which one at least is there, unpacked or not."""
    for group in _SUBSETS[split]:
        for subset in group:
            if files.exists(f"{_top(files)}{subset}") or files.exists(f"{subset}.tar.gz"):
                return group
    return ()


def _packed(split: str, archive: str, files: raw.RawFiles) -> Iterator[problem.Example]:
    """Yields the utterances of an archive, in which the files of a chapter lie together."""
    read = files.contents(archive, endings=(".flac", ".trans.txt"))
    for _, chapter in itertools.groupby(read, key=lambda member: member.parent):
        texts: dict[str, str] = {}
        sounds = {}
        for member in chapter:
            if member.suffix == ".txt":
                lines = member.read_bytes().decode("utf-8", "surrogateescape").splitlines()
                texts |= _transcribed(lines)
            else:
                sounds[member.stem] = member
        for name in sorted(sounds.keys() | texts.keys()):
            yield base.utterance(split, name, sounds.get(name), texts.get(name))


def _top(files: raw.RawFiles) -> str:
    return "LibriSpeech/" if files.exists("LibriSpeech") else ""


def _folders(split: str, files: raw.RawFiles) -> list[str]:
    """Returns the speakers' folders of a split's own subsets, by the speakers' numbers."""
    top = _top(files)
    found = [
        folder.relative_to(files.root).as_posix()
        for subset in _group(split, files)
        for folder in files.glob(f"{top}{subset}/*/", optional=True)
        if folder.name.isdigit()
    ]
    return sorted(found, key=lambda folder: (int(pathlib.PurePath(folder).name), folder))


def _transcripts(chapter: str, files: raw.RawFiles) -> Iterator[tuple[str, str]]:
    """Yields utterances and their text out of a chapter's files of transcripts."""
    for path in files.glob(f"{chapter}/*", endings=(".trans.txt",), optional=True):
        yield from _transcribed(files.lines(path.relative_to(files.root).as_posix())).items()


def _transcribed(lines: Iterable[str]) -> dict[str, str]:
    """Returns the texts of a chapter by utterance."""
    split = (line.strip().partition(" ") for line in lines)
    return {name: text for name, _, text in split if name}
