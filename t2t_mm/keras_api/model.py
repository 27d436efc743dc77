"""The model of a problem as Keras knows models: to fit, evaluate, predict and save."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import pipeline
from t2t_mm.decoding import functions, predict
from t2t_mm.evaluation import evaluator
from t2t_mm.keras_api import optimizer as optimizer_lib
from t2t_mm.keras_api import parts as parts_lib
from t2t_mm.settings import decoding
from t2t_mm.training import feed, gradients, keras_optimizer, step

_OTHERS = "commands"
"""The name of the layer that holds the variables of no net and no part of the body."""

_USUAL = {
    "loss": None,
    "loss_weights": None,
    "metrics": None,
    "weighted_metrics": None,
    "run_eagerly": False,
    "jit_compile": False,
    "auto_scale_loss": True,
}
"""Of `compile`: what cannot be chosen here, and what it is."""


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
        check_devices()
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
        self._evaluation: _Evaluation | None = None
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
            if (value or None) != (_USUAL[name] or None):
                raise errors.ConfigError(
                    "The loss, the metrics and the graph of a problem are its own",
                    received=f"{name}={value!r}",
                    expected="compile(optimizer=...) alone",
                    hint="Metrics are named in Problem.metrics; t2t_mm.register_metric adds one",
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

        The batches begin anew with each call, and go on from epoch to epoch within it.

        Raises:
          ConfigError: for what are no batches of the problem, or batches without end and without
            `steps_per_epoch`; and as of `evaluate` for `validation_data`.
        """
        self._check(x, "steps_per_epoch", settings.get("steps_per_epoch"))
        validation = settings.get("validation_data")
        if validation is not None:
            self._check(validation, "validation_steps", settings.get("validation_steps"))
            _check_split(validation)
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
        computed = self._replica_step(feed.for_model(batch), seed, rate, command)
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
        self._check(x, "steps", settings.get("steps"))
        _check_split(x)
        self._evaluation = _Evaluation(self._parts, self._task.name, x.element_spec, self._search())
        with _end_expected(settings.get("steps")):
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
        self._check(x, "steps", settings.get("steps"))
        self._predicted = _Untracked(x.element_spec["inputs"])
        with _end_expected(settings.get("steps")):
            answers = super().predict(x, **settings)
        if self._task.targets.autoregressive:
            return np.array([text.decode("utf-8") for text in answers], object)
        return answers

    def make_predict_function(self, force: bool = False) -> None:
        """Makes the function that answers some batches."""
        self.predict_function = lambda batches: tf.concat(list(map(self._answer, batches)), 0)

    def test_on_batch(self, x: Any, *, return_dict: bool = False) -> Any:
        """Measures one batch, as `evaluate`."""
        return self.evaluate(_one(x), verbose=0, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Answers one batch, as `predict`."""
        return self.predict(_one(x), verbose=0)

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

    def _search(self) -> decoding.DecodeSettings:
        usual = self._parts.batching.max_length
        return self._parts.decode_settings.within(self._task.targets, usual)

    def _check(self, x: Any, limit: str, steps: int | None) -> None:
        """Raises for what are no batches of the problem, or have no end."""
        if not isinstance(x, tf.data.Dataset):
            raise errors.ConfigError(
                "The model takes batches of its problem",
                received=type(x).__name__,
                expected="a tf.data.Dataset, as t2t_mm.dataset gives it",
                hint="t2t_mm.decode takes texts, files and arrays",
            )
        empty = [dict.fromkeys(self._task.given(), b"")]
        wanted = pipeline.predict_dataset(self._task, empty, self._parts.batching).element_spec
        spec = x.element_spec
        is_batch = isinstance(spec, dict) and {"inputs", "targets"} <= set(spec)
        if not is_batch or not _fits(spec["inputs"], wanted["inputs"]):
            raise errors.ConfigError(
                f"These are no batches of {self._task.name!r}",
                received=spec["inputs"] if is_batch else spec,
                expected=f"t2t_mm.dataset({self._task.name!r}, ...), which gives "
                f"{wanted['inputs']}",
            )
        if x.cardinality() == tf.data.INFINITE_CARDINALITY and steps is None:
            raise errors.ConfigError(
                "The batches of training have no end",
                expected=f"{limit}=NUMBER, the steps after which to stop",
            )


class _Evaluation:
    """One evaluation: batches go to the metrics, numbered as they come.

    They may be a part of the split: a shard of it, or its first steps.
    """

    def __init__(
        self,
        parts: parts_lib.Parts,
        problem: str,
        spec: Mapping[str, Any],
        search: decoding.DecodeSettings,
    ) -> None:
        task = parts.tasks[problem]
        metrics = evaluator.metrics_of(task)
        self._feed = evaluator.Feed(parts.network, task, metrics, spec, search)
        self._seen = 0

    def take(self, batch: Mapping[str, Any]) -> int:
        """Measures a batch, and returns how many examples there were so far."""
        computed = self._feed.compute(batch)
        rows = len(batch["index"])
        places = tf.range(self._seen, self._seen + rows)
        self._feed.take({**batch, "index": places}, computed)
        self._seen += rows
        return self._seen

    def finish(self) -> dict[str, float]:
        """Returns the metrics by name."""
        return self._feed.finish("evaluation").values


@dataclasses.dataclass(frozen=True)
class _Untracked:
    """A value that Keras does not look into: no part of the model, nor of what it saves."""

    value: Any


def check_devices() -> None:
    """Raises ConfigError within the scope of a strategy."""
    if tf.distribute.has_strategy():
        raise errors.ConfigError(
            "A KerasModel trains on one device",
            received=type(tf.distribute.get_strategy()).__name__,
            expected="a model that is made and fitted outside of a strategy's scope",
            hint="t2t_mm.train(..., strategy='mirrored') trains on all GPUs of a machine, and "
            "strategy='multi_worker' on several machines; t2t_mm.keras_model takes such a run",
        )


def _layers(parts: parts_lib.Parts) -> list[keras.layers.Layer]:
    """Returns the parts of a model in order, and a layer with the variables of none of them."""
    network = parts.network
    layers = [*(network.nets[name] for name in sorted(network.nets)), *network.body.parts()]
    held = {id(variable) for layer in layers for variable in layer.variables}
    others = keras.layers.Layer(name=_OTHERS)
    others.tables = [variable for variable in network.variables if id(variable) not in held]
    return [*layers, others]


def _one(batch: Mapping[str, Any]) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensors(dict(batch))


@contextlib.contextmanager
def _end_expected(steps: int | None) -> Iterator[None]:
    """Keeps Keras from warning that batches end, unless there should be so many steps."""
    with warnings.catch_warnings():
        if steps is None:
            warnings.filterwarnings("ignore", message="Your input ran out of data")
        yield


def _check_split(x: tf.data.Dataset) -> None:
    """Raises unless these are batches of evaluation."""
    if "index" not in x.element_spec:
        raise errors.ConfigError(
            "Metrics need the batches of evaluation",
            received=f"batches with {', '.join(x.element_spec)}",
            expected='t2t_mm.dataset(problem, "validation") or another split of evaluation',
        )


def _fits(spec: Mapping[str, tf.TensorSpec], wanted: Mapping[str, tf.TensorSpec]) -> bool:
    """Returns whether features have the names, types and numbers of axes that are wanted."""
    return set(spec) == set(wanted) and all(
        one.dtype == wanted[name].dtype and one.shape.rank == wanted[name].shape.rank
        for name, one in spec.items()
    )
