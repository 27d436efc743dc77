"""`KerasModel`: a problem's model as a `keras.Model`, to fit, evaluate, predict and save."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.decoding import functions, predict
from t2t_mm.keras_api import batches, measuring
from t2t_mm.keras_api import optimizer as optimizer_lib
from t2t_mm.keras_api import parts as parts_lib
from t2t_mm.settings import decoding
from t2t_mm.training import feed, gradients, keras_optimizer, step

_OTHERS = "commands"
"""The name of the layer that holds the variables of no net and no part of the body."""

_OWN = "Metrics are named in Problem.metrics; t2t_mm.register_metric adds one"
_GRAPH = "A step is one graph, without XLA"
_USUAL: dict[str, tuple[Any, str]] = {
    "loss": (None, _OWN),
    "loss_weights": (None, _OWN),
    "metrics": (None, _OWN),
    "weighted_metrics": (None, _OWN),
    "run_eagerly": (False, _GRAPH),
    "jit_compile": (False, _GRAPH),
    "auto_scale_loss": (True, _GRAPH),
}
"""Of `compile`: what cannot be chosen here, what it is, and why."""


@keras.saving.register_keras_serializable(package="t2t_mm")
class KerasModel(keras.Model):
    """One problem of a model, as a `keras.Model` over the model's own variables.

    Its batches are those of `t2t_mm.dataset`. It comes compiled with the optimizer, the learning
    rate and the clipping of the settings, and its loss is the problem's: a step of `fit` is a
    step of training. `History` holds `loss`, `log_perplexity`, `aux_loss` (and the `accuracy` of
    classes), means over the steps of an epoch.

    Args:
      parts: what it is made of; `t2t_mm.keras_model` makes them.
      problem: the one that is trained and asked.
      name: of the model; the problem's if None.

    Raises:
      ConfigError: within the scope of a strategy.
    """

    def __init__(self, parts: parts_lib.Parts, problem: str, name: str | None = None) -> None:
        batches.check_devices()
        super().__init__(name=name or problem)
        self.autocast = False
        self.network = parts.network
        self._parts, self._task = parts, parts.tasks[problem]
        names = ["loss", "log_perplexity", "aux_loss"]
        if not self._task.targets.autoregressive:
            names.append("accuracy")
        self._means = _Untracked([keras.metrics.Mean(name=name) for name in names])
        self._parts_shown = _Untracked(_layers(parts))
        self.train_function: Callable[[Any], Any] | None = None
        self._evaluation: measuring.Measuring | None = None
        self._replica_step: step.StepFunction | None = None
        for layer in [*self._flatten_layers(), *self.layers]:
            layer.built = True
        self.compile()

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The nets of the modalities, the parts of the body, and what belongs to neither."""
        return list(self._parts_shown.value)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of an epoch."""
        return list(self._means.value)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer | None = None,
        *,
        steps_per_execution: int = 1,
        **others: Any,
    ) -> None:
        """Chooses the optimizer; the loss and the metrics are the problem's.

        Args:
          optimizer: of Keras, with its own learning rate and clipping; that of the settings if
            None.
          steps_per_execution: as Keras has it.
          **others: what else Keras takes, as it is anyway: a step is one graph, without XLA.

        Raises:
          ConfigError: for a loss, metrics, or steps that are computed in another way.
        """
        for name, value in others.items():
            if name not in _USUAL:
                raise errors.ConfigError(
                    f"compile takes no {name!r}",
                    expected="optimizer and steps_per_execution",
                    hint=errors.did_you_mean(name, ["optimizer", "steps_per_execution"]),
                )
            usual, why = _USUAL[name]
            if (value or None) != (usual or None):
                raise errors.ConfigError(
                    "The loss, the metrics and the graph of a problem are its own",
                    received=f"{name}={value!r}",
                    expected="compile(optimizer=...) alone",
                    hint=why,
                )
        if optimizer is None:
            settings, steps = self._parts.optimizer_settings, self._parts.settings.train_steps
            optimizer = optimizer_lib.RunOptimizer(optimizer_lib.Rate(settings, steps))
        if isinstance(optimizer, optimizer_lib.RunOptimizer):
            optimizer.bind(self._parts.make_optimizer, self.network.trainable_variables)
        super().compile(
            optimizer=optimizer, steps_per_execution=steps_per_execution, jit_compile=False
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` says; called where a saved model is loaded."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if not isinstance(self.optimizer, optimizer_lib.RunOptimizer):  # which builds itself
            self.optimizer.build(self.network.trainable_variables)

    def call(self, batch: Mapping[str, Any]) -> tf.Tensor:
        """Returns logits for given targets: float32 `[B, T, V]`, or `[B, C]` for a class."""
        return self.network(batch, self._task.name)

    def fit(self, x: Any = None, **settings: Any) -> keras.callbacks.History:
        """Trains on batches of `t2t_mm.dataset`, as `keras.Model.fit`.

        Batches go on from epoch to epoch. Each call iterates the data set anew; the first
        iteration has the order of a training, each further one another order.

        Raises:
          ConfigError: for what are no batches of the problem, or batches without end and without
            `steps_per_epoch`; as of `evaluate` for `validation_data`; for `class_weight`.
        """
        if settings.get("class_weight") is not None:
            raise errors.ConfigError(
                "The loss of a problem is its own", received="class_weight", expected="no weights"
            )
        self._check(x, settings, "steps_per_epoch")
        if settings.get("validation_data") is not None:
            self._check(settings["validation_data"], settings, "validation_steps", measured=True)
        return super().fit(x.map(feed.for_model), **{"shuffle": False, **settings})

    def make_train_function(self, force: bool = False) -> None:
        """Compiles a step; its sums are kept in order, as those of training are."""
        if self.train_function is not None and not force:
            return
        variables = self.network.trainable_variables
        if isinstance(self.optimizer, optimizer_lib.RunOptimizer):
            self.optimizer.build(variables)
            updater = self.optimizer.updater
        else:
            # It clips by itself, if it does.
            unclipped = dataclasses.replace(self._parts.optimizer_settings, clip_norm=0.0)
            updater = keras_optimizer.KerasOptimizer(
                variables, unclipped, self.network.learning_rate_multipliers(), made=self.optimizer
            )
        self._replica_step = step.replica_step(self.network, updater, self._task.name)
        super().make_train_function(force=True)
        compiled: Any = self.train_function
        self.train_function = gradients.in_order()(compiled)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Trains one batch, exactly as a step of `t2t_mm.train`; called while a graph is traced."""
        if self._replica_step is None:
            raise RuntimeError("A step is made by fit or train_on_batch.")
        batch = data[0] if isinstance(data, tuple) else data  # train_on_batch makes a tuple of it
        number = tf.cast(self.optimizer.iterations.value, tf.int32)
        seed = tf.stack([tf.constant(self._parts.settings.seed, tf.int32), number])
        rate = tf.cast(tf.convert_to_tensor(self.optimizer.learning_rate), tf.float32)
        command = tf.constant(self.network.command_row(self._task.name))
        weight = self._parts.loss_weights[self._task.name]
        weights = [] if weight == 1.0 else [tf.constant(weight)]
        computed = self._replica_step(feed.for_model(batch), seed, rate, command, *weights)
        if isinstance(self.optimizer, optimizer_lib.RunOptimizer):
            self.optimizer.iterations.assign_add(1)
        for mean in self.metrics:
            mean.update_state(computed[mean.name])
        return self.get_metrics_result()

    def evaluate(self, x: Any = None, *, return_dict: bool = False, **settings: Any) -> Any:
        """Measures the problem on batches of `t2t_mm.dataset` of a split of evaluation.

        Returns:
          `loss`, the log-perplexity, and the problem's metrics by name, as `t2t_mm.evaluate`
          gives them, with `return_dict`; else the values alone in that order.

        Raises:
          ConfigError: for what are no batches of evaluation of the problem.
        """
        self._check(x, settings, "steps", measured=True)
        self._evaluation = measuring.Measuring(
            self.network, self._task, x.element_spec, self._search()
        )
        with batches.end_expected(settings.get("steps")):
            super().evaluate(x, return_dict=True, **settings)
        measured = self._evaluation.finish()
        self._evaluation = None
        values = {"loss": measured["log_perplexity"], **measured}
        return values if return_dict else list(values.values())

    def make_test_function(self, force: bool = False) -> None:
        """Makes the function that gives a batch to the metrics."""

        def function(iterator: Any) -> dict[str, float]:
            if self._evaluation is None:
                raise RuntimeError("Batches are measured by evaluate or test_on_batch.")
            return {"examples": float(self._evaluation.take(next(iterator)))}

        self.test_function = function

    def predict(self, x: Any, **settings: Any) -> np.ndarray:
        """Returns the answers to batches of `t2t_mm.dataset`, in their order.

        Returns:
          texts, an array of `str` `[N]`, or the probabilities of classes, float32 `[N, C]`.

        Raises:
          ConfigError: for what are no batches of the problem, or have no end.
        """
        self._check(x, settings, "steps")
        self._predicted = _Untracked(x.element_spec["inputs"])
        with batches.end_expected(settings.get("steps")):
            answers = super().predict(x, **settings)
        if self._task.targets.autoregressive:
            return np.array([text.decode("utf-8") for text in answers], object)
        return answers

    def make_predict_function(self, force: bool = False) -> None:
        """Makes the function that answers some batches."""
        self.predict_function = lambda batches: tf.concat(list(map(self._answer, batches)), 0)

    def test_on_batch(self, x: Any, *, return_dict: bool = False) -> Any:
        """Measures one batch, as `evaluate`."""
        return self.evaluate(batches.one(x), verbose=0, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Answers one batch, as `predict`."""
        return self.predict(batches.one(x), verbose=0)

    def get_config(self) -> dict[str, Any]:
        """Returns what it was made of, weights left out, as JSON values."""
        return {"name": self.name, "problem": self._task.name, **self._parts.describe()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> KerasModel:
        """Makes it again, with new weights; the vocabularies must still be in their folder."""
        del custom_objects  # its parts are registered with t2t_mm
        return cls(parts_lib.from_description(config), config["problem"], name=config["name"])

    def _answer(self, batch: Mapping[str, Any]) -> tf.Tensor:
        spec = self._predicted.value
        if not self._task.targets.autoregressive:
            function = functions.of(self.network).class_log_probs(self._task, spec)
            return tf.exp(function(batch["inputs"]))
        rows = len(batch["targets"])
        numbers = None if "index" in batch else range(rows)  # batches of training have none
        answers = predict.decode_batch(
            self.network, self._task, batch, spec, self._search(), numbers
        )
        return tf.constant([answer.outputs for answer in answers], tf.string)

    def _check(
        self, x: Any, settings: Mapping[str, Any], limit: str, *, measured: bool = False
    ) -> None:
        """Raises for what are no batches of the problem, or have no end."""
        batching, steps = self._parts.batching, settings.get(limit)
        batches.check(x, self._task, batching, limit=limit, steps=steps, measured=measured)

    def _search(self) -> decoding.DecodeSettings:
        usual = self._parts.batching.max_length
        return self._parts.decode_settings.within(self._task.targets, usual)


@dataclasses.dataclass(frozen=True)
class _Untracked:
    """A value that Keras does not look into: no part of the model, nor of what it saves."""

    value: Any


def _layers(parts: parts_lib.Parts) -> list[keras.layers.Layer]:
    """Returns the parts of a model in order, and a layer with the variables of none of them."""
    network = parts.network
    layers = [*(network.nets[name] for name in sorted(network.nets)), *network.body.parts()]
    held = {id(variable) for layer in layers for variable in layer.variables}
    others = keras.layers.Layer(name=_OTHERS)
    others.tables = [variable for variable in network.variables if id(variable) not in held]
    return [*layers, others]
