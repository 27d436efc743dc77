"""Checkpoints: verified after writing, published by their last file, never lost silently.

A checkpoint of step 500 is `ckpt-500-N.index` and `.data-*` (TensorFlow's format)
and `ckpt-500.json`, which names them with their sha256 and is written last: what
has no such file does not exist. `best/` holds a second link to the best one.
TensorFlow's own `checkpoint` state file is neither written nor read.

The newest whole checkpoint is the one restored. A damaged one is passed over with
a warning; where there are checkpoints but none is whole, that is an error, for to
start again from zero would hide the loss.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import atomic
from t2t_mm.training import fingerprint as fingerprint_lib
from t2t_mm.training import trackables

FORMAT = 1
BEST = "best"
_SIDECAR = re.compile(r"^ckpt-(\d+)\.json$")
_MARK = "publishing"
_ANY = re.compile(r"^ckpt-\d+(-\d+)?\.(json|index|data-.*)$")


class Checkpoints:
    """The checkpoints of one run.

    Args:
      folder: where they are; made when the first is saved.
      objects: what is saved, by name: Keras models and layers, variables, iterators
        of tf.data. All their variables must exist before `restore`.
      keep: newest checkpoints that are kept; the best one is kept besides.
      fingerprint: JSON values of what a checkpoint must fit: the model and its
        configuration, vocabularies' sha256, problems' versions.
      is_chief: under several workers every one must call `save` (variables that
        are summed on reading need all), but only the chief's files are published.
      worker: index of this worker.
      warn: takes a line of text.
    """

    def __init__(
        self,
        folder: str | pathlib.Path,
        objects: Mapping[str, Any],
        *,
        keep: int = 3,
        fingerprint: Mapping[str, Any] | None = None,
        is_chief: bool = True,
        worker: int = 0,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = pathlib.Path(folder)
        self._objects = dict(objects)
        self._keep = keep
        self._fingerprint = json.loads(json.dumps(dict(fingerprint or {})))
        self._is_chief = is_chief
        self._worker = worker
        self._warn = warn or _to_stderr
        self._passed_over: set[int] = set()

    def steps(self) -> list[int]:
        """Returns the steps of all published checkpoints, oldest first."""
        return _steps(self.folder)

    def best_step(self) -> int | None:
        """Returns the step of the best checkpoint, if one was marked."""
        steps = _steps(self.folder / BEST)
        return steps[-1] if steps else None

    def save(self, step: int, extra: Mapping[str, Any] | None = None) -> pathlib.Path | None:
        """Writes, verifies and publishes a checkpoint, then removes the oldest.

        Args:
          step: training steps done.
          extra: JSON values to be given back by `restore`.

        Returns:
          the published `ckpt-STEP.json`; None on workers that are not the chief.

        Raises:
          CheckpointError: it could not be written, or does not read back whole;
            the earlier ones are untouched.
        """
        scratch = self.folder / f".writing-{self._worker}"
        try:
            if self._is_chief:
                _remove_unpublished(self.folder)
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            prefix = scratch / "ckpt"
            trackables.Trackables(self._objects).checkpoint().write(str(prefix))
            if not self._is_chief:
                return None
            verify_tensors(prefix)
            return self._publish(step, scratch, dict(extra or {}))
        except (OSError, tf.errors.OpError) as error:
            raise _not_written(self.folder, step, error) from error
        finally:
            if self._is_chief:
                _remove_unpublished(self.folder)
            shutil.rmtree(scratch, ignore_errors=True)

    def mark_best(self, step: int) -> None:
        """Keeps the checkpoint of `step` as the best one, whatever is saved later."""
        if not self._is_chief:
            return
        sidecar = self._sidecar(self.folder, step)
        best = self.folder / BEST
        try:
            best.mkdir(exist_ok=True)
            for name in sidecar["files"]:
                if not _is_same(self.folder / name, best / name):
                    (best / name).unlink(missing_ok=True)
                    _link(self.folder / name, best / name)
            atomic.write_json(best / f"ckpt-{step}.json", sidecar)
            for old in _steps(best):
                if old != step:
                    (best / f"ckpt-{old}.json").unlink()
            _remove_strays(best)
        except OSError as error:
            raise _not_written(best, step, error) from error

    def restore(
        self,
        which: str | int = "latest",
        objects: Mapping[str, Any] | None = None,
    ) -> tuple[int, dict[str, Any]] | None:
        """Restores a checkpoint.

        Args:
          which: "latest", "best", or a step.
          objects: a part of what was saved, under the same names, such as the model
            alone for evaluation. Left out, all is restored, and everything in the
            checkpoint must find its object.

        Returns:
          step and extra; None when the folder holds no checkpoint at all.

        Raises:
          CheckpointError: none is whole, or what there is does not fit.
        """
        if which == "latest":
            return self._restore_latest(objects)
        folder, step = self._place(which)
        problem = self.damage(step, folder)
        if problem:
            raise errors.CheckpointError(
                f"The checkpoint of step {step} in {folder} is damaged: {problem}",
                hint=f"Whole ones: {', '.join(map(str, self._whole_steps())) or 'none'}",
            )
        return self._read(folder, step, objects)

    def damage(self, step: int, folder: pathlib.Path | None = None) -> str:
        """Returns what is wrong with a published checkpoint; empty when it is whole."""
        folder = folder or self.folder
        try:
            sidecar = self._sidecar(folder, step)
        except errors.CheckpointError as error:
            return str(error)
        for name, expected in sidecar["files"].items():
            path = folder / name
            if not path.is_file():
                return f"{name} is missing"
            if path.stat().st_size != expected["bytes"]:
                return f"{name} has {path.stat().st_size} bytes instead of {expected['bytes']}"
            if _sha256(path) != expected["sha256"]:
                return f"{name} has changed since it was written (sha256 differs)"
        return ""

    def _restore_latest(
        self, objects: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any]] | None:
        steps = self.steps()
        best = self.best_step()
        for step in reversed(steps):
            problem = self.damage(step)
            if not problem:
                return self._read(self.folder, step, objects)
            self._passed_over.add(step)
            self._warn(f"Passing over the checkpoint of step {step}: {problem}.")
        if best is not None and not self.damage(best, self.folder / BEST):
            self._warn(f"No other checkpoint is whole: taking the best one, of step {best}.")
            return self._read(self.folder / BEST, best, objects)
        remains = _remains(self.folder)
        if steps or best is not None or remains:
            raise errors.CheckpointError(
                f"{self.folder} holds checkpoints, but none is whole",
                received=", ".join(remains[:5]) or f"steps {steps}",
                hint="Restore the files from a copy; or, to start again from step 0, "
                "give another --output_dir",
            )
        return None

    def _place(self, which: str | int) -> tuple[pathlib.Path, int]:
        """Returns folder and step of a checkpoint asked for by name or step."""
        best = self.best_step()
        if which == BEST:
            if best is None:
                raise errors.CheckpointError(
                    f"No checkpoint in {self.folder} was marked as the best",
                    expected=f"latest, or a step of {self.steps() or 'none'}",
                )
            return self.folder / BEST, best
        if isinstance(which, str) and not which.isdigit():
            raise errors.CheckpointError(
                f"Unknown checkpoint {which!r}", expected="latest, best or a step"
            )
        step = int(which)
        if step in self.steps():
            return self.folder, step
        if step == best:
            return self.folder / BEST, step
        raise errors.CheckpointError(
            f"There is no checkpoint of step {step} in {self.folder}",
            expected=f"latest, best, or one of {self.steps() or 'none'}",
        )

    def _whole_steps(self) -> list[int]:
        return [step for step in self.steps() if not self.damage(step)]

    def _read(
        self, folder: pathlib.Path, step: int, objects: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        sidecar = self._sidecar(folder, step)
        fingerprint_lib.check(
            held=sidecar["fingerprint"], wanted=self._fingerprint, place=f"{folder}, step {step}"
        )
        prefix = str(folder / sidecar["prefix"])
        part = trackables.Trackables(self._objects if objects is None else objects)
        misfit = part.misfit(prefix, all_of_it=objects is None)
        try:
            if not misfit:
                status = part.checkpoint().read(prefix)
                status.assert_existing_objects_matched()
                if objects is None:
                    status.assert_consumed()
                status.expect_partial()  # Hides nothing: misfit has compared all names.
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            misfit = _first_lines(error)
        if misfit:
            raise errors.CheckpointError(
                f"The checkpoint of step {step} in {folder} does not fit this model: {misfit}",
                hint="Has the code or the configuration been changed since?",
            )
        return step, sidecar["extra"]

    def _sidecar(self, folder: pathlib.Path, step: int) -> dict[str, Any]:
        path = folder / f"ckpt-{step}.json"
        try:
            sidecar = json.loads(path.read_text(encoding="utf-8"))
            if sidecar["format"] == FORMAT and sidecar["step"] == step:
                _ = sidecar["files"], sidecar["prefix"], sidecar["fingerprint"], sidecar["extra"]
                return dict(sidecar)
            reason = f"format {sidecar['format']}, step {sidecar['step']}"
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = f"{type(error).__name__}: {error}"
        raise errors.CheckpointError(f"{path.name} cannot be read ({reason})")

    def _publish(self, step: int, scratch: pathlib.Path, extra: dict[str, Any]) -> pathlib.Path:
        """Moves verified files into place; the sidecar's rename is the moment that counts."""
        generation = 0
        while list(self.folder.glob(f"ckpt-{step}-{generation}.*")):
            generation += 1
        prefix = f"ckpt-{step}-{generation}"
        # Should we be killed from here on, this says that the files are not lost ones.
        (scratch / _MARK).write_text(prefix, encoding="utf-8")
        files = {}
        for path in sorted(scratch.glob("ckpt.*")):
            name = prefix + path.name.removeprefix("ckpt")
            files[name] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
            _flush(path)
            os.replace(path, self.folder / name)
        sidecar = {
            "format": FORMAT,
            "step": step,
            "prefix": prefix,
            "files": files,
            "fingerprint": self._fingerprint,
            "extra": extra,
        }
        published = self.folder / f"ckpt-{step}.json"
        atomic.write_json(published, sidecar)
        self._passed_over.discard(step)
        sound = [s for s in self.steps() if s not in self._passed_over]
        for old in {*sound[: -self._keep], *self._passed_over}:
            (self.folder / f"ckpt-{old}.json").unlink(missing_ok=True)
        self._passed_over.clear()
        _remove_strays(self.folder)
        return published


