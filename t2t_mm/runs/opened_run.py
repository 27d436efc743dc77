"""An opened run: problems, vocabularies and settings of its folder. No TensorFlow.

A command opens its run once and passes it on; `loaded_run.restore` adds the model.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence

from t2t_mm import config, errors, plugins, registry
from t2t_mm import vocabulary as vocabulary_lib
from t2t_mm.data import task as task_lib
from t2t_mm.runs import run_folder
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenedRun:
    """A run without its weights.

    Attributes:
      folder: of the run.
      tasks: the problems it was trained on, by name.
      batching: sizes of batches, as configured in the run.
      decode_settings: as configured in the run.
    """

    folder: run_folder.RunFolder
    tasks: Mapping[str, task_lib.Task]
    batching: batching_lib.Batching
    decode_settings: decoding.DecodeSettings

    @property
    def vocabularies(self) -> dict[str, vocabulary_lib.Vocabulary]:
        """The vocabularies of all problems, by name."""
        return {n: v for task in self.tasks.values() for n, v in task.vocabularies.items()}

    def task(self, name: str | None = None) -> task_lib.Task:
        """Returns the problem of a name, or the only one of the run.

        Raises:
          ConfigError: for a problem that the run does not have, or none where it has many.
        """
        if name is None:
            if len(self.tasks) == 1:
                return next(iter(self.tasks.values()))
            raise errors.ConfigError(
                "The run has several problems",
                expected=f"--problem= one of {', '.join(self.tasks)}",
            )
        if name not in self.tasks:
            raise errors.ConfigError(
                f"The run has no problem {name!r}",
                expected=f"one of {', '.join(self.tasks)}",
                hint=errors.did_you_mean(name, self.tasks),
            )
        return self.tasks[name]

    def matching(self, patterns: Sequence[str] | None = None) -> list[task_lib.Task]:
        """Returns the problems that match names or globs; all of them for none.

        Raises:
          ConfigError: for a pattern that matches no problem of the run.
        """
        if not patterns:
            return list(self.tasks.values())
        known: registry.Registry[task_lib.Task] = registry.Registry("problem of the run")
        for name, task in self.tasks.items():
            known.add(name, task)
        return [self.tasks[name] for name in known.match(list(patterns))]


def open_run(
    folder: str | os.PathLike[str] | run_folder.RunFolder,
    *,
    data_dir: str | os.PathLike[str] | None = None,
) -> OpenedRun:
    """Opens a run; the configuration that this process holds is left as it is.

    Args:
      folder: the output folder of a training, opened or not.
      data_dir: of generated data, if it is not where the training read it.

    Raises:
      ConfigError: when there is no run in the folder, or its files are damaged.
      CheckpointError: when a vocabulary is not the one that it was trained with.
    """
    plugins.load_all()
    run = run_folder.RunFolder.open(folder)
    with config.only(of_run=run.bindings()):
        batching = config.build(batching_lib.Batching)
        decode_settings = config.build(decoding.DecodeSettings)
    tasks = run.tasks(None if data_dir is None else pathlib.Path(data_dir))
    return OpenedRun(
        folder=run,
        tasks={task.name: task for task in tasks},
        batching=batching,
        decode_settings=decode_settings,
    )
