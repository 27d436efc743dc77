"""Writes scenes as corpora, in the raw layouts in which the real ones are published."""

from __future__ import annotations

import html
import pathlib
import random
from collections.abc import Callable

from t2t_mm.problems.sample_world import english, french, german, picture, scene

LANGUAGES: dict[str, Callable[[scene.Scene], str]] = {
    "en": english.write,
    "de": german.write,
    "fr": french.write,
}
WNIDS = {label: f"n{99_000_001 + number}" for number, label in enumerate(scene.LABELS)}
"""Made-up WordNet ids, beyond the real ones, for the classes of the pictures."""

_SMALLEST_TEST = 200
_DOCUMENT = 20


def sizes(size: int) -> dict[str, int]:
    """Returns the examples of each split for `size` examples of training."""
    held_out = max(_SMALLEST_TEST, size // 50)
    return {"train": size, "validation": held_out, "test": held_out}


def write_wmt(
    folder: pathlib.Path, *, source: str, target: str, pair: str, seed: int, size: int
) -> None:
    """Writes parallel text, with development and test set in SGML, as of WMT 2014.

    Args:
      folder: where to write.
      source: the language to translate from.
      target: the language to translate into.
      pair: as file names tell the two languages, such as "de-en".
      seed: of the scenes.
      size: sentence pairs for training.
    """
    counts = sizes(size)
    training = folder / "training"
    training.mkdir(parents=True)
    scenes = [scene.draw(seed, "train", number) for number in range(counts["train"])]
    for language in (source, target):
        lines = "".join(f"{LANGUAGES[language](what)}\n" for what in scenes)
        (training / f"sample-world.{pair}.{language}").write_text(lines, encoding="utf-8")
    stems = {
        "validation": ("dev", "newstest2013", "newstest2013"),
        "test": ("test-full", "newstest2014", f"newstest2014-{pair.replace('-', '')}"),
    }
    for split, (place, name, stem) in stems.items():
        (folder / place).mkdir()
        scenes = [scene.draw(seed, split, number) for number in range(counts[split])]
        for role, language in (("src", source), ("ref", target)):
            sentences = [LANGUAGES[language](what) for what in scenes]
            text = _sgml(sentences, name, role, languages=(source, target))
            path = folder / place / f"{stem}-{role}.{language}.sgm"
            path.write_text(text, encoding="utf-8")


def write_imagenet(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes pictures as ILSVRC-2012 has them: a folder a class, and their names.

    Args:
      folder: where to write.
      seed: of the scenes, and of all in a picture that its scene leaves open.
      size: pictures for training.
    """
    counts = sizes(size)
    for split, place in (("train", "train"), ("validation", "val")):
        for wnid in WNIDS.values():
            (folder / place / wnid).mkdir(parents=True)
        for number in range(counts[split]):
            what = scene.draw(seed, split, number, labelled=True)
            wnid = WNIDS[what.label]
            stem = f"{wnid}_{number}" if split == "train" else f"ILSVRC2012_val_{number + 1:08d}"
            jpeg = picture.draw(what, random.Random(f"picture {seed}/{split}/{number}"))
            (folder / place / wnid / f"{stem}.JPEG").write_bytes(jpeg)
    names = "".join(f"{wnid} {label}\n" for label, wnid in WNIDS.items())
    (folder / "LOC_synset_mapping.txt").write_text(names, encoding="utf-8")


def _sgml(sentences: list[str], name: str, role: str, languages: tuple[str, str]) -> str:
    """Returns a test set as WMT publishes it, in documents of a few segments each."""
    source, target = languages
    kind = "srcset" if role == "src" else "refset"
    said = f' trglang="{target}"' if role == "ref" else ""
    lines = [f'<{kind} setid="{name}" srclang="{source}"{said}>']
    for start in range(0, len(sentences), _DOCUMENT):
        number = start // _DOCUMENT + 1
        system = ' sysid="ref"' if role == "ref" else ""
        lines.append(f'<doc docid="sample-world-{number}" origlang="{source}"{system}>')
        for place, sentence in enumerate(sentences[start : start + _DOCUMENT], start=1):
            lines.append(f'<seg id="{place}">{html.escape(sentence, quote=False)}</seg>')
        lines.append("</doc>")
    return "\n".join([*lines, f"</{kind}>"]) + "\n"
