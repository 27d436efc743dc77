"""Multi30k: captions of Flickr photos, translated between English, German and French.

Elliott et al. 2016 (English-German), 2017 (French). Untokenised text as published:
29,000 sentences for training, 1,014 for validation, and the 2016 Flickr test set.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import ClassVar

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora_translation

_FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}


class Multi30k(problem.Problem):
    """The base of the six directions; each one names its two languages."""

    version = "1.0.0"
    corpus = "multi30k"
    layout = (
        "data/task1/raw/{train,val,test_2016_flickr}.{en,de,fr}.gz, one sentence a line, "
        "as in the repository multi30k/dataset"
    )
    inputs = {"inputs": language.Language(vocab="mm_8k", max_length=128)}
    targets = language.Language(vocab="mm_8k", max_length=128)
    metrics: ClassVar[tuple[str, ...]] = ("bleu", "log_perplexity")
    sources = ("manual", "sample")
    sample_size = 20_000

    source = ""
    target = ""

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        for number, (source, target) in files.numbered(*self._names(split)):
            yield f"{split}/{number}", {"inputs": source.strip(), "targets": target.strip()}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_texts(files, [self._names(split)])

    def _names(self, split: str) -> tuple[str, str]:
        stem = f"data/task1/raw/{_FILES[split]}"
        return f"{stem}.{self.source}", f"{stem}.{self.target}"

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_translation.write_multi30k(folder, seed=seed, size=size)


@problem.register_problem("multi30k_ende")
class Multi30kEnDe(Multi30k):
    source, target, command = "en", "de", "to-german"


@problem.register_problem("multi30k_deen")
class Multi30kDeEn(Multi30k):
    source, target, command = "de", "en", "to-english"


@problem.register_problem("multi30k_enfr")
class Multi30kEnFr(Multi30k):
    source, target, command = "en", "fr", "to-french"


@problem.register_problem("multi30k_fren")
class Multi30kFrEn(Multi30k):
    source, target, command = "fr", "en", "to-english"


@problem.register_problem("multi30k_defr")
class Multi30kDeFr(Multi30k):
    source, target, command = "de", "fr", "to-french"


@problem.register_problem("multi30k_frde")
class Multi30kFrDe(Multi30k):
    source, target, command = "fr", "de", "to-german"


@problem.register_problem("multi30k_lm_en")
class Multi30kLmEn(Multi30k):
    """The English sentences alone, made from nothing: a language model."""

    inputs = {}
    metrics = ("log_perplexity",)
    source, target, command = "en", "en", "to-english"  # the same side twice, of which one is kept

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        for key, pair in super().generate_examples(split, files):
            yield key, {"targets": pair["targets"]}

    parts = Multi30k.parts
