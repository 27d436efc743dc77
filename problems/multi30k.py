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
from t2t_mm.downloads.declaration import Download
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora_translation

_FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}

_FOLDER = "data/task1/raw"
_URL = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    f"a3d2e0d26b56f3846f66a952536ffed4e401d05a/{_FOLDER}"
)
_PUBLISHED = {
    "train.en.gz": (568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    "train.de.gz": (637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
    "train.fr.gz": (604_242, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c"),
    "val.en.gz": (21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    "val.de.gz": (24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    "val.fr.gz": (23_001, "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9"),
    "test_2016_flickr.en.gz": (
        21_077,
        "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    ),
    "test_2016_flickr.de.gz": (
        22_890,
        "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    ),
    "test_2016_flickr.fr.gz": (
        22_310,
        "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
    ),
}
"""Sizes and sha256 of the repository's files at that commit."""


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
    downloads = tuple(
        Download(f"{_URL}/{name}", size, sha256, path=f"{_FOLDER}/{name}")
        for name, (size, sha256) in _PUBLISHED.items()
    )
    sample_size = 20_000

    source = ""
    target = ""

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        for number, (source, target) in files.numbered(*self._names(split)):
            yield f"{split}/{number}", {"inputs": source.strip(), "targets": target.strip()}

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_texts(files, [self._names(split)])

    def _names(self, split: str) -> tuple[str, str]:
        stem = f"{_FOLDER}/{_FILES[split]}"
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
