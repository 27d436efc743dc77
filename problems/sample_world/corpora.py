"""Writes scenes as corpora, in the raw layouts in which the real ones are published."""

from __future__ import annotations

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


def sizes(size: int) -> dict[str, int]:
    """Returns the examples of each split for `size` examples of training."""
    held_out = max(_SMALLEST_TEST, size // 50)
    return {"train": size, "validation": held_out, "test": held_out}


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
