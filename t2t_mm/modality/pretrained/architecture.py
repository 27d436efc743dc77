"""Builds the Keras model that a `KerasNet` names, without weights, and offline.

A run folder is untrusted data and must not run code. So a name is one of
`keras.applications` or registered by a plugin, and a file is loaded in Keras's safe mode:
layers of Keras, of keras-hub, and those that a plugin registered with Keras.
"""

from __future__ import annotations

import json
import pathlib
import zipfile
from collections.abc import Callable
from typing import Any, cast

import keras

from t2t_mm import errors, registry
from t2t_mm.files import paths
from t2t_mm.modality import base
from t2t_mm.modality.pretrained import declaration
from t2t_mm.process import extras

Architecture = dict[str, Any]
_APPLICATIONS = "keras.applications."
_PRESET_FILE = "config.json"


def is_path(net: declaration.KerasNet) -> bool:
    """Returns whether the model is named by a file or folder."""
    name = net.model
    return name.endswith(".keras") or "/" in name or paths.expanded(name).is_dir()


def read(net: declaration.KerasNet) -> Architecture:
    """Returns the model's Keras configuration from a `.keras` file or preset.

    Raises:
      ConfigError: there is no such file, or it holds none.
    """
    path = existing(net.model, "KerasNet.model")
    try:
        if path.is_dir():
            text = (path / _PRESET_FILE).read_text(encoding="utf-8")
        else:
            with zipfile.ZipFile(path) as archive:
                text = archive.read(_PRESET_FILE).decode("utf-8")
        configuration = json.loads(text)
        if not isinstance(configuration, dict) or "class_name" not in configuration:
            raise ValueError(f"{_PRESET_FILE} holds no model")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise errors.ConfigError(
            f"{path} holds no Keras model",
            received=error,
            expected=f"a .keras file, or a keras-hub preset with {_PRESET_FILE}",
        ) from error
    return configuration


def make(
    net: declaration.KerasNet, modality: base.Modality, architecture: Architecture | None
) -> keras.Model:
    """Builds the model, with initialised variables.

    Args:
      net: the declaration.
      modality: of the input, which gives the shape.
      architecture: of a model named by a path.

    Raises:
      ConfigError: there is no such model, or it does not accept such an input.
    """
    if architecture is not None:
        model = _from_architecture(net, architecture)
    else:
        function = _function(net.model)
        arguments: dict[str, Any] = dict(net.arguments)
        if net.model.startswith(_APPLICATIONS):
            size = getattr(modality, "size", None)
            if size is None:
                raise errors.ConfigError(
                    f"{net.model} is a model of pictures", received=f"a modality {modality.kind!r}"
                )
            arguments |= {"weights": None, "include_top": False, "input_shape": (size, size, 3)}
        try:
            model = function(**arguments)
        except (TypeError, ValueError) as error:
            raise errors.ConfigError(f"{net.model} cannot be made", received=error) from error
    if not isinstance(model, keras.Model) or not model.built:
        raise errors.ConfigError(
            f"{net.model} gives no Keras model that is built",
            received=type(model).__name__,
            expected="a functional or sequential keras.Model with a known input shape",
        )
    return _until(model, net.output) if net.output else model


def existing(name: str, what: str) -> pathlib.Path:
    """Returns a path, after checking that it exists.

    Raises:
      ConfigError: it does not exist; suggests similar names in the folder.
    """
    path = paths.expanded(name)
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise errors.ConfigError(
            f"{what}: there is no file or folder {path}",
            hint=errors.did_you_mean(path.name, beside),
        )
    return path


def _function(name: str) -> Callable[..., Any]:
    if not name.startswith(_APPLICATIONS):
        if name in registry.nets.names():
            return cast("Callable[..., Any]", registry.nets.get(name))
        raise errors.ConfigError(
            f"There is no net {name!r}",
            expected="keras.applications.NAME, a .keras file, the folder of a keras-hub preset, or "
            f"one that a plugin registered: {', '.join(registry.nets.names()) or 'none did'}",
            hint=errors.did_you_mean(name, registry.nets.names()),
        )
    known = {
        key: value
        for key, value in vars(keras.applications).items()
        if callable(value) and key[0].isupper()
    }
    short = name.removeprefix(_APPLICATIONS)
    if short not in known:
        raise errors.ConfigError(
            f"keras.applications has no model {short!r}",
            hint=errors.did_you_mean(short, known) or f"There are {', '.join(sorted(known))}",
        )
    return cast("Callable[..., Any]", known[short])


def _from_architecture(net: declaration.KerasNet, architecture: Architecture) -> Any:
    if str(architecture.get("module", "")).startswith("keras_hub"):
        extras.load("keras_hub", extra="hub", what=f"The preset {net.model}")
    try:
        # A copy, since Keras takes apart what it is given, and the run keeps it. No deepcopy: a
        # dict that is an attribute of a layer drags the layer along.
        architecture = json.loads(json.dumps(architecture))
        return keras.saving.deserialize_keras_object(architecture, safe_mode=True)
    except Exception as error:  # raised by any layer of the file
        raise errors.ConfigError(
            f"The model of {net.model} cannot be made",
            received=errors.shortened(str(error), 300),
            hint="Its own layers need @keras.saving.register_keras_serializable() in a plugin",
        ) from error


def _until(model: keras.Model, layer: str) -> keras.Model:
    """Returns the sub-model up to a layer."""
    layers = {one.name: one for one in model.layers}
    if layer not in layers:
        raise errors.ConfigError(
            f"{model.name} has no layer {layer!r} (KerasNet.output)",
            expected=f"one of its {len(layers)} layers, such as {', '.join(list(layers)[-4:])}",
            hint=errors.did_you_mean(layer, layers),
        )
    try:
        return keras.Model(model.inputs, layers[layer].output, name=model.name)
    except (AttributeError, ValueError) as error:
        raise errors.ConfigError(
            f"The output of the layer {layer!r} cannot be taken", received=error
        ) from error
