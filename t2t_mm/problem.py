"""Problem: a declaration of one data set and its task.

A problem is a class with a few attributes and one generator. It names raw files
of a corpus in their published layout and says which modalities they are; all the
rest (records, vocabularies, batches, nets, metrics) follows from that.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from t2t_mm import errors, registry
from t2t_mm.data import raw
from t2t_mm.modality import base as modality

Example = tuple[str, dict[str, Any]]

_RESERVED = ("vocabularies", "raw_sample")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]*")


class Problem:
    """The base class of every problem.

    Attributes:
      name: the registered name.
      version: of the generated data, in letters, digits and dots; a change means
        that it must be made anew.
      corpus: folder under `--manual_dir` that holds the raw files.
      layout: the files expected there, in one or two lines; shown in errors.
      inputs: one modality or more by name (`{"image": Image(), "question": Language()}`).
      targets: the modality to be produced.
      command: the token that tells the decoder what to write ("to-german");
        problems that want the same share it.
      metrics: names of registered metrics; the first one is the problem's own.
      splits: what can be generated, two or more; the first is for training, the
        second for evaluation while training.
      sources: where raw files can come from; the first is the default.
      sample_inputs: what of `inputs` is declared otherwise for sample data, whose
        pictures, say, are smaller than the real ones.
      sample_size: training examples of sample data, unless `--sample_size` is given.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1.0.0"
    corpus: ClassVar[str] = ""
    layout: ClassVar[str] = ""
    inputs: ClassVar[Mapping[str, modality.Modality]] = {}
    targets: ClassVar[modality.Modality]
    command: ClassVar[str] = ""
    metrics: ClassVar[tuple[str, ...]] = ()
    splits: ClassVar[tuple[str, ...]] = ("train", "validation", "test")
    sources: ClassVar[tuple[str, ...]] = ("manual",)
    sample_inputs: ClassVar[Mapping[str, modality.Modality]] = {}
    sample_size: ClassVar[int] = 4_000

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[Example]:
        """Yields `(key, features)` for every example of `split`.

        Keys are unique within a split. Features hold one raw value under each
        name of `inputs` and one under `targets`: text as `str`, a picture as a
        path or as encoded bytes, a class as its name. Values are checked and
        encoded by the modality's `encode`, in the worker that needs them.
        """
        raise NotImplementedError(f"{type(self).__name__}.generate_examples")

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        """Writes a small made-up corpus in the real one's layout (`--source=sample`).

        Args:
          folder: an empty folder, to be read like a `--manual_dir`.
          seed: of all that is drawn.
          size: training examples; other splits follow in proportion.
        """
        raise errors.ConfigError(
            f"The problem {self.name!r} has no sample data",
            expected=f"--source={'|'.join(self.sources)}",
        )

    @classmethod
    def declared_inputs(cls, source: str) -> dict[str, modality.Modality]:
        """Returns the inputs as declared for data that came from `source`."""
        return {**cls.inputs, **(cls.sample_inputs if source == "sample" else {})}

    def describe(self) -> dict[str, Any]:
        """Returns the declaration as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "inputs": {name: m.describe() for name, m in self.inputs.items()},
            "targets": self.targets.describe(),
            "command": self.command,
            "metrics": list(self.metrics),
            "splits": list(self.splits),
            "sources": list(self.sources),
            "corpus": self.corpus,
            "layout": self.layout,
        }


def register_problem(name: str) -> Callable[[type[Problem]], type[Problem]]:
    """Files a `Problem` class under `name`, having checked its declaration."""
    add = registry.problems.register(name)

    def decorate(cls: type[Problem]) -> type[Problem]:
        _check(name, cls)
        cls.name = name
        return add(cls)

    return decorate


def _check(name: str, cls: type[Problem]) -> None:
    for wrong in (_wrong_name(name, cls), _wrong_modality(cls), _wrong_list(cls)):
        if wrong:
            raise errors.PluginError(
                f"The problem {name!r} ({cls.__module__}) is not whole: {wrong}"
            )


def _wrong_name(name: str, cls: type[Problem]) -> str | None:
    if name in _RESERVED:
        return f"a data folder keeps the name {name!r} for itself"
    if not isinstance(cls.version, str) or not _VERSION.fullmatch(cls.version):
        return f"version is {cls.version!r}, not letters, digits and dots, as in '1.0.0'"
    if not cls.command:
        return "command is empty; it tells the decoder what to write, as in 'to-german'"
    if cls.generate_examples is Problem.generate_examples:
        return "generate_examples is missing"
    return None


def _wrong_modality(cls: type[Problem]) -> str | None:
    targets = getattr(cls, "targets", None)
    if not isinstance(targets, modality.Modality):
        return f"targets is {targets!r}, not a modality such as Language()"
    if not targets.can_be_target:
        return f"targets is {type(targets).__name__}(), which can only be an input"
    if not isinstance(cls.inputs, Mapping):
        return f"inputs is {cls.inputs!r}, not a dict of modalities by name"
    if not cls.inputs:
        return "inputs is empty; a problem needs at least one input"
    if "targets" in cls.inputs or "key" in cls.inputs:
        return "an input is named 'targets' or 'key', which records keep for themselves"
    for held in (cls.inputs, cls.sample_inputs):
        for name, declared in held.items():
            if not isinstance(declared, modality.Modality):
                return "inputs holds a value that is not a modality"
            if not declared.can_be_input:
                return f"the input {name!r} is {type(declared).__name__}(), only for targets"
    if set(cls.sample_inputs) - set(cls.inputs):
        return "sample_inputs names an input that inputs does not"
    return None


def _wrong_list(cls: type[Problem]) -> str | None:
    for attribute in ("metrics", "splits", "sources"):
        value = getattr(cls, attribute)
        if isinstance(value, str):
            return f"{attribute} is a string; write ({value!r},)"
    if len(set(cls.splits)) < 2 or len(set(cls.splits)) != len(cls.splits):
        return (
            f"splits is {tuple(cls.splits)!r}; two different ones at least are needed, the first "
            "for training and the second for evaluation"
        )
    return None
