"""Warm start: initialises a model with the weights of another run's checkpoint.

Only weights are restored: step, moments and the place in the data begin anew, and the run may
have other problems. Weights are matched by name: a net by its modality, a row of an embedding
table by its command, input, token or class, whatever its index. What a new problem needs is
initialised. Any other difference is a misfit, and an error unless the user allows it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import config, errors
from t2t_mm.models import base, build
from t2t_mm.models import rows as rows_lib
from t2t_mm.runs import fingerprint as fingerprint_lib
from t2t_mm.runs import mean_weights, trackables
from t2t_mm.runs import origin as origin_lib
from t2t_mm.settings import training
from t2t_mm.training import transfer

VOCABULARY, CLASSES, SIZES = "vocabulary", "classes", "sizes"
_NET = ("model", "nets")
_BODY = ("model", "body")
_OWN = "commands"
"""The part of what is the model's own: commands, marks of inputs, and what no input is."""
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class _Misfit:
    """A difference that the user has to allow: its kind, and a phrase for messages."""

    kind: str
    what: str


def begin(
    name: str,
    model: base.Model,
    origin: origin_lib.Origin,
    line: Callable[[str], None],
) -> transfer.Transfer:
    """Restores another run's weights, as `WarmStartSettings` allows, and shows which.

    Args:
      name: of the model, as registered.
      model: with all its variables.
      origin: a checkpoint, which may still be damaged.
      line: takes a line for people.

    Raises:
      CheckpointError: as of `load`, or when there is no whole checkpoint.
    """
    result = load(
        origin_lib.whole(origin),
        model,
        fingerprint=build.model_fingerprint(name, model),
        allow=config.build(training.WarmStartSettings).allow,
    )
    result.show(line)
    return result


def load(
    origin: origin_lib.Origin,
    model: base.Model,
    *,
    fingerprint: Mapping[str, Any],
    allow: Sequence[str] = (),
) -> transfer.Transfer:
    """Restores the weights of another run's checkpoint that fit a model.

    No variable is assigned unless everything fits, or every misfit is allowed.

    Args:
      origin: the checkpoint.
      model: with all its variables; saved as "model" by both runs.
      fingerprint: of this run.
      allow: kinds of misfits that are allowed: "vocabulary" (tokens are matched by their text),
        "classes" (by their names), "sizes" (variables of another shape are initialised).

    Raises:
      CheckpointError: for a misfit that is not allowed, or where nothing fits.
    """
    plan = _Plan(origin, model, fingerprint)
    wrong = [misfit for misfit in plan.misfits if misfit.kind not in allow]
    if wrong:
        kinds = tuple(dict.fromkeys((*allow, *(misfit.kind for misfit in wrong))))
        raise errors.CheckpointError(
            f"The weights of {origin} do not fit this model: {_some([m.what for m in wrong])}",
            expected=_wanted(origin, {misfit.kind for misfit in wrong}),
            hint=f'Or take what fits: --gin_param="WarmStartSettings.allow = {kinds}"',
        )
    if not any(part.restored for part in plan.parts.values()):
        raise errors.CheckpointError(
            f"No weight of {origin} fits this model",
            received=f"{len(plan.saved)} variables there, {len(plan.values)} here",
            expected="the same model in the same size",
        )
    for variable, value in plan.values:
        variable.assign(value())
    return transfer.Transfer(origin, plan.parts, plan.left)


