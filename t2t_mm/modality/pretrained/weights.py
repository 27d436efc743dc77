"""Loads the weights of a file into a Keras model, all or none."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from t2t_mm import errors
from t2t_mm.files import content
from t2t_mm.modality.pretrained import architecture, declaration, encoder, record
from t2t_mm.process import extras

_PRESET_WEIGHTS = "model.weights.h5"
_KERAS = (".keras", ".h5", ".hdf5")


def load(name: str, net: encoder.KerasEncoder, say: Callable[[str], None]) -> None:
    """Loads the weights of `KerasNet.weights` or of the model's file; records file and hash.

    Args:
      name: of the net.
      net: with its variables.
      say: called with messages for the user.

    Raises:
      ConfigError: the file is missing or does not fit; then nothing has changed.
    """
    declared, model = net.declared, net.encoder
    what = f"{name}: {declared.model}, {model.count_params():,} weights"
    how = ", frozen" if declared.frozen else ""
    path = _path(declared)
    if path is None:
        say(f"{what} to train from scratch{how}.")
        return
    if path.suffix == ".safetensors":
        _take(model, read_safetensors(path), declared.names, path)
    elif path.suffix in _KERAS:
        _load_keras(model, path)
    else:
        raise errors.ConfigError(
            f"The weights of the net {name!r} are in no known form",
            received=path,
            expected=f"a file that ends in {', '.join(_KERAS)} or .safetensors",
        )
    note(net.record, path)
    say(f"{what} of {path}{how}.")


def note(kept: record.Record, path: pathlib.Path) -> None:
    """Records the file of the weights."""
    kept["weights"] = {"path": str(path.resolve()), "sha256": content.sha256(path)}


def _path(declared: declaration.KerasNet) -> pathlib.Path | None:
    if declared.weights:
        path = architecture.existing(declared.weights, "KerasNet.weights")
    elif architecture.is_path(declared):
        path = architecture.existing(declared.model, "KerasNet.model")
    else:
        return None
    if path.is_dir():
        path = architecture.existing(str(path / _PRESET_WEIGHTS), "The weights of the preset")
    return path


def _load_keras(model: keras.Model, path: pathlib.Path) -> None:
    before = [np.array(variable) for variable in model.variables]
    try:
        model.load_weights(str(path))
    except Exception as error:  # Keras and h5py raise various errors
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)
        raise errors.ConfigError(
            f"The weights of {path} do not fit the model {model.name}",
            received=errors.shortened(str(error), 400),
            hint="Do its arguments, and the size of the pictures, agree with those of the weights?",
        ) from error


def read_safetensors(path: pathlib.Path, only: str = "") -> dict[str, np.ndarray]:
    """Returns the tensors of a file by name; only the one named `only`, if given.

    Raises:
      ConfigError: the package is missing, or the file is damaged or has no such tensor.
    """
    package = extras.load("safetensors", extra="pretrained", what=str(path))
    try:
        with package.safe_open(str(path), framework="np") as file:
            names = list(file.keys())
            if only and only not in names:
                raise _no_tensor(only, names, path)
            return {name: file.get_tensor(name) for name in ([only] if only else names)}
    except (package.SafetensorError, OSError, TypeError) as error:
        raise errors.ConfigError(f"{path} cannot be read as safetensors", received=error) from error


def _take(
    model: keras.Model,
    tensors: Mapping[str, np.ndarray],
    names: Mapping[str, Any],
    path: pathlib.Path,
) -> None:
    """Assigns the tensors of a file to a model's variables by `names`."""
    # A model's own name is often generated ("sequential_3"), and begins only some paths.
    variables = {
        v.path.removeprefix(f"{model.name}/"): v for v in model.variables if not encoder.is_seed(v)
    }
    for name in names:
        if name not in variables:
            raise errors.ConfigError(
                f"KerasNet.names has {name!r}, which is no variable of {model.name}",
                expected=f"one of {len(variables)}, such as {', '.join(list(variables)[:3])}",
                hint=errors.did_you_mean(name, variables),
            )
    values: list[tuple[keras.Variable, np.ndarray]] = []
    for name, variable in variables.items():
        entry = names.get(name, name)
        if entry is None:
            continue
        tensor, axes = _entry(name, entry)
        if tensor not in tensors:
            raise _no_tensor(tensor, list(tensors), path, variable=name)
        value = tensors[tensor]
        if axes is not None:
            if sorted(axes) != list(range(value.ndim)):
                raise errors.ConfigError(
                    f"KerasNet.names gives {name!r} an order of axes that {tensor!r} does not have",
                    received=axes,
                    expected=f"each of 0 to {value.ndim - 1} once",
                )
            value = value.transpose(axes)
        if value.shape != tuple(variable.shape):
            turned = " in this order of axes" if axes is not None else ""
            raise errors.ConfigError(
                f"The tensor {tensor!r} of {path} does not fit the variable {name!r}",
                received=f"{list(value.shape)}{turned}",
                expected=list(variable.shape),
                hint="An order of axes can be given: (NAME, (1, 0))"
                if sorted(value.shape) == sorted(variable.shape)
                else None,
            )
        values.append((variable, value))
    for variable, value in values:
        variable.assign(value.astype(np.float32))


def _entry(name: str, entry: Any) -> tuple[str, tuple[int, ...] | None]:
    if isinstance(entry, str):
        return entry, None
    if isinstance(entry, list | tuple) and len(entry) == 2 and isinstance(entry[0], str):
        tensor, axes = entry
        if isinstance(axes, list | tuple) and all(isinstance(axis, int) for axis in axes):
            return tensor, tuple(axes)
    raise errors.ConfigError(
        f"KerasNet.names[{name!r}] cannot have this value",
        received=repr(entry),
        expected='a name, None, or a name and an order of axes: ("fc.weight", (1, 0))',
    )


def _no_tensor(
    tensor: str, tensors: list[str], path: pathlib.Path, variable: str = ""
) -> errors.ConfigError:
    variable_note = f", for the variable {variable!r}" if variable else ""
    return errors.ConfigError(
        f"{path} has no tensor {tensor!r}{variable_note}",
        expected=f"one of {len(tensors)}, such as {', '.join(tensors[:4])}",
        hint=errors.did_you_mean(tensor, tensors)
        or ("KerasNet.names says which tensor a variable takes" if variable else None),
    )
