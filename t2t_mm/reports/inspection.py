"""Inspection: a look at generated records, without TensorFlow.

What is found here is shown by `inspect` in the terminal and by `inspect_html` as a
page; `Inspection.describe` is the answer in JSON.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from t2t_mm import errors, plugins, registry
from t2t_mm import vocabulary as vocabulary_lib
from t2t_mm.data import manifest as manifest_lib
from t2t_mm.data import records, task
from t2t_mm.modality import base as modality
from t2t_mm.modality import view
from t2t_mm.reports import histogram
from t2t_mm.runs import folders

READ_AT_MOST = 20_000
"""Examples that are measured: the first ones, since the order is random."""


@dataclasses.dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
      key: of the example.
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
      views: what shows the values of each.
      source: where the raw files came from.
      splits: examples of each split.
      records: that hold these, of each split, where examples share inputs; else none.
      read: examples that were measured.
      lengths: a histogram for every feature that has lengths.
      too_long: how many values are longer than declared, by the features that declare it.
      classes: how often each class was met, for every feature that is one.
      examples: some of them.
    """

    problem: str
    version: str
    split: str
    modalities: dict[str, modality.Modality]
    views: dict[str, view.View]
    source: str
    splits: dict[str, int]
    records: dict[str, int]
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
            "counts": {
                "splits": self.splits,
                **({"records": self.records} if self.records else {}),
                "read": self.read,
                "classes": self.classes,
            },
        }

    def says_count(self, split: str) -> str:
        """Returns how many examples a split has, in words."""
        held = f" in {self.records[split]:,} records" if split in self.records else ""
        return f"{self.splits[split]:,}{held}"

    def _describe_lengths(self, name: str) -> dict[str, Any]:
        described = dict(self.lengths[name].describe())
        if name in self.too_long:
            described["too_long"] = self.too_long[name]
        return described

    def _describe_example(self, example: Example) -> dict[str, Any]:
        described: dict[str, Any] = {"key": example.key}
        for name, data in example.values.items():
            described[name] = self.views[name].describe(data)
        if len(example.references) > 1:
            described["references"] = [
                self.views["targets"].describe(r) for r in example.references
            ]
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
    views = {name: declaration.view(vocabularies) for name, declaration in modalities.items()}
    sizes: dict[str, list[int]] = {n: [] for n in views if not views[n].is_class}
    classes: dict[str, collections.Counter[str]] = {
        n: collections.Counter() for n in views if views[n].is_class
    }
    kept: list[Example] = []
    read = 0
    for read, example in enumerate(_read(files, list(modalities)), start=1):
        for name, measured in sizes.items():
            measured.append(views[name].size(example.values[name]))
        for name, counts in classes.items():
            counts[views[name].describe(example.values[name])] += 1
        if len(kept) < examples:
            kept.append(example)
        if read >= max(READ_AT_MOST, examples):
            break
    return Inspection(
        problem=problem,
        version=declared.version,
        split=split,
        modalities=modalities,
        views=views,
        source=manifest.source,
        splits={name: manifest.examples(name) for name in manifest.splits},
        records={name: manifest.records(name) for name in manifest.splits}
        if manifest.shared_inputs
        else {},
        read=read,
        lengths={
            name: histogram.Histogram.of(
                measured, unit=views[name].unit, decimals=views[name].decimals
            )
            for name, measured in sizes.items()
            if measured
        },
        too_long={
            name: sum(size > limit for size in measured)
            for name, measured in sizes.items()
            if (limit := views[name].limit)
        },
        classes={name: dict(counts.most_common()) for name, counts in classes.items()},
        examples=kept,
    )


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