class _Plan:
    """Which tensor is assigned to which variable; nothing is assigned yet."""

    def __init__(
        self, origin: origin_lib.Origin, model: base.Model, fingerprint: Mapping[str, Any]
    ) -> None:
        self.misfits = _other_sizes(origin.fingerprint, fingerprint)
        self.parts: dict[str, transfer.PartTransfer] = {}
        self.values: list[tuple[tf.Variable, Callable[[], np.ndarray]]] = []
        self._reader = tf.train.load_checkpoint(origin.prefix)
        held = trackables.held_shapes(origin.prefix)
        self._kept = held if mean_weights.are_used(origin.run) else {}
        self.saved = {name: shape for name, shape in held.items() if name.startswith("model/")}
        self._old = rows_lib.names(origin.run.tasks())
        self._new = rows_lib.names(list(model.tasks.values()))
        self._check_rows(model.tasks.values())
        tables = {id(table.variable.value): table for table in model.tables()}
        variables = trackables.Trackables({"model": model}).variables()
        old_parts = {_part(name) for name in self.saved}
        for name, variable in variables.items():
            part = self.parts.setdefault(_part(name), transfer.PartTransfer())
            part.weights += math.prod(variable.shape)
            if id(variable) in tables:
                self._take_rows(name, variable, tables[id(variable)], part)
            elif self.saved.get(name) == tuple(variable.shape):
                self.values.append((variable, functools.partial(self._read, name)))
                part.restored += math.prod(variable.shape)
            elif name in self.saved:
                self._misfit(self._shapes(name, variable), part)
            elif _part(name) == _OWN:
                _note(part, _short(name))
            elif _part(name) in old_parts or _is_body(name):
                self._misfit(f"{_short(name)} is not there", part)
            else:
                _note(part, "not in that run")
        self.left = self._leftovers(variables)

    def _check_rows(self, tasks: Any) -> None:
        """Notes vocabularies and label sets of one name that are not the same."""
        declared = {
            one.net_name(task.name): one for task in tasks for one in task.modalities().values()
        }
        for net in sorted(set(self._old) & set(self._new) & set(declared)):
            if self._old[net] == self._new[net]:
                continue
            vocabulary = getattr(declared[net], "vocab", None)
            kind, what = (
                (CLASSES, f"the classes of {net}")
                if vocabulary is None
                else (VOCABULARY, f"the vocabulary {vocabulary!r}")
            )
            common = len(set(self._old[net]) & set(self._new[net]))
            sizes = f"{len(self._old[net]):,} there, {len(self._new[net]):,} here"
            self.misfits.append(_Misfit(kind, f"{what} is another: {sizes}, {common:,} in both"))

    def _take_rows(
        self, name: str, variable: tf.Variable, table: rows_lib.Table, part: transfer.PartTransfer
    ) -> None:
        """Plans the rows that both tables have, each by its name."""
        old_names, new_names = self._old.get(table.rows, ()), self._new[table.rows]
        is_net = table.rows not in (rows_lib.COMMANDS, rows_lib.INPUTS)
        if name not in self.saved:
            _note(part, "not in that run" if is_net else _some(new_names))
            return
        others = [list(shape) for shape in (self.saved[name], variable.shape)]
        for shape in others:
            del shape[table.axis]
        if others[0] != others[1]:
            self._misfit(self._shapes(name, variable), part)
            return
        places = {row: number for number, row in enumerate(old_names)}
        pairs = [(places[row], n) for n, row in enumerate(new_names) if row in places]
        merged = functools.partial(self._merged, name, variable, table.axis, pairs)
        self.values.append((variable, merged))
        part.restored += math.prod(variable.shape) // len(new_names) * len(pairs)
        fresh = [row for row in new_names if row not in places]
        if fresh:
            _note(part, _some(fresh))

    def _merged(
        self, name: str, variable: tf.Variable, axis: int, pairs: Sequence[tuple[int, int]]
    ) -> np.ndarray:
        """Returns the new table with the old one's rows put in, by pairs of (old, new)."""
        value = np.array(tf.convert_to_tensor(variable))
        into = np.moveaxis(value, axis, 0)  # a view: what is written there is in `value`
        source = np.moveaxis(self._read(name), axis, 0)
        if pairs:
            old, new = zip(*pairs, strict=True)
            into[list(new)] = source[list(old)]
        return value

    def _misfit(self, what: str, part: transfer.PartTransfer) -> None:
        self.misfits.append(_Misfit(SIZES, what))
        _note(part, "of another size")

    def _leftovers(self, variables: Mapping[str, Any]) -> list[str]:
        """Returns the old parts without a place here; one that lost but some is a misfit."""
        new_parts = {_part(name) for name in variables}
        left: dict[str, None] = {}
        for name in self.saved:
            if name in variables:
                continue
            part = _part(name)
            if part != _OWN and (_is_body(name) or part in new_parts):
                self.misfits.append(_Misfit(SIZES, f"{_short(name)} has no place here"))
            else:
                left[_short(name) if part == _OWN else part] = None
        for table, noun in ((rows_lib.COMMANDS, "command"), (rows_lib.INPUTS, "input")):
            kept = set(self._new.get(table, ()))
            gone = [f"{noun} {row}" for row in self._old.get(table, ()) if row not in kept]
            left.update(dict.fromkeys(gone))
        return list(left)

    def _shapes(self, name: str, variable: tf.Variable) -> str:
        return f"{_short(name)} is {list(self.saved[name])} there, {list(variable.shape)} here"

    def _read(self, name: str) -> np.ndarray:
        source = mean_weights.source(name, self._kept)
        return np.array(self._reader.get_tensor(source + trackables.SUFFIX))


def _other_sizes(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[_Misfit]:
    """Notes what shapes cannot tell: another model, or another number of heads."""
    known = set(held.get("config", {})) & set(wanted.get("config", {}))
    there, here = (
        {"model": one.get("model"), "config": {key: one["config"][key] for key in known}}
        for one in (held, wanted)
    )
    return [_Misfit(SIZES, what) for what in fingerprint_lib.differences(there, here)]


def _part(name: str) -> str:
    """Returns the part of a variable: a net, a part of the body, or the model's own tables."""
    path = name.split("/")
    if tuple(path[:2]) == _NET:
        return path[2]
    if tuple(path[:2]) == _BODY:
        return f"body/{path[2]}"
    return _OWN


def _is_body(name: str) -> bool:
    return tuple(name.split("/")[:2]) == _BODY


def _short(name: str) -> str:
    return name.removeprefix("model/").removeprefix("nets/")


def _note(part: transfer.PartTransfer, what: str) -> None:
    if what not in part.fresh:
        part.fresh.append(what)


def _some(phrases: Sequence[str]) -> str:
    return errors.first_few(phrases, _SHOWN, between="; ")


def _wanted(origin: origin_lib.Origin, kinds: set[str]) -> str:
    """Returns what would fit."""
    wanted = {
        SIZES: f"the sizes of {origin.run.config_path}",
        VOCABULARY: f"data made with {origin.run.vocabularies} copied into its --data_dir",
        CLASSES: "the same classes",
    }
    return ", and ".join(text for kind, text in wanted.items() if kind in kinds)
