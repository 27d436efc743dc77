"""Inspection: a look at generated records, without TensorFlow.

What is found here is shown by `inspect` in the terminal and by `inspect_html` as a
page; `Inspection.describe` is the answer in JSON.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from t2t_mm import errors, plugins, registry
from t2t_mm import vocabulary as vocabulary_lib
from t2t_mm.data import manifest as manifest_lib
from t2t_mm.data import records, task
from t2t_mm.modality import base as modality
from t2t_mm.report import histogram, pictures, sounds
from t2t_mm.runs import folders

READ_AT_MOST = 20_000
"""Records that are measured: the first ones, since the order is random."""


@dataclasses.dataclass(frozen=True)
class Example:
    """One record.

    Attributes:
      key: of the record.
      values: raw, in the order of the declaration; of several targets the first.
      references: all targets.
    """

    key: str
    values: dict[str, bytes]
    references: tuple[bytes, ...]

    def others(self) -> dict[bytes, int]:
        """Returns the targets that differ from the first, and how often each occurs."""
        counts = collections.Counter(self.references)
        return {value: count for value, count in counts.items() if value != self.references[0]}


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What there is to see in the records of one split.

    Attributes:
      problem, version, split: whose records.
      modalities: inputs by name, then `targets`.
      source: where the raw files came from.
      splits: examples of each split.
      read: records that were measured.
      lengths: a histogram for every feature that has lengths.
      too_long: how many texts are longer than declared, by the features that declare it.
      classes: how often each class was met, for every categorical feature.
      examples: some records.
    """

    problem: str
    version: str
    split: str
    modalities: dict[str, modality.Modality]
    source: str
    splits: dict[str, int]
    read: int
    lengths: dict[str, histogram.Histogram]
    too_long: dict[str, int]
    classes: dict[str, dict[str, int]]
    examples: list[Example]

    def describe(self) -> dict[str, Any]:
        """Returns the inspection as JSON values."""
        return {
            "problem": self.problem,
            "version": self.version,
            "split": self.split,
            "examples": [self._describe_example(example) for example in self.examples],
            "lengths": {name: self._describe_lengths(name) for name in self.lengths},
            "counts": {"splits": self.splits, "read": self.read, "classes": self.classes},
        }

    def _describe_lengths(self, name: str) -> dict[str, Any]:
        described = dict(self.lengths[name].describe())
        if name in self.too_long:
            described["too_long"] = self.too_long[name]
        return described

    def _describe_example(self, example: Example) -> dict[str, Any]:
        described: dict[str, Any] = {"key": example.key}
        for name, data in example.values.items():
            kind = self.modalities[name].kind
            if kind == "image":
                described[name] = dataclasses.asdict(pictures.about(data))
            elif kind == "audio":
                described[name] = dataclasses.asdict(sounds.about(data))
            elif kind in ("language", "categorical"):
                described[name] = data.decode("utf-8", "replace")
            else:
                described[name] = {"bytes": len(data)}
        if len(example.references) > 1:
            described["references"] = [r.decode("utf-8", "replace") for r in example.references]
        return described