def verify_tensors(prefix: str | pathlib.Path) -> None:
    """Reads every tensor back from disk; TensorFlow compares its checksum.

    Raises:
      CheckpointError: a tensor does not read, or is not finite.
    """
    try:
        types = tf.train.load_checkpoint(str(prefix)).get_variable_to_dtype_map()
        for name in sorted(types):
            # Not the reader's get_tensor: that cannot give an iterator's state.
            (value,) = tf.raw_ops.RestoreV2(
                prefix=str(prefix), tensor_names=[name], shape_and_slices=[""], dtypes=[types[name]]
            )
            if types[name].is_floating and not tf.reduce_all(tf.math.is_finite(value)):
                raise errors.CheckpointError(
                    f"A value is not finite: {name}",
                    hint="It was not saved. Earlier checkpoints are untouched; a lower "
                    "learning rate may help",
                )
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise errors.CheckpointError(
            f"The checkpoint {prefix} does not read back", received=_first_lines(error)
        ) from error


def _steps(folder: pathlib.Path) -> list[int]:
    if not folder.is_dir():
        return []
    found = (_SIDECAR.match(path.name) for path in folder.iterdir())
    return sorted(int(match.group(1)) for match in found if match)


def _remains(folder: pathlib.Path) -> list[str]:
    """Returns files that are (parts of) checkpoints, less those never published."""
    if not folder.is_dir():
        return []
    unpublished = _unpublished(folder)
    return sorted(p.name for p in folder.iterdir() if _ANY.match(p.name) and p.stem != unpublished)


