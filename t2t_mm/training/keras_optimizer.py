"""Any optimizer of Keras as one of ours: summed, clipped and admitted in the same order."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from t2t_mm.settings import training
from t2t_mm.training import optimizer as optimizer_lib
from t2t_mm.training import weight_decay


class KerasOptimizer(optimizer_lib.Optimizer):
    """An optimizer of Keras over a fixed list of variables.

    Its count of steps is one for all variables, so that the bias correction of a moment does
    not heed how often a problem was trained, as our own Adam does. Weight decay that the settings
    ask for takes the place of its own.

    Args:
      variables: all that any problem trains.
      settings: of clipping and weight decay.
      multipliers: of the rate, for variables that have one: their change is multiplied.
      made: the optimizer; its rate follows that of each step. A schedule that it brings becomes
        `schedule`, which counts steps, also those that were left out.
    """

    leaves_out = True

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        settings: training.OptimizerSettings,
        multipliers: Sequence[tuple[keras.Variable, float]] = (),
        *,
        made: keras.optimizers.Optimizer,
    ) -> None:
        super().__init__(variables, settings, multipliers)
        self._multipliers = {id(variable): multiplier for variable, multiplier in multipliers}
        self._settings, self._made, self._variables = settings, made, list(variables)
        self.schedule, self._given = _own_schedule(made), _Given()
        if self.schedule is not None:
            made.learning_rate = self._given
        decays = weight_decay.rates(variables, settings)
        self._decays = {id(one): rate for one, rate in zip(variables, decays, strict=True)}
        if settings.weight_decay:
            made.weight_decay = None
        if not made.built:
            made.build(self._variables)
        self.kept = list(made.variables)
        self._owners = _owners(made, len(self._variables))

    def apply(
        self,
        gradients: Sequence[optimizer_lib.Gradient],
        learning_rate: tf.Tensor,
        *,
        admit: Callable[[tf.Tensor], tf.Tensor] = tf.math.is_finite,
        touched: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """As of `Optimizer`; what is not admitted, or not touched, is taken back."""
        given = [i for i, gradient in enumerate(gradients) if gradient is not None]
        dense = [tf.convert_to_tensor(gradients[i]) for i in given]
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        if replicas > 1:
            # Copies have the replica's device, without which nothing can be reduced.
            copies = [tf.identity(gradient) for gradient in dense]
            dense = context.all_reduce(tf.distribute.ReduceOp.SUM, copies)
        norm = tf.linalg.global_norm(dense)
        is_made = admit(norm)
        most = self._settings.clip_norm
        scale = most / tf.maximum(norm, most) if most else tf.constant(1.0)
        # Keras sums over replicas once more.
        scale = tf.where(is_made, scale / replicas, 0.0)
        dense = [tf.math.multiply_no_nan(gradient, scale) for gradient in dense]
        variables = [self._variables[i] for i in given]
        changed = [variable.value for variable in (*variables, *self.kept)]
        shares = [self._multipliers.get(id(variable), 1.0) for variable in (*variables, *self.kept)]
        decays = [self._decays.get(id(variable), 0.0) for variable in (*variables, *self.kept)]
        before = [tf.identity(variable) for variable in changed]
        rate = tf.cast(tf.convert_to_tensor(learning_rate), tf.float32)
        if self.schedule is None:
            self._made.learning_rate.assign(rate)
        self._given.rate = rate
        self._made.apply(dense, variables)
        moves = [is_made] * len(changed)
        if touched is not None:
            of_each = tf.unstack(tf.logical_and(is_made, touched), len(self._variables))
            owners = [*given, *(self._owners.get(id(variable)) for variable in self.kept)]
            moves = [is_made if owner is None else of_each[owner] for owner in owners]

        def finish(strategy: tf.distribute.Strategy, rate: tf.Tensor, *columns: tf.Tensor) -> None:
            def correct(
                now: tf.Variable,
                old: tf.Tensor,
                moves: tf.Tensor,
                rate: tf.Tensor,
                *,
                share: float,
                decay: float,
            ) -> None:
                new = now if share == 1.0 else old + share * (now - old)
                if decay:
                    new = new - rate * share * decay * old
                now.assign(tf.where(moves, new, old))

            for place, variable in enumerate(changed):
                corrected = functools.partial(correct, share=shares[place], decay=decays[place])
                old, moved = columns[place :: len(changed)]
                strategy.extended.update(variable, corrected, args=(old, moved, rate), group=True)

        context.merge_call(finish, args=(rate, *before, *moves))
        return norm


class _Given(keras.optimizers.schedules.LearningRateSchedule):
    """The rate that `apply` was given, where an optimizer with a schedule asks for its own."""

    rate: tf.Tensor

    def __call__(self, step: Any) -> tf.Tensor:
        return self.rate

    def get_config(self) -> dict[str, Any]:
        return {}


def _own_schedule(made: keras.optimizers.Optimizer) -> Callable[[Any], Any] | None:
    """Returns what gives the rate of a step where an optimizer was made with more than a number."""
    rate: Any = made._learning_rate
    if isinstance(rate, keras.Variable) or not callable(rate):
        return None
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate
    function: Callable[[], Any] = rate
    return lambda _: function()


def _owners(made: keras.optimizers.Optimizer, count: int) -> dict[int, int]:
    """Returns which variable each slot of an optimizer is of, by the slot's identity.

    Keras keeps slots in lists in the order of the variables; the rest, as its count of steps, is
    of all of them.
    """
    slots = {id(variable) for variable in made.variables}
    return {
        id(slot): place
        for name, value in vars(made).items()
        if isinstance(value, list | tuple) and len(value) == count and name != "_variables"
        for place, slot in enumerate(value)
        if id(slot) in slots
    }
