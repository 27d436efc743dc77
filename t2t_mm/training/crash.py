"""What a step that is not finite leaves behind: `crash/`, and an error that says what to do.

`crash/` is data, as all of a run folder: `crash.json` (step, problem, seed, rate, keys),
a `batch-N.npz` for each replica, the run's `config.gin`, and the model's weights before
the step in `checkpoints/`. Other workers than the chief add theirs in `worker-N/`.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import errors, plugins, version
from t2t_mm.files import atomic
from t2t_mm.models import build
from t2t_mm.runs import checkpoint, run_folder
from t2t_mm.training import advice, diagnosis, session, strategy
from t2t_mm.training import step as steps
from t2t_mm.training import taken as taken_lib

FORMAT = 1
CRASH = "crash.json"
_SHOWN_KEYS = 5


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
            about["time"] = round(time.time(), 3)
            atomic.write_json(making / CRASH, about)
    else:
        _save_weights(place, crash.step, made)
    vote.any(True)  # What follows goes into the folder that the chief has put in place.
    if not made.is_chief:
        own = place / f"worker-{strategy.worker_index(made.strategy)}"
        own.mkdir(exist_ok=True)
        _write_batches(own, batches)
        atomic.write_json(own / CRASH, {"first_replica": _first_replica(made)})
    vote.any(True)
    steps_saved = made.checkpoints.steps()
    goes_on = f"goes on from step {steps_saved[-1]:,}" if steps_saved else "begins anew"
    ways = advice.on_not_finite(
        made.optimizer_settings,
        step=crash.step,
        precision=made.settings.precision,
        policy=made.not_finite.policy,
        is_of_input=diagnosis.is_of_input(crash.origin),
        has_schedule=made.optimizer.schedule is not None,
    )
    return crash.error(
        f"No weight was touched. {command(folder.path, '--repeat_crash')} repeats the step alone; "
        f"{command(folder.path)} {goes_on}, and comes to the same step unless --gin_param changes "
        f"what has led to it: {ways}"
    )


def command(folder: str | os.PathLike[str], *flags: str) -> str:
    """Returns the command that goes on with the run in `folder`, or does what flags say of it."""
    words = ["mm-trainer", f"--output_dir={os.fspath(folder)}", *flags]
    users = os.environ.get(plugins.USR_DIR_VARIABLE)
    return shlex.join([*words, *([f"--usr_dir={users}"] if users else [])])


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
