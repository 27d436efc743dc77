"""Adam with clipping by the global norm, in one fused kernel a variable.

Several problems train one model, and a problem's step gives no gradient to the
private parts of the others. Such variables are left alone by that step, moments
and all, and each variable's bias correction counts its own updates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

from t2t_mm.training import settings as settings_lib

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices | None

_LARGE = 2**20
"""Elements from which a gradient does not fit into a cache, or hardly."""


class Adam(tf.Module):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980) over a fixed list of variables.

    To be made in the scope of the strategy that made the variables.

    Args:
      variables: all that any problem trains.
      settings: moments' decay, epsilon and clipping.
    """

    def __init__(
        self, variables: Sequence[keras.Variable], settings: settings_lib.OptimizerSettings
    ) -> None:
        super().__init__(name="adam")
        self._variables = [variable.value for variable in variables]
        self._settings = settings
        self.means = [_slot(v, "mean") for v in self._variables]
        self.squares = [_slot(v, "square") for v in self._variables]
        self.updates = tf.Variable(
            tf.zeros([len(self._variables)], tf.int64),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="updates",
        )

    def apply(self, gradients: Sequence[Gradient], rate: tf.Tensor) -> tf.Tensor:
        """Updates the variables that have a gradient; called in replica context.

        Gradients are summed over replicas first and clipped after, so that the
        bound holds for the update that is made.

        Args:
          gradients: one for each variable, None for those that the loss leaves out; of
            several replicas, each one's part of the sum.
          rate: the learning rate, a scalar.

        Returns:
          the global norm before clipping.
        """
        touched = [i for i, gradient in enumerate(gradients) if gradient is not None]
        dense = [tf.convert_to_tensor(gradients[i]) for i in touched]
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            dense = context.all_reduce(tf.distribute.ReduceOp.SUM, dense)
        norm = tf.linalg.global_norm(dense)
        if self._settings.clip_norm:
            dense = _clip(dense, norm, self._settings.clip_norm)
        ones = tf.scatter_nd(
            [[i] for i in touched], tf.ones([len(touched)], tf.int64), [len(self._variables)]
        )
        counts = tf.cast(self.updates.assign_add(ones), tf.float32)
        powers_1 = tf.unstack(self._settings.beta_1**counts, len(self._variables))
        powers_2 = tf.unstack(self._settings.beta_2**counts, len(self._variables))

        def update(strategy: tf.distribute.Strategy, *scaled: tf.Tensor) -> None:
            *rest, step_rate = scaled
            third = len(touched)
            for place, i in enumerate(touched):
                arguments = (
                    self.means[i],
                    self.squares[i],
                    rest[place],
                    rest[third + place],
                    rest[2 * third + place],
                    step_rate,
                )
                strategy.extended.update(
                    self._variables[i], self._update_one, args=arguments, group=True
                )

        context.merge_call(
            update,
            args=(
                *dense,
                *(powers_1[i] for i in touched),
                *(powers_2[i] for i in touched),
                rate,
            ),
        )
        return norm

    def _update_one(
        self,
        variable: tf.Variable,
        mean: tf.Variable,
        square: tf.Variable,
        gradient: tf.Tensor,
        power_1: tf.Tensor,
        power_2: tf.Tensor,
        rate: tf.Tensor,
    ) -> None:
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=mean.handle,
            v=square.handle,
            beta1_power=power_1,
            beta2_power=power_2,
            lr=rate,
            beta1=self._settings.beta_1,
            beta2=self._settings.beta_2,
            epsilon=self._settings.epsilon,
            grad=gradient,
        )


def _clip(gradients: list[tf.Tensor], norm: tf.Tensor, most: float) -> list[tf.Tensor]:
    """Scales gradients down to a global norm of `most`.

    Large ones are left as they are if the norm is within the bound, as it mostly is:
    multiplying by 1 would read and write their memory once more. (Small ones stay in the
    cache, and each way through a condition costs time at the start.)
    """
    scale = most / tf.maximum(norm, most)
    large = [i for i, gradient in enumerate(gradients) if _is_large(gradient)]
    kept = [gradients[i] for i in large]
    if large:
        # Asked so that a norm that is no number reaches every gradient.
        kept = tf.cond(scale >= 1.0, lambda: kept, lambda: [one * scale for one in kept])
    clipped = [one if _is_large(one) else one * scale for one in gradients]
    for i, one in zip(large, kept, strict=True):
        clipped[i] = one
    return clipped


def _is_large(gradient: tf.Tensor) -> bool:
    return (gradient.shape.num_elements() or 0) >= _LARGE


def _slot(variable: tf.Variable, name: str) -> tf.Variable:
    return tf.Variable(tf.zeros(variable.shape, variable.dtype), trainable=False, name=name)
