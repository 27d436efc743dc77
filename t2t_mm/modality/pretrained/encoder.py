"""A Keras model as the net of an input: features to `[B, S, D]`.

The model's output becomes a sequence: a plane `[B, h, w, C]` is flattened (that of a sound has
a position for each time, with all frequencies as channels), a sequence `[B, S, C]` stays, and
a vector `[B, C]` is one position. It is normalised, since the scales of models differ widely,
and mapped to width D.

In training the model is called statelessly. Its dropout uses the seeds of the step, so a
resumed run draws the same masks. Updates of batch normalization are returned to the step
(`take_updates`), which applies their mean over replicas, unless it skips the update.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

import keras
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.layers import base, linear, normalization
from t2t_mm.modality import base as modality_lib
from t2t_mm.modality import representation
from t2t_mm.modality.pretrained import architecture as architecture_lib
from t2t_mm.modality.pretrained import declaration, record

_TORCH_MEAN, _TORCH_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)
_SEED = "seed_generator_state"
"""Keras's name for the states of random layers."""


class KerasEncoder(base.Layer):
    """A Keras model, a norm and a projection to the model's width.

    Args:
      net: the declaration of the Keras model.
      spec: the input's modality.
      config: the model's; uses `width`.
      kept: the run folder's record of the net; None in a new run.
      text: the language net for targets of the same net name, if any.

    Raises:
      ConfigError: the model cannot be built, or does not accept such an input.
    """

    def __init__(
        self,
        net: declaration.KerasNet,
        spec: modality_lib.Modality,
        config: Any,
        *,
        kept: record.Record | None = None,
        text: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.declared, self.spec = net, spec
        architecture = None
        if architecture_lib.is_path(net):
            recorded = kept and kept.get("architecture")
            architecture = recorded or architecture_lib.read(net)
        self.record = record.of(net, kept, architecture=architecture)
        self.encoder = architecture_lib.make(net, spec, architecture)
        if net.frozen:
            self.encoder.trainable = False
        self.text = text
        self._prepare = _preprocessing(net)
        self._given = _inputs(self.encoder, spec.kind)
        shape = self._output_shape()
        self.norm = normalization.LayerNorm(shape[-1], name="norm")
        self.projection = linear.Linear(shape[-1], config.width, name="projection")
        self._pending = _Pending()

    def bottom(
        self, features: tf.Tensor, rng: base.Rng | None = None
    ) -> representation.Representation:
        """Maps features, as those of the modality, to positions.

        Args:
          features: of the modality.
          rng: of a training step; None for inference.
        """
        inputs, mask = self._features(features)
        outputs = self._run(inputs, rng)
        x, grid = self._positions(outputs)
        x = self.projection(self.norm(tf.cast(x, self.compute_dtype)))
        return representation.Representation(x, _fitted(mask, tf.shape(x)[1]), grid)

    def take_updates(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        taken, self._pending.updates = self._pending.updates, []
        return taken

    def learning_rate_multipliers(self) -> list[tuple[keras.Variable, float]]:
        multiplier = self.declared.learning_rate_multiplier
        return [(variable, multiplier) for variable in self.encoder.trainable_variables]

    def by_row(self) -> list[tuple[keras.Variable, int]]:
        return [] if self.text is None else list(self.text.by_row())

    def embed(self, ids: tf.Tensor) -> tf.Tensor:
        """As of the language net beside it."""
        return self.text.embed(ids)

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """As of the language net beside it."""
        return self.text.logits(hidden)

    def loss(self, hidden: tf.Tensor, targets: tf.Tensor, *, training: bool) -> Any:
        """As of the language net beside it."""
        return self.text.loss(hidden, targets, training=training)

    def _features(self, features: tf.Tensor) -> tuple[Any, tf.Tensor | None]:
        """Returns the inputs of the Keras model, and the mask."""
        if self.spec.kind == "language":
            real = features != 0
            parts = {"token_ids": features, "padding_mask": real}
            named = {
                name: tf.cast(parts.get(name, tf.zeros_like(features)), dtype)
                for name, dtype in self._given.items()
            }
            inputs = named if len(named) > 1 else next(iter(named.values()))
            return inputs, tf.cast(real, tf.float32)
        if self.spec.kind == "audio":
            mask = tf.cast(features[:, :, -1], tf.float32)
            x = tf.cast(features[:, :, :-1], tf.float32) * mask[:, :, None]
            is_plane = len(self.encoder.inputs[0].shape) == 4
            return (x[..., None] if is_plane else x), mask
        x = tf.cast(features, tf.float32)
        if self.spec.kind != "image":
            return x, None
        size = self.encoder.inputs[0].shape[1:3]
        if None not in size and tuple(size) != tuple(x.shape[1:3]):
            x = tf.image.resize(x, size)
        return self._prepare(x), None

    def _run(self, inputs: Any, rng: base.Rng | None) -> tf.Tensor:
        if self.declared.frozen:
            return tf.stop_gradient(self.encoder(inputs, training=False))
        if rng is None:
            return self.encoder(inputs, training=False)
        model = self.encoder
        state = model.non_trainable_variables
        before = [
            tf.cast(rng.next(), variable.dtype)
            if is_seed(variable)
            else tf.convert_to_tensor(variable)
            for variable in state
        ]
        trained = [tf.convert_to_tensor(variable) for variable in model.trainable_variables]
        outputs, after = model.stateless_call(trained, before, inputs, training=True)
        for variable, old, new in zip(state, before, after, strict=True):
            if not is_seed(variable) and new is not old:
                self._pending.updates.append((variable, tf.stop_gradient(new)))
        return outputs

    def _positions(self, outputs: tf.Tensor) -> tuple[tf.Tensor, tuple[int, int] | None]:
        """Returns `[B, S, C]`, with the grid of a picture."""
        if len(outputs.shape) == 2:
            return outputs[:, None], (1, 1) if self.spec.kind == "image" else None
        if len(outputs.shape) == 3:
            return outputs, None
        _, height, width, channels = outputs.shape
        batch = tf.shape(outputs)[0]
        if self.spec.kind == "audio":
            return tf.reshape(outputs, [batch, -1, width * channels]), None
        return tf.reshape(outputs, [batch, height * width, channels]), (height, width)

    def _output_shape(self) -> tuple[int, ...]:
        """Returns the shape of the output of `_positions`, by tracing only."""

        @tf.function(autograph=False)
        def trace(features: tf.Tensor) -> tf.Tensor:
            return self._positions(self._run(self._features(features)[0], None))[0]

        try:
            shape = trace.get_concrete_function(_example(self.spec)).structured_outputs.shape
            if len(shape) != 3 or shape[-1] is None:
                raise ValueError(f"it gives {tuple(shape)}")
        except (ValueError, TypeError, AttributeError, tf.errors.OpError) as error:
            raise errors.ConfigError(
                f"The model {self.declared.model} cannot be the net of {self.spec.kind} inputs",
                received=f"it takes {[tuple(i.shape) for i in self.encoder.inputs]}, and fails on "
                f"{tuple(_example(self.spec).shape)}: {str(error)[:200]}",
                expected="one output: [B, C], [B, S, C] or [B, h, w, C] with C known",
            ) from error
        return tuple(shape)


def is_seed(variable: keras.Variable) -> bool:
    """Returns whether a variable is the state of a random layer."""
    return str(variable.path).rpartition("/")[2] == _SEED


class _Pending:
    """Updates not yet taken; not a list of the layer, whose items Keras would track."""

    def __init__(self) -> None:
        self.updates: list[tuple[keras.Variable, tf.Tensor]] = []


def _example(spec: modality_lib.Modality) -> tf.TensorSpec:
    """Returns shape and dtype of a modality's features."""
    if spec.kind == "language":
        return tf.TensorSpec([None, None], tf.int32)
    if spec.kind == "audio":
        is_waveform = getattr(spec, "representation", "") == "waveform"
        bands = 1 if is_waveform else getattr(spec, "bands", 1)
        return tf.TensorSpec([None, None, bands + 1], tf.float32)
    size = getattr(spec, "size", None)
    if spec.kind == "image" and size:
        return tf.TensorSpec([None, size, size, 3], tf.uint8)
    raise errors.ConfigError(
        f"A Keras model cannot be the net of the modality {spec.kind!r}",
        expected="image, audio or language",
    )


def _inputs(model: keras.Model, kind: str) -> dict[str, Any]:
    """Returns name and dtype of each input of a model.

    Raises:
      ConfigError: it has several inputs, and not those of a text encoder.
    """
    named = {one.name: one.dtype for one in model.inputs}
    if len(named) > 1 and not (kind == "language" and "token_ids" in named):
        raise errors.ConfigError(
            f"The model {model.name} has {len(named)} inputs",
            received=", ".join(named),
            expected="one; or, of text, token_ids and padding_mask",
        )
    return named


def _fitted(mask: tf.Tensor | None, length: tf.Tensor) -> tf.Tensor | None:
    """Subsamples a mask `[B, T]` to `length` positions, by the first of each span."""
    if mask is None:
        return None
    places = tf.range(length) * tf.shape(mask)[1] // tf.maximum(length, 1)
    return tf.gather(mask, places, axis=1)


def _preprocessing(net: declaration.KerasNet) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the preprocessing of pixels from 0 to 255, float32 `[B, h, w, 3]`."""
    kind = net.preprocessing
    if kind == "auto" and net.model.startswith("keras.applications."):
        function = getattr(keras.applications, net.model.rpartition(".")[2])
        module = importlib.import_module(function.__module__)
        return cast("Callable[[tf.Tensor], tf.Tensor]", module.preprocess_input)
    if kind == "unit":
        return lambda x: x / 255.0
    if kind == "tf":
        return lambda x: x / 127.5 - 1.0
    if kind == "torch":
        return lambda x: (x / 255.0 - tf.constant(_TORCH_MEAN)) / tf.constant(_TORCH_STD)
    if kind == "caffe":
        return lambda x: tf.reverse(x, [-1]) - tf.constant(_CAFFE_MEAN)
    return tf.identity
