"""The run folder: all files of one training.

    config.gin       the operative configuration
    problems.json    model, schedule, and what each problem was
    nets.json        nets from elsewhere: declaration, architecture, the weights' file and sha256
    vocabularies/    copies, so that the data folder is not needed later
    checkpoints/     see checkpoint_files.py
    starts.jsonl     command, versions and machine of each start of the training
    metrics.jsonl, tensorboard/, decodes/, robustness/, report.html
    averaged/        a run of its own: the mean of checkpoints, see training.averaging
    crash/           the last step that was not finite, see training.crash

It is enough to evaluate, decode, export or resume with `--output_dir` alone.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm import config, errors
from t2t_mm.data import task as task_lib
from t2t_mm.files import atomic, mirrors, paths
from t2t_mm.runs import description, starts
from t2t_mm.settings import models

if TYPE_CHECKING:
    from t2t_mm.config import gin_files

PROBLEMS = "problems.json"
NETS = "nets.json"
CONFIG = "config.gin"
AVERAGED = "averaged"
CRASH = "crash"
_WITH_NETS = tuple(c.__name__ for c in (models.MultiModelConfig, models.TransformerConfig))
_OURS = frozenset(
    (
        PROBLEMS,
        NETS,
        CONFIG,
        "vocabularies",
        "checkpoints",
        "metrics.jsonl",
        starts.FILE,
        "tensorboard",
        "decodes",
        "robustness",
        "report.html",
        AVERAGED,
        CRASH,
    )
)


class RunFolder:
    """The folder of one run, which need not exist: written by `create`, read by `open`.

    A command creates one and passes it on, so that its files are read once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = paths.expanded(path)
        mirrors.fetch(self.path)
        self.config_path = self.path / CONFIG
        self.problems_path = self.path / PROBLEMS
        self.nets_path = self.path / NETS
        self.vocabularies = self.path / "vocabularies"
        self.checkpoints = self.path / "checkpoints"
        self.metrics_path = self.path / "metrics.jsonl"
        self.starts_path = self.path / starts.FILE
        self.tensorboard = self.path / "tensorboard"
        self.decodes = self.path / "decodes"
        self.robustness = self.path / "robustness"
        self.report_path = self.path / "report.html"
        self._description: dict[str, Any] | None = None
        self._bindings: tuple[gin_files.Binding, ...] | None = None

    def create(self, *, model: str, schedule: str, tasks: Sequence[task_lib.Task]) -> RunFolder:
        """Makes the folder of a new run, or resumes the run in it; returns itself.

        `config.gin` is left to `write_config`, to be called once the checkpoint
        has been found to fit.

        Raises:
          ConfigError: the folder holds another run, or files that are no run's.
        """
        self.check(model=model, tasks=tasks)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise errors.ConfigError(
                f"Cannot make the output folder {self.path}", received=error.strerror
            ) from error
        atomic.remove_leftovers(self.path)
        used = {name: one for task in tasks for name, one in task.vocabularies.items()}
        for name, vocabulary in used.items():
            self._keep_vocabulary(name, vocabulary)
        new = description.make(model=model, schedule=schedule, tasks=tasks)
        old = self._described() if self.exists() else None
        if old is None or description.without_version(old) != description.without_version(new):
            atomic.write_json(self.problems_path, new)
        self._description = json.loads(json.dumps(new))
        return self

    @classmethod
    def open(cls, path: str | os.PathLike[str] | RunFolder) -> RunFolder:
        """Opens the folder of a run that has been started; one that is opened is given back.

        Raises:
          ConfigError: there is no run, or not a whole one.
        """
        if isinstance(path, RunFolder):
            return path
        run = cls(path)
        if not run.path.is_dir():
            raise errors.ConfigError(
                f"There is no folder {run.path}", expected="the --output_dir of a training"
            )
        for file in (run.problems_path, run.config_path):
            if not file.is_file():
                raise errors.ConfigError(
                    f"{run.path} holds no run: {file.name} is missing",
                    received=_listing(run.path),
                    expected="the --output_dir of a training",
                )
        run._described()
        return run

    @property
    def model_name(self) -> str:
        """The registered name of the model."""
        return str(self._described()["model"])

    @property
    def schedule(self) -> str:
        """The mixture's schedule, as `--schedule` takes it."""
        return str(self._described()["schedule"])

    @property
    def problem_names(self) -> list[str]:
        """The problems, in the order of training."""
        return [str(problem["name"]) for problem in self._described()["problems"]]

    @property
    def data_dir(self) -> pathlib.Path | None:
        """The folder of the records that the training read; None where it read none."""
        held = self._described().get("data_dir")
        return None if held is None else paths.expanded(held)

    @property
    def averaged(self) -> list[int]:
        """The steps whose checkpoints the run is the average of; none where it was trained."""
        held = self._described().get(AVERAGED)
        return [int(step) for step in held["steps"]] if held else []

    def exists(self) -> bool:
        """Returns whether a run was started here."""
        return self.problems_path.is_file()

    def tasks(self, data_dir: str | os.PathLike[str] | None = None) -> list[task_lib.Task]:
        """Returns the problems as they were trained.

        Args:
          data_dir: where records are; the folder that the training read when left out.
        """
        folder = pathlib.Path(data_dir) if data_dir else self.data_dir
        shared: task_lib.Vocabularies = {}
        return [
            self._task(number, problem, folder, shared)
            for number, problem in enumerate(self._described()["problems"])
        ]

    def nets(self) -> dict[str, Any]:
        """Returns what the run keeps of nets from elsewhere, by name of the net.

        Raises:
          ConfigError: the file is damaged.
        """
        if not self.nets_path.is_file():
            return {}
        from t2t_mm.schemas import json_files
        from t2t_mm.schemas import run as run_schemas

        return dict(
            json_files.read(self.nets_path, run_schemas.Nets, error=errors.ConfigError)["nets"]
        )

    def write_nets(self, nets: dict[str, Any]) -> None:
        """Keeps what the run is to know of nets from elsewhere; writes nothing without any."""
        if nets:
            atomic.write_json(self.nets_path, {"format": description.FORMAT, "nets": nets})

    def described(self) -> dict[str, Any]:
        """Returns a copy of what `problems.json` holds."""
        return copy.deepcopy(self._described())

    def bindings(self) -> tuple[gin_files.Binding, ...]:
        """Returns what `config.gin` binds, for `config.load` and `config.only`.

        Raises:
          ConfigError: it is not there, or no configuration of a run.
        """
        if self._bindings is None:
            self._bindings = _completed(config.read_run(self.config_path))
        return self._bindings

    def write_config(self) -> None:
        """Writes the operative configuration."""
        atomic.write_text(self.config_path, config.operative())
        self._bindings = None

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Holds the run for this process: two trainers in one folder would spoil it.

        Raises:
          LockedError: another process holds it.
          DataError: its file cannot be written.
        """
        return atomic.lock(self.path / ".lock", f"the run in {self.path}")

    def check(self, *, model: str, tasks: Sequence[task_lib.Task]) -> None:
        """Raises unless a run of this model and these problems can live here.

        Raises:
          ConfigError: says what differs.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise errors.ConfigError(f"The output folder {self.path} is a file")
        self.check_trainable()
        if not self.exists():
            if self.foreign():
                raise errors.ConfigError(
                    f"The output folder {self.path} holds files that are no run's",
                    received=_listing(self.path),
                    expected="an empty or new folder, or that of a run to go on with",
                )
            return
        held = self._described()
        differences = description.differences(held, model, [task.describe() for task in tasks])
        if differences:
            raise errors.ConfigError(
                f"The output folder {self.path} holds another run: {'; '.join(differences)}",
                hint=self._way_on(held, [task.name for task in tasks]),
            )

    def _way_on(self, held: dict[str, Any], problems: Sequence[str]) -> str:
        """Returns what to do where the folder holds a run of other problems, or another model."""
        old = {problem["name"] for problem in held["problems"]}
        if old < set(problems):
            return (
                f"A run keeps its problems; --warm_start={self.path} with another --output_dir "
                "begins a new one with these weights, and the further problems beside"
            )
        return "Give another --output_dir, or what that run was started with"

    def check_trainable(self) -> None:
        """Raises where the folder holds an average, with which no training can go on.

        Raises:
          ConfigError: says what to do instead.
        """
        if self.exists() and self.averaged:
            held = (
                "an average of checkpoints" if len(self.averaged) > 1 else "a checkpoint's weights"
            )
            raise errors.ConfigError(
                f"{self.path} holds {held}: it has weights, but no state of an "
                "optimizer, nor a place in the data, for a training to go on from",
                expected="the --output_dir of a training, or a new folder",
                hint=f"To begin a new training with these weights, add --warm_start={self.path}",
            )

    def foreign(self) -> list[str]:
        """Returns the names in the folder that are no run's; hidden files do not count."""
        names = (path.name for path in self.path.iterdir())
        return sorted(n for n in names if n not in _OURS and not n.startswith("."))

    def _described(self) -> dict[str, Any]:
        if self._description is None:
            self._description = description.read(self.problems_path)
        return self._description

    def _task(
        self,
        number: int,
        problem: dict[str, Any],
        data_dir: pathlib.Path | None,
        shared: task_lib.Vocabularies,
    ) -> task_lib.Task:
        """Returns one problem; what is wrong with it is said with its place in the file."""
        try:
            return task_lib.Task.from_description(
                problem, self.vocabularies, data_dir=data_dir, shared=shared
            )
        except errors.ConfigError as error:
            raise errors.ConfigError(
                f"Cannot use {self.problems_path}, problems[{number}] ({problem['name']}): {error}"
            ) from error

    def _keep_vocabulary(self, name: str, vocabulary: Any) -> None:
        """Copies a vocabulary into the run, or checks the copy that is there."""
        folder = self.vocabularies / name
        atomic.remove_leftovers(folder)
        try:
            held = type(vocabulary).load(folder)
        except errors.DataError:
            vocabulary.save(folder)  # no copy yet, or one cut off while it was written
            return
        if held.sha256 != vocabulary.sha256:
            if self.exists():
                raise errors.ConfigError(
                    f"The vocabulary {name!r} of the data is not that of the run in {self.path}",
                    received=f"sha256 {vocabulary.sha256[:12]}",
                    expected=f"sha256 {held.sha256[:12]}",
                    hint="Give the --data_dir that the run was started with",
                )
            shutil.rmtree(atomic.real(folder))
            vocabulary.save(folder)


def _listing(folder: pathlib.Path) -> str:
    return errors.first_few(sorted(p.name for p in folder.iterdir())) or "an empty folder"


def _completed(bindings: tuple[gin_files.Binding, ...]) -> tuple[gin_files.Binding, ...]:
    """Adds the settings of the nets that the version which trained the run did not have yet.

    A run's configuration names every setting, defaults included: one that lacks them is older.
    """
    held = {binding.key for binding in bindings}
    added = [
        dataclasses.replace(binding, parameter=name, value=value, macros=())
        for binding in bindings
        if binding.parameter == "entry_widths" and binding.name in _WITH_NETS
        for name, value in models.BEFORE.items()
        if f"{binding.key.removesuffix('entry_widths')}{name}" not in held
    ]
    return (*bindings, *added)
