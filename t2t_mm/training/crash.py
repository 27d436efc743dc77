"""What a step that is not finite leaves behind, `crash/`, and the command that repeats it.

`crash/` is data, as all of a run folder: `crash.json` (step, problem, seed, rate, keys),
a `batch-N.npz` for each replica, the run's `config.gin`, and the model's weights before
the step in `checkpoints/`. Other workers than the chief add theirs in `worker-N/`.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shlex
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import config, errors, plugins, version
from t2t_mm.files import atomic
from t2t_mm.mixture import mixture
from t2t_mm.models import build, precision
from t2t_mm.runs import checkpoint, run_folder
from t2t_mm.schemas import crash as crash_schemas
from t2t_mm.schemas import json_files
from t2t_mm.settings import training
from t2t_mm.training import diagnosis, session, strategy
from t2t_mm.training import step as steps
from t2t_mm.training import taken as taken_lib

FORMAT = 1
_BATCH = re.compile(r"^batch-(\d+)\.npz$")
_SHOWN_KEYS = 5
_ANEW = "Train again: the same step leaves it anew"


@dataclasses.dataclass(frozen=True)
class Crash:
    """A step that is not finite.

    Attributes:
      step: its number, the first being 1.
      problem: that it trains.
      seed: of the step, two numbers.
      rate: the learning rate; `crash.json` keeps this name.
      loss: nats a target token, or no number.
      norm: of the gradients, or no number.
      origin: where the first number comes from that is not finite; None where that was not
        found.
      keys: of the examples, of all replicas of this worker.
    """

    step: int
    problem: str
    seed: tuple[int, int]
    rate: float
    loss: float
    norm: float
    origin: str | None
    keys: tuple[str, ...]

    def error(self, hint: str) -> errors.NotFiniteError:
        """Returns what is raised; `hint` says what to do."""
        shown = errors.first_few(self.keys, _SHOWN_KEYS)
        return errors.NotFiniteError(
            f"Step {self.step:,}, of {self.problem}, is not finite, first in "
            f"{self.origin or 'what another worker, or arithmetic of another order, computed'}",
            received=f"loss {self.loss:.4g}, gradients of norm {self.norm:.4g}, learning rate "
            f"{self.rate:.4g}, examples {shown}",
            hint=hint,
        )

    def describe(self) -> dict[str, Any]:
        """Returns all of it as JSON values; numbers that JSON does not know as text."""
        values = dataclasses.asdict(self)
        return {n: str(v) if isinstance(v, float) else v for n, v in values.items()}


def leave(
    taken: taken_lib.Taken, made: session.Session, folder: run_folder.RunFolder, vote: strategy.Vote
) -> errors.NotFiniteError:
    """Finds where a step went wrong, writes `crash/`, and returns the error to raise.

    All workers call it at the same step, with their own batches. The weights are those
    before the step.

    Args:
      taken: the step.
      made: the training.
      folder: of the run.
      vote: by which workers wait for each other.
    """
    part = taken.to_blame
    crash = _examine(taken, part, made)
    place = folder.path / run_folder.CRASH
    batches = _local(part.batch)
    if made.is_chief:
        with atomic.folder(place) as making:
            _write_batches(making, batches)
            atomic.write_bytes(making / run_folder.CONFIG, folder.config_path.read_bytes())
            _save_weights(making, crash.step, made)
            about = {"format": FORMAT, "code_version": version.__version__, **crash.describe()}
            about["first_replica"] = _first_replica(made)
            atomic.write_json(making / "crash.json", about)
    else:
        _save_weights(place, crash.step, made)
    vote.any(True)  # What follows goes into the folder that the chief has put in place.
    if not made.is_chief:
        own = place / f"worker-{strategy.worker_index(made.strategy)}"
        own.mkdir(exist_ok=True)
        _write_batches(own, batches)
        atomic.write_json(own / "crash.json", {"first_replica": _first_replica(made)})
    vote.any(True)
    return crash.error(
        f"No weight was touched. To repeat it: {command(folder.path)} . Try a lower "
        "OptimizerSettings.learning_rate, a longer warmup_steps, TrainSettings.precision = "
        "'float32', or NotFiniteSettings.policy = 'skip'"
    )


def command(folder: str | os.PathLike[str]) -> str:
    """Returns the command that repeats what the run in `folder` has left."""
    words = ["mm-trainer", f"--output_dir={os.fspath(folder)}", "--repeat_crash"]
    users = os.environ.get(plugins.USR_DIR_VARIABLE)
    return shlex.join([*words, *([f"--usr_dir={users}"] if users else [])])


def repeat(
    output_dir: str | os.PathLike[str] | run_folder.RunFolder, *, gin_params: Sequence[str] = ()
) -> dict[str, Any]:
    """Takes the step again that left `crash/` in a run folder. It needs no data but that.

    Args:
      output_dir: of the run, opened or not.
      gin_params: bindings over its configuration, to see whether they help.

    Returns:
      `step`, `problem`, `loss` and `norm`, where all is finite now.

    Raises:
      NotFiniteError: it is not finite again.
      ConfigError: there is no crash.
      DataError: its files are damaged.
    """
    plugins.load_all()
    folder = run_folder.RunFolder.open(output_dir)
    place = folder.path / run_folder.CRASH
    crash = _read(place, folder)
    config.load([], gin_params, of_run=config.read_run(place / run_folder.CONFIG))
    settings = config.build(training.TrainSettings)
    precision.use("float32" if settings.precision == "auto" else settings.precision)
    tasks = folder.tasks()
    if crash.problem not in {task.name for task in tasks}:
        raise _damaged(place, f"the run has no problem {crash.problem!r}")
    model = build.build(folder.model_name, tasks, kept=folder.nets())
    checkpoints = checkpoint.Checkpoints(
        place / "checkpoints",
        {"model": model},
        fingerprint=build.model_fingerprint(folder.model_name, model),
    )
    if checkpoints.restore(objects={"model": model}) is None:
        raise _damaged(place, "there are no weights in checkpoints/")
    weight = mixture.loss_weights([crash.problem])[crash.problem]
    loss = norm = 0.0
    for replica, batch in _read_batches(place):
        seed = steps.replica_seed(tf.constant(crash.seed, tf.int32), replica)
        try:
            loss, norm = diagnosis.loss_and_norm(model, crash.problem, batch, seed, weight)
            if np.isfinite(loss) and np.isfinite(norm):
                continue
            origin = diagnosis.origin(model, crash.problem, batch, seed, weight)
        except (KeyError, ValueError, TypeError, tf.errors.OpError) as error:
            raise _damaged(place, f"the batch does not fit ({error})") from error
        again = dataclasses.replace(crash, loss=loss, norm=norm, origin=origin)
        raise again.error(
            "It was repeated on the weights of that step; bindings given by --gin_param are tried "
            "on it"
        )
    return {"step": crash.step, "problem": crash.problem, "loss": loss, "norm": norm}


def _examine(taken: taken_lib.Taken, part: taken_lib.Part, made: session.Session) -> Crash:
    """Looks through this worker's batches for what went wrong."""
    origin = None
    for number, batch in enumerate(_local(part.batch)):
        seed = steps.replica_seed(part.seed, _first_replica(made) + number)
        # What cannot be examined, for want of memory perhaps, must not hide the fault itself.
        try:
            weight = made.loss_weights[part.problem]
            origin = origin or diagnosis.origin(made.model, part.problem, batch, seed, weight)
        except tf.errors.OpError as error:
            origin = f"a layer that could not be looked for ({type(error).__name__})"
    keys = [key for replica in part.counts.keys for key in replica.numpy().tolist()]
    return Crash(
        step=taken.step,
        problem=part.problem,
        seed=(int(part.seed[0]), int(part.seed[1])),
        rate=taken.learning_rate,
        loss=float(part.metrics["loss"]),
        norm=float(part.metrics["norm"]),
        origin=origin,
        keys=tuple(key.decode("utf-8", "replace") for key in keys),
    )


