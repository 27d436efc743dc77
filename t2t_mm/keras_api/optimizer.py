"""The optimizer of a training, with its learning rate, as Keras and its callbacks know one."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.settings import training
from t2t_mm.training import decays
from t2t_mm.training import optimizer as optimizers

_NOT_SET = -1.0


@keras.saving.register_keras_serializable(package="t2t_mm")
class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step, as `training.decays` has it for `OptimizerSettings`.

    Args:
      settings: of the rate, or their fields.
      total_steps: at which a decaying rate reaches its end.
    """

    def __init__(
        self, settings: training.OptimizerSettings | Mapping[str, Any], total_steps: int
    ) -> None:
        if isinstance(settings, Mapping):
            settings = training.OptimizerSettings(**settings)
        self.settings, self.total_steps = settings, total_steps

    def __call__(self, step: Any) -> Any:
        """Returns the rate, a float32 scalar; `step` counts from 0."""

        # In Python, as training computes it: TensorFlow would round otherwise.
        def rate(step: np.ndarray) -> np.ndarray:
            return np.asarray(
                decays.learning_rate(self.settings, int(step), self.total_steps), np.float32
            )

        value = tf.numpy_function(rate, [tf.cast(step, tf.int64)], tf.float32, stateful=False)
        value.set_shape([])
        return value

    def get_config(self) -> dict[str, Any]:
        return {"settings": dataclasses.asdict(self.settings), "total_steps": self.total_steps}


@keras.saving.register_keras_serializable(package="t2t_mm")
class RunOptimizer(keras.optimizers.Optimizer):
    """The optimizer that `OptimizerSettings` name, with its learning rate and clipping.

    `learning_rate` follows the settings until something sets it, as callbacks do; from then on
    it is what was set. A `KerasModel` makes one, and binds what is given to `compile`.

    Args:
      learning_rate: of each step.
      name: of the optimizer.
    """

    def __init__(self, learning_rate: Rate, name: str = "run_optimizer") -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        self._rate = learning_rate
        self._set_rate = self.add_variable(
            [], initializer=keras.initializers.Constant(_NOT_SET), name="set_rate"
        )
        self._make: Callable[[Sequence[keras.Variable]], optimizers.Optimizer] | None = None
        self._build_bound: Callable[[], None] | None = None
        self._updater: optimizers.Optimizer | None = None
        self._built_for: tuple[int, ...] = ()

    def bind(
        self,
        make: Callable[[Sequence[keras.Variable]], optimizers.Optimizer],
        variables: Sequence[keras.Variable],
    ) -> None:
        """Takes a model's trainable variables, and what makes that which updates them."""
        self._make = make
        # Kept as a function, for Keras takes variables among its attributes for its own.
        self._build_bound = functools.partial(self.build, variables)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes what is kept for each variable.

        Raises:
          ConfigError: it belongs to another model already, or to none.
        """
        given = tuple(id(variable) for variable in variables)
        if self.built and given != self._built_for:
            raise errors.ConfigError(
                "The optimizer belongs to another model",
                expected="model.compile(), which makes a new one",
            )
        if self._make is None:
            raise errors.ConfigError(
                "The optimizer belongs to no model",
                expected="a KerasModel compiled with it: model.compile(optimizer=...)",
            )
        if not self.built:
            super().build(variables)
            self._updater, self._built_for = self._make(variables), given

    @property
    def updater(self) -> optimizers.Optimizer:
        """What updates the variables that this was built for."""
        if self._updater is None:
            raise RuntimeError("The optimizer has not been built.")
        return self._updater

    @property
    def learning_rate(self) -> tf.Tensor:
        """The rate of the next step, a float32 scalar."""
        schedule = self._updater.schedule if self._updater is not None else None
        rate = (schedule or self._rate)(self.iterations.value)
        is_set = self._set_rate.value >= 0.0
        return tf.where(is_set, self._set_rate.value, tf.cast(rate, tf.float32))

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if callable(rate):
            raise errors.ConfigError(
                "The learning rate of this optimizer can be set to a number alone",
                received=type(rate).__name__,
                hint="keras.callbacks.LearningRateScheduler sets one for each epoch; a schedule "
                "goes to an optimizer of Keras: model.compile(keras.optimizers.Adam(schedule))",
            )
        self._set_rate.assign(rate)

    def apply(
        self,
        grads: Sequence[optimizers.Gradient],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Updates the variables that have a gradient; for training loops of one's own."""
        if trainable_variables is not None:
            self.build(trainable_variables)
        self.updater.apply(grads, self.learning_rate)
        self.iterations.assign_add(1)

    def save_own_variables(self, store: Any) -> None:
        """Writes counts and moments too, which Keras does not see."""
        for number, variable in enumerate(self._kept()):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` has written, or warns where that is not its own."""
        if self._build_bound is not None and len(store.keys()) > len(self.variables):
            self._build_bound()
        kept = self._kept()
        if len(store.keys()) != len(kept):
            warnings.warn(
                "The optimizer's state is not loaded, and begins anew: it holds "
                f"{len(store.keys())} variables, but this optimizer has {len(kept)}.",
                stacklevel=2,
            )
            return
        for number, variable in enumerate(kept):
            variable.assign(store[str(number)])

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "learning_rate": keras.saving.serialize_keras_object(self._rate),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> RunOptimizer:
        rate = keras.saving.deserialize_keras_object(
            config["learning_rate"], custom_objects=custom_objects
        )
        return cls(rate, name=config["name"])

    def _kept(self) -> list[Any]:
        own = [variable.value for variable in self.variables]
        return [*own, *(self._updater.variables if self._updater is not None else ())]
