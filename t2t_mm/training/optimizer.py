"""The base class of optimizers, and Adam with one fused kernel for each variable.

Several problems train one model, and a problem's step has no gradient for the private
parts of the others. Such variables and their moments stay unchanged in that step, and each
variable's bias correction counts its own updates.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import keras
import tensorflow as tf

from t2t_mm import errors, registry
from t2t_mm.settings import training
from t2t_mm.training import weight_decay

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices | None

_LARGE = 2**20
"""Elements from which a gradient does not fit into a cache, or hardly."""


class Optimizer(tf.Module):
    """What changes the weights: made once for a training, over a fixed list of variables.

    What it keeps (moments, counts) are `tf.Variable`s among its attributes, also in lists, so
    that checkpoints hold them; they are made in the constructor.

    Args:
      variables: all that any problem trains.
      settings: of the training; its own a class reads with `config.build`.
      multipliers: of the rate, for variables that have one of their own.
    """

    slots: ClassVar[int] = 2
    """Tensors of a variable's size that are kept for each, for the estimate of memory."""

    decays_weights: ClassVar[bool] = False
    """Does it heed `OptimizerSettings.weight_decay` (see `training.weight_decay`)? It is an error
    to ask it of one that does not."""

    schedule: Callable[[Any], Any] | None = None
    """A learning-rate schedule of its own, which gives the rate of a step, the first being 0, as
    those of `keras.optimizers.schedules` do; None where the settings give it."""

    leaves_out: ClassVar[bool] = False
    """Can `apply` leave out what is not `touched`? Several problems in a step ask for it."""

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        settings: training.OptimizerSettings,
        multipliers: Sequence[tuple[keras.Variable, float]] = (),
    ) -> None:
        super().__init__(name=type(self).__name__.lower())

    def apply(
        self,
        gradients: Sequence[Gradient],
        learning_rate: tf.Tensor,
        *,
        admit: Callable[[tf.Tensor], tf.Tensor] = tf.math.is_finite,
        touched: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Updates the variables that have a gradient; called in replica context, in a graph.

        Gradients are summed over replicas first and clipped after, so that the
        bound holds for the update that is made. Where the update is not admitted, variables,
        and all that is kept, stay as they are.

        Args:
          gradients: one for each variable, None for those that the loss leaves out; of
            several replicas, each one's part of the sum.
          learning_rate: a scalar.
          admit: says, given the global norm, whether the update is made, a bool scalar; it
            must be false where the norm is not finite.
          touched: bool, one for each variable; those that are not stay as they are, with all
            that is kept of them, though each has a gradient. Given only to an optimizer that
            `leaves_out`.

        Returns:
          the global norm before clipping.
        """
        raise NotImplementedError(f"{type(self).__name__}.apply")


def make(
    variables: Sequence[keras.Variable],
    settings: training.OptimizerSettings,
    multipliers: Sequence[tuple[keras.Variable, float]] = (),
) -> Optimizer:
    """Returns the optimizer that the settings name, to be called in the strategy's scope.

    Raises:
      ConfigError: for a name that is not registered, or weight decay of an optimizer without.
    """
    registered = registry.optimizers.get(settings.optimizer)
    if issubclass(registered, keras.optimizers.Optimizer):
        from t2t_mm.training import keras_optimizer

        made = registered(learning_rate=settings.learning_rate)
        return keras_optimizer.KerasOptimizer(variables, settings, multipliers, made=made)
    if settings.weight_decay and not registered.decays_weights:
        raise errors.ConfigError(
            f"The optimizer {settings.optimizer!r} does not decay weights",
            received=f"OptimizerSettings.weight_decay = {settings.weight_decay:g}",
            expected="0, or another OptimizerSettings.optimizer",
            hint=f"{registered.__name__}.decays_weights = True says of one that it does",
        )
    return registered(variables, settings, multipliers)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980) over a fixed list of variables.

    With weight decay it is AdamW: w becomes w (1 - rate * decay) before Adam's own change.
    To be made in the scope of the strategy that made the variables.

    Args:
      variables: all that any problem trains.
      settings: moments' decay, epsilon, clipping and weight decay.
      multipliers: of the learning rate, for variables that are trained at another one.
    """

    decays_weights = True
    leaves_out = True

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        settings: training.OptimizerSettings,
        multipliers: Sequence[tuple[keras.Variable, float]] = (),
    ) -> None:
        super().__init__(variables, settings, multipliers)
        by_variable = {id(variable): multiplier for variable, multiplier in multipliers}
        self._multipliers = [by_variable.get(id(variable), 1.0) for variable in variables]
        self._variables = [variable.value for variable in variables]
        self._settings = settings
        self._decays = weight_decay.rates(variables, settings)
        self.means = [_slot(v, "mean") for v in self._variables]
        self.squares = [_slot(v, "square") for v in self._variables]
        self.updates = tf.Variable(
            tf.zeros([len(self._variables)], tf.int64),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="updates",
        )

    def apply(
        self,
        gradients: Sequence[Gradient],
        learning_rate: tf.Tensor,
        *,
        admit: Callable[[tf.Tensor], tf.Tensor] = tf.math.is_finite,
        touched: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """As of `Optimizer`.

        Nothing waits on a GPU for the decision whether an update is admitted: all is
        computed, with gradients of 0, a rate of 0 and moments that do not decay.
        """
        given = [i for i, gradient in enumerate(gradients) if gradient is not None]
        dense = [tf.convert_to_tensor(gradients[i]) for i in given]
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            # Copies have the replica's device, without which nothing can be reduced.
            copies = [tf.identity(gradient) for gradient in dense]
            dense = context.all_reduce(tf.distribute.ReduceOp.SUM, copies)
        norm = tf.linalg.global_norm(dense)
        is_made = admit(norm)
        most = self._settings.clip_norm
        scale = most / tf.maximum(norm, most) if most else tf.constant(1.0)
        dense = _scaled(dense, tf.where(is_made, scale, 0.0))
        ones = (
            tf.scatter_nd(
                [[i] for i in given], tf.ones([len(given)], tf.int64), [len(self._variables)]
            )
            if touched is None
            else tf.cast(touched, tf.int64)
        )
        counts = self.updates.assign_add(ones * tf.cast(is_made, tf.int64))
        # Of an update that is not made the powers do not matter, but must not divide 0 by 0.
        moves = is_made if touched is None else tf.logical_and(is_made, touched)
        powers = [
            tf.unstack(
                tf.where(moves, beta ** tf.cast(counts, tf.float32), 0.0), len(self._variables)
            )
            for beta in (self._settings.beta_1, self._settings.beta_2)
        ]
        # One for all variables, or one for each where what moves differs.
        rates, betas_1, betas_2 = (
            [tf.where(moves, value, still)] * len(self._variables)
            if touched is None
            else tf.unstack(tf.where(moves, value, still), len(self._variables))
            for value, still in (
                (learning_rate, 0.0),
                (self._settings.beta_1, 1.0),
                (self._settings.beta_2, 1.0),
            )
        )
        scaled = {(id(rate), 1.0): rate for rate in rates}
        for rate, multiplier in zip(rates, self._multipliers, strict=True):
            if (id(rate), multiplier) not in scaled:
                scaled[id(rate), multiplier] = rate * multiplier
        rates = [scaled[id(r), m] for r, m in zip(rates, self._multipliers, strict=True)]

        def update(strategy: tf.distribute.Strategy, *columns: tf.Tensor) -> None:
            for place, i in enumerate(given):
                gradient, power_1, power_2, rate, beta_1, beta_2 = columns[place :: len(given)]
                arguments = (
                    self.means[i],
                    self.squares[i],
                    gradient,
                    power_1,
                    power_2,
                    rate,
                    beta_1,
                    beta_2,
                )
                update_one = functools.partial(self._update_one, decay=self._decays[i])
                strategy.extended.update(self._variables[i], update_one, args=arguments, group=True)

        columns = (*powers, rates, betas_1, betas_2)
        context.merge_call(update, args=(*dense, *(column[i] for column in columns for i in given)))
        return norm

    def _update_one(
        self,
        variable: tf.Variable,
        mean: tf.Variable,
        square: tf.Variable,
        gradient: tf.Tensor,
        power_1: tf.Tensor,
        power_2: tf.Tensor,
        learning_rate: tf.Tensor,
        beta_1: tf.Tensor,
        beta_2: tf.Tensor,
        *,
        decay: float,
    ) -> None:
        if decay:
            variable.assign(variable * (1.0 - learning_rate * decay))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=mean.handle,
            v=square.handle,
            beta1_power=power_1,
            beta2_power=power_2,
            lr=learning_rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=self._settings.epsilon,
            grad=gradient,
        )