def _local(batch: Any) -> list[Any]:
    """Returns the batch of each replica of this worker."""
    flat = tf.nest.flatten(batch)
    parts = [getattr(value, "values", (value,)) for value in flat]
    return [tf.nest.pack_sequence_as(batch, own) for own in zip(*parts, strict=True)]


def _first_replica(made: session.Session) -> int:
    count = made.strategy.num_replicas_in_sync // strategy.worker_count(made.strategy)
    return strategy.worker_index(made.strategy) * max(1, count)


def _save_weights(place: pathlib.Path, step: int, made: session.Session) -> None:
    """Saves the model as it was before the step; on other workers it only takes part."""
    checkpoint.Checkpoints(
        place / "checkpoints",
        {"model": made.model},
        fingerprint=build.model_fingerprint(made.settings.model, made.model),
        is_chief=made.is_chief,
        worker=strategy.worker_index(made.strategy),
    ).save(step - 1)


def _write_batches(place: pathlib.Path, batches: Sequence[Mapping[str, Any]]) -> None:
    for number, batch in enumerate(batches):
        arrays = {f"inputs/{name}": value.numpy() for name, value in batch["inputs"].items()}
        np.savez_compressed(
            place / f"batch-{number}.npz", targets=batch["targets"].numpy(), **arrays
        )


def _read_batches(place: pathlib.Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields replica and batch of every file."""
    folders = [place, *sorted(path for path in place.glob("worker-*") if path.is_dir())]
    for folder in folders:
        about = folder / "crash.json"
        first = json_files.read(
            about, crash_schemas.CrashOfWorker, error=errors.DataError, hint=_ANEW
        )
        for path in sorted(folder.iterdir()):
            match = _BATCH.match(path.name)
            if match is None:
                continue
            try:
                with np.load(path, allow_pickle=False) as file:
                    arrays = {name: tf.constant(file[name]) for name in file.files}
                targets = arrays.pop("targets")
            except (
                OSError,
                EOFError,
                ValueError,
                KeyError,
                TypeError,
                zipfile.BadZipFile,
            ) as error:
                raise _damaged(path, f"{type(error).__name__}: {error}") from error
            inputs = {name.removeprefix("inputs/"): value for name, value in arrays.items()}
            yield first["first_replica"] + int(match[1]), {"inputs": inputs, "targets": targets}


def _read(place: pathlib.Path, folder: run_folder.RunFolder) -> Crash:
    path = place / "crash.json"
    if not path.is_file():
        raise errors.ConfigError(
            f"No step of the run in {folder.path} is to be repeated: there is no {path}"
        )
    values = json_files.read(path, crash_schemas.Crash, error=errors.DataError, hint=_ANEW)
    if values["format"] != FORMAT:
        raise _damaged(path, f"format {values['format']}, not {FORMAT}")
    return Crash(
        step=values["step"],
        problem=values["problem"],
        seed=(values["seed"][0], values["seed"][1]),
        rate=float(values["rate"]),
        loss=float(values["loss"]),
        norm=float(values["norm"]),
        origin=values["origin"],
        keys=tuple(values["keys"]),
    )


def _damaged(place: pathlib.Path, why: str) -> errors.DataError:
    return errors.DataError(f"{place} cannot be used", received=why, hint=_ANEW)
