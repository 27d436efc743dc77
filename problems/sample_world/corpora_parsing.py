"""Writes scenes as a treebank, in the layout of the Penn Treebank."""

from __future__ import annotations

import math
import pathlib

from t2t_mm.problems.sample_world import corpora, scene, trees
from t2t_mm.trees import penn

_SECTIONS = {"train": range(2, 22), "validation": (22,), "test": (23,)}
_TREES_A_FILE = 20
_FILES_A_SECTION = 100  # At most: a file's number has two digits.


def write_treebank(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes `parsed/mrg/wsj/SS/wsj_SSNN.mrg` as the Wall Street Journal part of PTB-3 has it.

    Sections 02 to 21 are for training, 22 and 23 held out, as everyone divides them.

    Args:
      folder: where to write.
      seed: of the scenes.
      size: trees for training.
    """
    for split, count in corpora.sizes(size).items():
        sections = _SECTIONS[split]
        # Of a small corpus the last sections stay empty.
        share = math.ceil(count / len(sections))
        length = max(_TREES_A_FILE, math.ceil(share / _FILES_A_SECTION))
        for place, section in enumerate(sections):
            numbers = range(place * share, min((place + 1) * share, count))
            _write_section(folder, section, split, numbers, length=length, seed=seed)


def _write_section(
    folder: pathlib.Path, section: int, split: str, numbers: range, *, length: int, seed: int
) -> None:
    place = folder / "parsed" / "mrg" / "wsj" / f"{section:02}"
    if numbers:
        place.mkdir(parents=True)
    for file in range(math.ceil(len(numbers) / length)):
        some = numbers[file * length : (file + 1) * length]
        found = [trees.tree(scene.draw(seed, split, number)) for number in some]
        text = "\n" + "".join(penn.lay_out(tree) for tree in found)
        (place / f"wsj_{section:02}{file:02}.mrg").write_text(text, encoding="utf-8")
