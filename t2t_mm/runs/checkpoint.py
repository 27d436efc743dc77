"""Checkpoints: read back after writing, hashes compared before loading, published atomically.

Before it is published every tensor is read back from the disk (`tensors.verify`: TensorFlow's
checksums, and that all is finite). The sha256 of each file, taken before that, is in the sidecar,
whose renaming publishes the checkpoint. Before it is loaded the files are hashed again
(`checkpoint_files.damage`). So one of the two finds whatever is damaged after writing.

See `checkpoint_files` for the files of a checkpoint. `best/` has a second link to the best
one. TensorFlow's own `checkpoint` state file is neither written nor read.

The newest whole checkpoint is restored. A damaged one is skipped with a warning. If there
are checkpoints but none is whole, that is an error: starting again from zero would hide the
loss.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.files import atomic, paths
from t2t_mm.runs import checkpoint_files, tensors
from t2t_mm.runs import division as division_lib
from t2t_mm.runs import fingerprint as fingerprint_lib

BEST = "best"
Restored = tuple[int, dict[str, Any]]


class Checkpoints:
    """The checkpoints of one run.

    Args:
      folder: of the checkpoints; created by the first `save`.
      objects: the objects to save, by name: Keras models and layers, variables, iterators
        of tf.data, and dicts and lists of these. All their variables must exist
        before `restore`.
      keep: how many of the newest checkpoints are kept; the best one is kept too.
      fingerprint: JSON values that must be equal to restore: the model and its
        configuration, vocabularies' sha256, problems' versions. Not of records: these are `data`.
      data: hashes of the training records, by problem, since an iterator is valid only for
        the same records. Not checked when only some objects are restored, as for evaluation.
      is_chief: with several workers every one must call `save` (variables aggregated on
        reading need all), but only the chief's files are published.
      worker: index of this worker.
      local: names of the objects that each worker has its own of, such as iterators. Those
        of workers other than the chief are in `worker-N/`. All workers must see the same
        folder. They are not restored from a checkpoint with another division.
      division: of the training into workers and replicas, if this is one.
      warn: called with warnings; writes to standard error by default.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        objects: Mapping[str, Any],
        *,
        keep: int = 3,
        fingerprint: Mapping[str, Any] | None = None,
        data: Mapping[str, str] | None = None,
        is_chief: bool = True,
        worker: int = 0,
        local: Collection[str] = (),
        division: division_lib.Division | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = pathlib.Path(folder)
        self._objects = dict(objects)
        self._keep = keep
        self._fingerprint = json.loads(json.dumps(dict(fingerprint or {})))
        self._data = dict(data or {})
        self._is_chief = is_chief
        self._worker = worker
        self._places = frozenset(local)
        self._division = division
        self._warn = warn or _to_stderr
        self._passed_over: set[int] = set()
        self._local: Checkpoints | None = None
        if local and not is_chief:
            self._local = Checkpoints(
                self.folder / f"worker-{worker}",
                {name: self._objects.pop(name) for name in local},
                keep=keep,
                fingerprint=fingerprint,
                data=data,
                local=local,
                division=division,
                warn=warn,
            )

    def steps(self) -> list[int]:
        """Returns the steps of all published checkpoints, oldest first."""
        return checkpoint_files.steps(self.folder)

    def best_step(self) -> int | None:
        """Returns the step of the best checkpoint, if one was marked."""
        steps = checkpoint_files.steps(self.folder / BEST)
        return steps[-1] if steps else None

    def save(self, step: int, extra: Mapping[str, Any] | None = None) -> pathlib.Path | None:
        """Writes, reads back and publishes a checkpoint, then removes the oldest.

        Args:
          step: training steps done.
          extra: JSON values, which `restore` returns.

        Returns:
          the published `ckpt-STEP.json`; None on workers that are not the chief.

        Raises:
          CheckpointError: it could not be written, or not be read back; earlier
            checkpoints are unchanged.
        """
        scratch = self.folder / f".writing-{self._worker}"
        try:
            if self._is_chief:
                checkpoint_files.remove_unpublished(self.folder)
                for folder in (self.folder, self.folder / BEST):
                    atomic.remove_leftovers(folder)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            prefix = f"{paths.for_tensorflow(scratch)}/ckpt"
            tensors.write(prefix, self._objects)
            if not self._is_chief:
                if self._local is not None:
                    self._local.save(step)
                return None
            # Hashed first: a file damaged in between does not read back.
            files = checkpoint_files.hashed(scratch)
            tensors.verify(prefix)
            return self._publish(step, scratch, files, dict(extra or {}))
        except (OSError, tf.errors.OpError, errors.DataError) as error:
            raise tensors.not_written(self.folder, step, error) from error
        finally:
            if self._is_chief:
                checkpoint_files.remove_unpublished(self.folder)
            shutil.rmtree(scratch, ignore_errors=True)

    def mark_best(self, step: int) -> None:
        """Marks the checkpoint of `step` as the best one, which is kept."""
        if not self._is_chief:
            return
        sidecar = checkpoint_files.read_sidecar(self.folder, step)
        best = self.folder / BEST
        try:
            best.mkdir(exist_ok=True)
            for name in sidecar["files"]:
                checkpoint_files.link(self.folder / name, best / name)
            atomic.write_json(checkpoint_files.sidecar_path(best, step), sidecar)
            for old in checkpoint_files.steps(best):
                if old != step:
                    checkpoint_files.sidecar_path(best, old).unlink()
            checkpoint_files.remove_strays(best)
        except (OSError, errors.DataError) as error:
            raise tensors.not_written(best, step, error) from error

    def restore(
        self,
        which: str | int = "latest",
        objects: Mapping[str, Any] | None = None,
    ) -> Restored | None:
        """Restores a checkpoint.

        Args:
          which: "latest", "best", or a step.
          objects: some of the saved objects, under the same names, such as the model alone
            for evaluation. Left out, all of them; then the checkpoint may hold nothing else.

        Returns:
          step and extra; None for "latest" if there are no checkpoints.

        Raises:
          CheckpointError: none is whole, or it does not fit.
        """
        for left in checkpoint_files.without_sidecar(self.folder):
            self._warn(
                f"{self.folder / left} is part of a checkpoint whose sidecar is gone: it is not "
                "used, and the next save removes it; restore the .json file from a copy to keep it."
            )
        if which == "latest":
            return self._restore_latest(objects)
        folder, step = self._place(which)
        damage = checkpoint_files.damage(folder, step)
        if damage:
            whole = [s for s in self.steps() if not checkpoint_files.damage(self.folder, s)]
            raise errors.CheckpointError(
                f"The checkpoint of step {step} in {folder} is damaged: {damage}",
                hint=f"Whole ones are of steps {whole or 'none'}",
            )
        return self._read(folder, step, objects)

    def _restore_latest(self, objects: Mapping[str, Any] | None) -> Restored | None:
        steps = self.steps()
        for step in reversed(steps):
            damage = checkpoint_files.damage(self.folder, step)
            if not damage:
                return self._read(self.folder, step, objects)
            self._passed_over.add(step)
            self._warn(f"Passing over the checkpoint of step {step}: {damage}.")
        best = self.best_step()
        if best is not None and not checkpoint_files.damage(self.folder / BEST, best):
            self._warn(f"No other checkpoint is whole: taking the best one, of step {best}.")
            return self._read(self.folder / BEST, best, objects)
        remains = checkpoint_files.remains(self.folder)
        if best is not None or remains:
            raise errors.CheckpointError(
                f"{self.folder} holds checkpoints, but none is whole",
                received=", ".join(remains[:5]) or f"{BEST}, step {best}",
                hint="Restore the files from a copy; or, to start again from step 0, "
                "give another --output_dir",
            )
        return None

    def _place(self, which: str | int) -> tuple[pathlib.Path, int]:
        """Returns folder and step of a checkpoint given by name or step."""
        steps, best = self.steps(), self.best_step()
        if isinstance(which, str) and which != BEST and not which.isdecimal():
            raise errors.CheckpointError(
                f"Unknown checkpoint {which!r}", expected="latest, best or a step"
            )
        if which != BEST and int(which) in steps:
            return self.folder, int(which)
        if best is not None and which in (BEST, best, str(best)):
            return self.folder / BEST, best
        is_best = which == BEST
        raise errors.CheckpointError(
            f"No checkpoint in {self.folder} is the best yet: no evaluation has marked one"
            if is_best
            else f"There is no checkpoint of step {which} in {self.folder}",
            expected=f"latest, or a step of {steps}" if steps else "a run that saved checkpoints",
            hint="A training evaluates every TrainSettings.eval_every steps and at its end, and "
            "marks the best by TrainSettings.best_metric"
            if is_best
            else None,
        )

    def _read(self, folder: pathlib.Path, step: int, objects: Mapping[str, Any] | None) -> Restored:
        sidecar = checkpoint_files.read_sidecar(folder, step)
        place = f"{folder}, step {step}"
        fingerprint_lib.check(held=sidecar["fingerprint"], wanted=self._fingerprint, place=place)
        if objects is not None:
            tensors.read(folder, sidecar, objects, all_of_it=False)
            return step, sidecar["extra"]
        self._check_data(sidecar.get("data"), place=place)
        change = self._division and self._division.change_from(sidecar)
        if change:
            self._warn(change)
            lasting = {n: v for n, v in self._objects.items() if n not in self._places}
            tensors.read(folder, sidecar, lasting, all_of_it=False)
            return step, sidecar["extra"]
        tensors.read(folder, sidecar, self._objects, all_of_it=self._local is None)
        if self._local is not None:
            if step in self._local.steps():
                self._local.restore(step)
            else:
                self._warn(
                    f"Worker {self._worker} did not save its place in the data at step {step}, "
                    "and begins there anew."
                )
        return step, sidecar["extra"]

    def _check_data(self, held: Mapping[str, str] | None, *, place: str) -> None:
        """Raises if the iterators of the checkpoint belong to other records."""
        if held is None or not self._data:
            return
        changed = [name for name in self._data if held.get(name) != self._data[name]]
        if changed:
            was, now = held.get(changed[0]), self._data[changed[0]]
            raise errors.CheckpointError(
                f"The training records of {', '.join(changed)} are not those that the checkpoint "
                f"({place}) was trained on: they were made anew, or are others",
                received=f"records of {changed[0]} with the hash {now[:12]}",
                expected=(was or "none")[:12],
                hint="Give the --data_dir that it was trained on; or, to go on with its weights on "
                "these records, another --output_dir and this run as --warm_start",
            )

    def _publish(
        self,
        step: int,
        scratch: pathlib.Path,
        files: Mapping[str, checkpoint_files.Hashed],
        extra: dict[str, Any],
    ) -> pathlib.Path:
        """Moves files that read back into place; renaming the sidecar publishes the checkpoint."""
        prefix = checkpoint_files.new_prefix(self.folder, step)
        sidecar = {
            "format": checkpoint_files.FORMAT,
            "step": step,
            "prefix": prefix,
            "files": checkpoint_files.move_in(scratch, self.folder, prefix, files),
            "fingerprint": self._fingerprint,
            "data": self._data,
            **(dataclasses.asdict(self._division) if self._division else {}),
            "extra": extra,
        }
        published = checkpoint_files.sidecar_path(self.folder, step)
        atomic.write_json(published, sidecar)
        self._passed_over.discard(step)
        whole = [s for s in self.steps() if s not in self._passed_over]
        for old in {*whole[: -self._keep], *self._passed_over}:
            checkpoint_files.sidecar_path(self.folder, old).unlink(missing_ok=True)
        self._passed_over.clear()
        checkpoint_files.remove_strays(self.folder)
        return published


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"Warning: {line}\n")
