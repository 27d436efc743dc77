"""A made-up parallel corpus of any size, the same each time."""

from __future__ import annotations

import pathlib
import random

_ONSETS = "b d f g h k l m n p r s t v w z br dr fl gr kl pr st tr".split()  # noqa: SIM905
_NUCLEI = "a e i o u ai ei au".split()  # noqa: SIM905
_WORDS = 20_000
_MEAN_LENGTH, _SPREAD = 17, 8


def write(folder: pathlib.Path, pairs: int, *, dev_pairs: int = 500) -> pathlib.Path:
    """Writes `{train,dev}.{src,tgt}` unless they are there, and returns the folder."""
    if not (folder / "dev.tgt").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        sides = {"src": _lexicon(1), "tgt": _lexicon(2)}
        for seed, (split, count) in enumerate((("train", pairs), ("dev", dev_pairs))):
            _split(folder / split, count, sides, random.Random(seed))
    return folder


def _split(
    path: pathlib.Path, count: int, sides: dict[str, list[str]], draw: random.Random
) -> None:
    """Writes one split: both sides draw the same words, the rarer the further down the list."""
    with (
        path.with_suffix(".src").open("w", encoding="utf-8") as source,
        path.with_suffix(".tgt").open("w", encoding="utf-8") as target,
    ):
        for _ in range(count):
            length = max(3, round(draw.gauss(_MEAN_LENGTH, _SPREAD)))
            places = [int(_WORDS ** draw.random()) - 1 for _ in range(length)]
            source.write(" ".join(sides["src"][i] for i in places) + " .\n")
            target.write(" ".join(sides["tgt"][i] for i in reversed(places)) + " .\n")


def _lexicon(seed: int) -> list[str]:
    """Returns distinct words, the short ones first."""
    draw = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < _WORDS:
        syllables = 1 + len(words) // 4000
        word = "".join(draw.choice(_ONSETS) + draw.choice(_NUCLEI) for _ in range(syllables + 1))
        words.setdefault(word)
    return list(words)