def _unpublished(folder: pathlib.Path) -> str | None:
    """Returns the prefix that a killed process was about to publish, if any."""
    for mark in folder.glob(f".writing-*/{_MARK}"):
        prefix = mark.read_text(encoding="utf-8")
        step = prefix.split("-")[1]
        sidecar = folder / f"ckpt-{step}.json"
        if not sidecar.is_file() or prefix not in sidecar.read_text(encoding="utf-8"):
            return prefix
    return None


def _remove_unpublished(folder: pathlib.Path) -> None:
    prefix = _unpublished(folder)
    if prefix is not None:
        for path in folder.glob(f"{prefix}.*"):
            path.unlink()


def _remove_strays(folder: pathlib.Path) -> None:
    """Removes the tensor files that no readable sidecar names."""
    named: set[str] = set()
    for step in _steps(folder):
        try:
            named |= set(json.loads((folder / f"ckpt-{step}.json").read_text())["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return
    for path in folder.iterdir():
        if _ANY.match(path.name) and path.suffix != ".json" and path.name not in named:
            path.unlink(missing_ok=True)


def _is_same(source: pathlib.Path, target: pathlib.Path) -> bool:
    return target.exists() and target.samefile(source)


def _link(source: pathlib.Path, target: pathlib.Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        _flush(target)


def _flush(path: pathlib.Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_written(folder: pathlib.Path, step: int, error: Exception) -> errors.CheckpointError:
    number = getattr(error, "errno", None)
    is_full = number in (errno.ENOSPC, errno.EDQUOT) or isinstance(
        error, tf.errors.ResourceExhaustedError
    )
    return errors.CheckpointError(
        f"The checkpoint of step {step} could not be written to {folder}"
        + (": the disk is full" if is_full else ""),
        received=None if is_full else _first_lines(error),
        hint="Earlier checkpoints are untouched. Free space there, and start again to go on"
        if is_full
        else "Earlier checkpoints are untouched",
    )


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def _to_stderr(line: str) -> None:
    tf.get_logger().warning(line)
