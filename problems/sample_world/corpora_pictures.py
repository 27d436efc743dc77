"""Writes the pictures of scenes as Tiny ImageNet is published."""

from __future__ import annotations

import pathlib
import random

from t2t_mm.problems.sample_world import corpora, picture, scene

TINY_IMAGENET = "tiny-imagenet-200"


def write_tiny_imagenet(folder: pathlib.Path, *, seed: int, size: int) -> None:
    """Writes the pictures of `corpora.write_imagenet`, in the layout of the smaller corpus.

    Args:
      folder: where to write.
      seed: of the scenes, and of all in a picture that its scene leaves open.
      size: pictures for training.
    """
    top = folder / TINY_IMAGENET
    counts = corpora.sizes(size)
    for wnid in corpora.WNIDS.values():
        (top / "train" / wnid / "images").mkdir(parents=True)
    (top / "val" / "images").mkdir(parents=True)
    boxes: dict[str, list[str]] = {wnid: [] for wnid in corpora.WNIDS.values()}
    whole = f"0\t0\t{picture.SIZE - 1}\t{picture.SIZE - 1}"
    for number in range(counts["train"]):
        wnid, jpeg = _draw(seed, "train", number)
        name = f"{wnid}_{len(boxes[wnid])}.JPEG"
        (top / "train" / wnid / "images" / name).write_bytes(jpeg)
        boxes[wnid].append(f"{name}\t{whole}\n")
    for wnid, lines in boxes.items():
        _write(top / "train" / wnid / f"{wnid}_boxes.txt", lines)
    annotations = []
    for number in range(counts["validation"]):
        wnid, jpeg = _draw(seed, "validation", number)
        (top / "val" / "images" / f"val_{number}.JPEG").write_bytes(jpeg)
        annotations.append(f"val_{number}.JPEG\t{wnid}\t{whole}\n")
    _write(top / "val" / "val_annotations.txt", annotations)
    _write(top / "wnids.txt", [f"{wnid}\n" for wnid in corpora.WNIDS.values()])
    _write(top / "words.txt", [f"{wnid}\t{label}\n" for label, wnid in corpora.WNIDS.items()])


def _draw(seed: int, split: str, number: int) -> tuple[str, bytes]:
    """Returns the class and the JPEG of a picture."""
    what = scene.draw(seed, split, number, labelled=True)
    jpeg = picture.draw(what, random.Random(f"picture {seed}/{split}/{number}"))
    return corpora.WNIDS[what.label], jpeg


def _write(path: pathlib.Path, lines: list[str]) -> None:
    path.write_text("".join(lines), encoding="utf-8")
