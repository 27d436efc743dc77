"""Writes scenes as parallel text, in the raw layouts of WMT and Multi30k.

Each pair of languages of WMT comes in another of the layouts in which training text
has been published, so that all of them are read wherever a sample is made.
"""

from __future__ import annotations

import gzip
import html
import io
import pathlib
import tarfile
from collections.abc import Callable, Mapping, Sequence

from t2t_mm.problems.sample_world import corpora, scene

_DOCUMENT = 20
_MULTI30K_SPLITS = {"train": "train", "validation": "val", "test": "test_2016_flickr"}

Texts = Mapping[str, Sequence[str]]
"""Sentences by language, those of a place being translations of each other."""


def write_wmt(folder: pathlib.Path, source: str, target: str, *, seed: int, size: int) -> None:
    """Writes training text, development and test set of a pair, for both directions.

    Args:
      folder: where to write.
      source: the language to translate from.
      target: the language to translate into.
      seed: of the scenes.
      size: sentence pairs for training.
    """
    pair = "-".join(sorted((source, target), key=("de", "fr", "en").index))
    texts = _texts(pair.split("-"), seed=seed, size=size)
    folder.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Callable[[pathlib.Path, str, Texts], None]] = {
        "de-en": _write_plain,
        "fr-en": _write_archive,
        "de-fr": _write_table,
    }
    writers[pair](folder, f"sample-world.{pair}", texts["train"])
    _write_sgml(folder / "dev", "newstest2013", "newstest2013", texts["validation"])
    if pair == "de-fr":
        _write_plain_test_set(folder / "test", "newstest2021", texts["test"])
    else:
        stem = f"newstest2014-{pair.replace('-', '')}"
        _write_sgml(folder / "test-full", "newstest2014", stem, texts["test"])


def write_multi30k(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes every split in three languages, one gzipped text a language.

    Args:
      folder: where to write.
      seed: of the scenes.
      size: sentences for training.
    """
    place = folder / "data" / "task1" / "raw"
    place.mkdir(parents=True)
    for split, texts in _texts(list(corpora.LANGUAGES), seed=seed, size=size).items():
        for language, sentences in texts.items():
            path = place / f"{_MULTI30K_SPLITS[split]}.{language}.gz"
            path.write_bytes(_gzip(_lines(sentences)))


def _texts(languages: Sequence[str], *, seed: int, size: int) -> dict[str, dict[str, list[str]]]:
    """Returns the sentences of each split, by language."""
    texts = {}
    for split, count in corpora.sizes(size).items():
        scenes = [scene.draw(seed, split, number) for number in range(count)]
        texts[split] = {
            language: [corpora.LANGUAGES[language](what) for what in scenes]
            for language in languages
        }
    return texts


def _write_plain(folder: pathlib.Path, stem: str, texts: Texts) -> None:
    (folder / "training").mkdir()
    for language, sentences in texts.items():
        (folder / "training" / f"{stem}.{language}").write_bytes(_lines(sentences))


def _write_archive(folder: pathlib.Path, stem: str, texts: Texts) -> None:
    """Writes a compressed tar, as the training text of 2014 is downloaded."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for language, sentences in texts.items():
            member = tarfile.TarInfo(f"training/{stem}.{language}")
            content = _lines(sentences)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    name = "training-parallel-sample-world.tgz"
    (folder / name).write_bytes(_gzip(packed.getvalue()))


def _write_table(folder: pathlib.Path, stem: str, texts: Texts) -> None:
    """Writes a table of two columns, as the training text of 2019 and later."""
    rows = ["\t".join(row) for row in zip(*texts.values(), strict=True)]
    (folder / f"{stem}.tsv.gz").write_bytes(_gzip(_lines(rows)))


def _write_plain_test_set(folder: pathlib.Path, name: str, texts: Texts) -> None:
    """Writes a test set for each direction, as that of 2021 is in plain text."""
    folder.mkdir()
    first, second = texts
    for source, target in ((first, second), (second, first)):
        for side in (f"src.{source}", f"ref.A.{target}"):
            sentences = texts[side.rpartition(".")[2]]
            (folder / f"{name}.{source}-{target}.{side}").write_bytes(_lines(sentences))


def _write_sgml(folder: pathlib.Path, name: str, stem: str, texts: Texts) -> None:
    """Writes a test set that serves both directions, each language as source and reference."""
    folder.mkdir()
    for language, sentences in texts.items():
        for role in ("src", "ref"):
            path = folder / f"{stem}-{role}.{language}.sgm"
            path.write_bytes(_sgml(sentences, name, role, language).encode("utf-8"))


def _sgml(sentences: Sequence[str], name: str, role: str, language: str) -> str:
    """Returns a test set as WMT publishes it, in documents of a few segments each."""
    kind = "srcset" if role == "src" else "refset"
    said = f' trglang="{language}"' if role == "ref" else ""
    lines = [f'<{kind} setid="{name}" srclang="any"{said}>']
    for start in range(0, len(sentences), _DOCUMENT):
        number = start // _DOCUMENT + 1
        system = ' sysid="ref"' if role == "ref" else ""
        lines.append(f'<doc docid="sample-world-{number}" origlang="en"{system}>')
        for place, sentence in enumerate(sentences[start : start + _DOCUMENT], start=1):
            lines.append(f'<seg id="{place}">{html.escape(sentence, quote=False)}</seg>')
        lines.append("</doc>")
    return "\n".join([*lines, f"</{kind}>"]) + "\n"


def _lines(sentences: Sequence[str]) -> bytes:
    return "".join(f"{sentence}\n" for sentence in sentences).encode("utf-8")


def _gzip(data: bytes) -> bytes:
    """Packs bytes without the time, so that the same ones are always packed alike."""
    return gzip.compress(data, mtime=0)
