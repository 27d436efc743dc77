"""Task: a problem bound to its data.

A `Problem` declares what can be generated; a `Task` adds what was generated: the class
names of the data, the vocabularies, the version. It is all that the pipeline, the model
and the metrics need. Its description in the run folder suffices to build it again
without the data, or even the problem's code.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors, registry
from t2t_mm import vocabulary as vocabulary_lib
from t2t_mm.data import manifest as manifest_lib
from t2t_mm.modality import base as modality

TARGETS = "targets"
KEY = "key"
PREFIX = "prefix"
"""Input name of the text to continue, for a task without inputs."""
VOCABULARIES = "vocabularies"
Vocabularies = dict[str, vocabulary_lib.Vocabulary]
"""By name; problems of one data folder share them."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A problem whose modalities are resolved against generated data.

    Attributes:
      name: of the problem.
      version: of the data.
      inputs: modalities by name; a `Categorical` has its classes.
      targets: the modality to be predicted, resolved likewise.
      command: the token that tells the decoder which task to do.
      metrics: names of registered metrics; the first is the main one.
      splits: their names; the first is for training.
      vocabularies: of the modalities, by name.
      data_dir: where the records are; None without data.
      metric_tokenizer: splits text into words for metrics; see `Problem`.
      answers: the only outputs there are, where they are a closed set of texts.
    """

    name: str
    version: str
    inputs: Mapping[str, modality.Modality]
    targets: modality.Modality
    command: str
    metrics: tuple[str, ...]
    splits: tuple[str, ...]
    vocabularies: Mapping[str, vocabulary_lib.Vocabulary]
    data_dir: pathlib.Path | None = None
    metric_tokenizer: str = ""
    answers: tuple[str, ...] = ()

    @classmethod
    def from_data(
        cls,
        problem_name: str,
        data_dir: str | os.PathLike[str],
        *,
        shared: Vocabularies | None = None,
    ) -> Task:
        """Binds the registered problem to its records in `data_dir`.

        Args:
          problem_name: as registered.
          data_dir: of the generated data.
          shared: vocabularies of this folder that are loaded already; those that the problem
            adds are put in.

        Raises:
          ConfigError: for an unknown problem.
          DataError: when records or vocabulary are missing.
        """
        problem = registry.problems.get(problem_name)
        folder = pathlib.Path(data_dir)
        manifest = manifest_lib.Manifest.load(folder, problem_name, problem.version)
        inputs = {
            name: _resolve(manifest, name, declaration)
            for name, declaration in problem.declared_inputs(manifest.source).items()
        }
        targets = _resolve(manifest, TARGETS, problem.targets)
        return cls(
            name=problem_name,
            version=problem.version,
            inputs=inputs,
            targets=targets,
            command=problem.command,
            metrics=tuple(problem.metrics),
            splits=problem.expected_splits(manifest.splits),
            vocabularies=_load_vocabularies(
                [*inputs.values(), targets],
                folder / VOCABULARIES,
                {} if shared is None else shared,
                hint=f"Run: {manifest.command}",
            ),
            data_dir=folder,
            metric_tokenizer=problem.metric_tokenizer,
            answers=tuple(problem.answers) or manifest.answers,
        )

    @classmethod
    def from_description(
        cls,
        description: Mapping[str, Any],
        vocabularies: str | pathlib.Path,
        *,
        data_dir: str | os.PathLike[str] | None = None,
        shared: Vocabularies | None = None,
    ) -> Task:
        """Rebuilds a task from what `describe` returned.

        Args:
          description: an entry of a run folder's `problems.json`.
          vocabularies: the folder with a folder for each vocabulary.
          data_dir: where records are, if they are needed.
          shared: as of `from_data`.

        Raises:
          CheckpointError: when a vocabulary has another hash than described.
        """
        inputs = {n: modality.from_description(m) for n, m in description["inputs"].items()}
        targets = modality.from_description(description[TARGETS])
        loaded = _load_vocabularies(
            [*inputs.values(), targets],
            pathlib.Path(vocabularies),
            {} if shared is None else shared,
        )
        for name, expected in description[VOCABULARIES].items():
            if name in loaded and loaded[name].sha256 != expected["sha256"]:
                raise errors.CheckpointError(
                    f"The vocabulary {name!r} in {vocabularies} is not the one that the "
                    f"run of {description['name']!r} was trained with",
                    received=f"sha256 {loaded[name].sha256[:12]}",
                    expected=f"sha256 {expected['sha256'][:12]}",
                    hint="Point to the data or run folder that it was trained with",
                )
        return cls(
            name=description["name"],
            version=description["version"],
            inputs=inputs,
            targets=targets,
            command=description["command"],
            metrics=tuple(description["metrics"]),
            splits=tuple(description["splits"]),
            vocabularies=loaded,
            data_dir=None if data_dir is None else pathlib.Path(data_dir),
            metric_tokenizer=description.get("metric_tokenizer", ""),
            answers=tuple(description.get("answers", ())),
        )

    def describe(self) -> dict[str, Any]:
        """Returns the task as JSON values; `from_description` inverts it."""
        return {
            "name": self.name,
            "version": self.version,
            "inputs": {name: m.describe() for name, m in self.inputs.items()},
            TARGETS: self.targets.describe(),
            "command": self.command,
            "metrics": list(self.metrics),
            **({"metric_tokenizer": self.metric_tokenizer} if self.metric_tokenizer else {}),
            **({"answers": list(self.answers)} if self.answers else {}),
            "splits": list(self.splits),
            VOCABULARIES: {
                name: {"size": v.size, "sha256": v.sha256} for name, v in self.vocabularies.items()
            },
        }

    @property
    def vocabulary(self) -> vocabulary_lib.Vocabulary:
        """The vocabulary of the targets."""
        name = getattr(self.targets, "vocab", None)
        if name is None:
            raise errors.ConfigError(
                f"The targets of {self.name!r} are not text",
                received=self.targets.kind,
                expected="a problem with language targets",
            )
        return self.vocabularies[name]

    def manifest(self) -> manifest_lib.Manifest:
        """Returns the manifest of the records.

        Raises:
          DataError: when there is no data, or only of another version.
        """
        if self.data_dir is None:
            raise errors.DataError(
                f"The data folder of {self.name!r} is not known", hint="Give --data_dir"
            )
        return manifest_lib.Manifest.load(self.data_dir, self.name, self.version)

    def has_data(self) -> bool:
        """Returns whether a manifest of the records exists, intact or not."""
        if self.data_dir is None:
            return False
        folder = manifest_lib.folder(self.data_dir, self.name, self.version)
        return (folder / manifest_lib.FILE).is_file()

    def given(self) -> dict[str, modality.Modality]:
        """Returns the modalities in a batch's `inputs`, by name.

        Those are the inputs; a task without inputs has the prefix of a text instead.
        """
        return dict(self.inputs) or {PREFIX: self.targets.prefix()}

    def modalities(self) -> dict[str, modality.Modality]:
        """Returns inputs and targets under their names in the records."""
        return {**self.inputs, TARGETS: self.targets}

    def cut_examples(self, batch: Mapping[str, Any]) -> int:
        """Returns how many examples of a batch have a truncated text.

        Args:
          batch: with `inputs` and `targets`, on the host.
        """
        import numpy as np

        features = {**batch["inputs"], TARGETS: batch[TARGETS]}
        cut = [
            declaration.is_cut(features[name]) for name, declaration in self.modalities().items()
        ]
        return int(np.count_nonzero(np.any(cut, axis=0)))


def tasks_from_data(names: Sequence[str], data_dir: str | os.PathLike[str]) -> list[Task]:
    """Binds several problems and checks that they agree on shared names.

    Raises:
      DataError: when a vocabulary or a shared label set differs between them.
    """
    shared: Vocabularies = {}
    tasks = [Task.from_data(name, data_dir, shared=shared) for name in names]
    check_agreement(tasks)
    return tasks


def check_agreement(tasks: Sequence[Task]) -> None:
    """Raises when tasks use one name for different vocabularies or label sets."""
    vocabularies: dict[str, tuple[str, str]] = {}
    labels: dict[str, tuple[str, tuple[str, ...]]] = {}
    for task in tasks:
        for name, vocabulary in task.vocabularies.items():
            owner, sha256 = vocabularies.setdefault(name, (task.name, vocabulary.sha256))
            if sha256 != vocabulary.sha256:
                raise errors.DataError(
                    f"{owner!r} and {task.name!r} hold different vocabularies named {name!r}",
                    received=f"sha256 {sha256[:12]} and {vocabulary.sha256[:12]}",
                    hint="Generate both problems into one data folder",
                )
        for declaration in task.modalities().values():
            label_set = getattr(declaration, "labels", "")
            if not label_set:
                continue
            classes = declaration.classes  # type: ignore[attr-defined]
            owner, known = labels.setdefault(label_set, (task.name, classes))
            if known != classes:
                raise errors.DataError(
                    f"{owner!r} and {task.name!r} share the label set {label_set!r} but have "
                    "different classes",
                    received=f"{len(known)} and {len(classes)} classes",
                    hint="Declare the classes in both problems, or name different label sets",
                )


def _resolve(
    manifest: manifest_lib.Manifest, name: str, declaration: modality.Modality
) -> modality.Modality:
    """Fills in the classes of the data where the declaration names none."""
    if getattr(declaration, "classes", None) != ():
        return declaration
    classes = manifest.classes.get(name)
    if not classes:
        raise errors.DataError(
            f"The manifest of {manifest.problem!r} does not list the classes of {name!r}",
            hint=f"Make the data again: {manifest.command} --overwrite",
        )
    return declaration.with_classes(classes)  # type: ignore[attr-defined]


def _load_vocabularies(
    modalities: Sequence[modality.Modality],
    folder: pathlib.Path,
    shared: Vocabularies,
    *,
    hint: str | None = None,
) -> Vocabularies:
    """Returns the vocabularies that are used, and adds to `shared` those that are not in it.

    `hint` says how to make one that is missing.
    """
    names = dict.fromkeys(m.vocab for m in modalities if hasattr(m, "vocab"))
    for name in names:
        if name in shared:
            continue
        if not vocabulary_lib.exists(folder / name):
            raise errors.DataError(f"There is no vocabulary in {folder / name}", hint=hint)
        shared[name] = vocabulary_lib.Vocabulary.load(folder / name)
    return {name: shared[name] for name in names}