def _scaled(gradients: list[tf.Tensor], scale: tf.Tensor) -> list[tf.Tensor]:
    """Multiplies gradients by a scalar of at most 1; by 0 also what is not finite becomes 0.

    On a processor, large ones are left as they are where the scale is 1, as it mostly is:
    multiplying by it would read and write their memory once more. (Small ones stay in the
    cache, and each way through a condition costs time at the start.)
    """
    large = [i for i, gradient in enumerate(gradients) if _is_large(gradient)]
    scaled = [
        one if i in large else tf.math.multiply_no_nan(one, scale)
        for i, one in enumerate(gradients)
    ]
    kept = [gradients[i] for i in large]
    if large:
        kept = tf.cond(
            scale >= 1.0,
            lambda: kept,
            lambda: [tf.math.multiply_no_nan(one, scale) for one in kept],
        )
    for i, one in zip(large, kept, strict=True):
        scaled[i] = one
    return scaled


def _is_large(gradient: tf.Tensor) -> bool:
    """Is it worth a condition? Not on a GPU, where a condition waits for all work before it."""
    if tf.config.list_physical_devices("GPU"):
        return False
    return (gradient.shape.num_elements() or 0) >= _LARGE


def _slot(variable: tf.Variable, name: str) -> tf.Variable:
    return tf.Variable(tf.zeros(variable.shape, variable.dtype), trainable=False, name=name)