def inspect(
    problem: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    split: str | None = None,
    examples: int = 5,
) -> Inspection:
    """Reads and measures the records of one split: `t2t_mm.inspect`. No TensorFlow.

    Example:
        t2t_mm.inspect("multi30k_ende", "data").lengths["targets"].summary()

    Args:
      problem: the name of a registered problem.
      data_dir: where its data was generated; left out, T2T_MM_DATA_DIR, or else `data`.
      split: its name; the first one if None.
      examples: how many records to keep.

    Returns:
      counts, lengths and examples; `describe()` of it gives them as JSON values.

    Raises:
      ConfigError: for an unknown problem or split.
      DataError: when there is no data, or it is damaged.
    """
    plugins.load_all()
    declared = registry.problems.get(problem)
    folder = folders.data_dir(data_dir)
    manifest = manifest_lib.Manifest.load(folder, problem, declared.version)
    split = split or declared.splits[0]
    modalities = {**declared.inputs, "targets": declared.targets}
    files = manifest.files(split)
    manifest.check_sizes(split)
    vocabularies = _vocabularies(modalities.values(), folder)
    measures = {name: _Measure(m, vocabularies) for name, m in modalities.items()}
    kept: list[Example] = []
    read = 0
    for read, example in enumerate(_read(files, list(modalities)), start=1):
        for name, measure in measures.items():
            measure.add(example.values[name])
        if len(kept) < examples:
            kept.append(example)
        if read >= max(READ_AT_MOST, examples):
            break
    found = {name: measure.histogram() for name, measure in measures.items()}
    return Inspection(
        problem=problem,
        version=declared.version,
        split=split,
        modalities=modalities,
        source=manifest.source,
        splits={name: manifest.examples(name) for name in manifest.splits},
        read=read,
        lengths={name: lengths for name, lengths in found.items() if lengths is not None},
        too_long={
            name: sum(pieces > measure.limit for pieces in measure.values)
            for name, measure in measures.items()
            if measure.limit and measure.vocabulary
        },
        classes={
            name: dict(measure.classes.most_common())
            for name, measure in measures.items()
            if modalities[name].kind == "categorical"
        },
        examples=kept,
    )


class _Measure:
    """Gathers the lengths, or the classes, of one feature."""

    def __init__(
        self,
        declaration: modality.Modality,
        vocabularies: Mapping[str, vocabulary_lib.Vocabulary],
    ) -> None:
        self.kind = declaration.kind
        self.limit: int | None = getattr(declaration, "max_length", None)
        self.values: list[int] = []
        self.classes: collections.Counter[str] = collections.Counter()
        self.vocabulary = vocabularies.get(getattr(declaration, "vocab", ""))

    def add(self, data: bytes) -> None:
        if self.kind == "categorical":
            self.classes[data.decode("utf-8", "replace")] += 1
        elif self.kind == "image":
            about = pictures.about(data)
            self.values.append(min(about.width, about.height))
        elif self.kind == "audio":
            self.values.append(round(100 * sounds.seconds(data)))
        elif self.kind == "language":
            text = data.decode("utf-8", "replace")
            # The end token counts: it takes a position too.
            pieces = len(self.vocabulary.encode(text)) + 1 if self.vocabulary else len(text)
            self.values.append(pieces)
        else:
            self.values.append(len(data))

    def histogram(self) -> histogram.Histogram | None:
        if not self.values:
            return None
        units = {
            "image": "pixels (shorter side)",
            "audio": "seconds",
            "language": "pieces" if self.vocabulary else "characters",
        }
        decimals = 2 if self.kind == "audio" else 0
        unit = units.get(self.kind, "bytes")
        return histogram.Histogram.of(self.values, unit=unit, decimals=decimals)


def _vocabularies(
    modalities: Iterable[modality.Modality], data_dir: pathlib.Path
) -> dict[str, vocabulary_lib.Vocabulary]:
    """Returns the vocabularies of some modalities, as far as they have been made."""
    names = dict.fromkeys(m.vocab for m in modalities if hasattr(m, "vocab"))
    folders_of = {name: data_dir / task.VOCABULARIES / name for name in names}
    return {
        name: vocabulary_lib.Vocabulary.load(folder)
        for name, folder in folders_of.items()
        if vocabulary_lib.exists(folder)
    }


def _read(files: list[pathlib.Path], names: list[str]) -> Iterator[Example]:
    """Yields examples, each with every feature that the problem declares."""
    for path in files:
        for number, values in enumerate(records.read_values(path)):
            missing = [name for name in names if name not in values]
            if missing:
                raise errors.DataError(
                    f"Record {number:,} of {path} has no feature {missing[0]!r}",
                    received=", ".join(sorted(values)),
                    hint="If the problem has changed, raise its version and generate it again",
                )
            key = values.get("key", (b"",))[0].decode("utf-8", "replace")
            yield Example(key, {name: values[name][0] for name in names}, values["targets"])
