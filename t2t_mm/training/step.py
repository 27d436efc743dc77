"""The training step: loss, gradients, update.

`make` compiles one (like `keras.Model.make_train_function`), `replica_step` is its body
(`train_step`), and `single_steps.Steps` keeps those of a training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from t2t_mm.models import base
from t2t_mm.training import ema, finite
from t2t_mm.training import gradients as gradients_lib
from t2t_mm.training import optimizer as optimizer_lib

_REPLICA_STRIDE = 0x632BE59B  # odd, so that no two replicas share a seed
_SUMMED = ("tokens", "expert_load")
FINITE = "finite"

Metrics = dict[str, tf.Tensor]
StepFunction = Callable[..., Metrics]
"""Of (batch, seed, learning rate, row of the command), and the weight of the loss if there is
one."""


def replica_seed(seed: tf.Tensor, replica: int | tf.Tensor) -> tf.Tensor:
    """Returns the seed of one replica, given that of the step: int32 `[2]` both."""
    return seed + tf.stack([replica * tf.constant(_REPLICA_STRIDE, tf.int32), 0])


def make(
    model: base.Model,
    optimizer: optimizer_lib.Optimizer,
    strategy: tf.distribute.Strategy,
    task_name: str,
    spec: Mapping[str, Any],
    warn: Callable[[str], None] | None = None,
    *,
    admit: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    is_weighted: bool = False,
    mean: ema.MeanWeights | None = None,
) -> StepFunction:
    """Returns the compiled step of one problem, and of those that compute as it does.

    Run within `gradients.in_order`, it gives the same weights bit for bit whenever it is
    given the same. Replicas count by their tokens (a class is one): gradients and metrics
    are those of one device with all their batches as one.

    Args:
      model: with all its variables.
      optimizer: over the model's trainable variables.
      strategy: that made both.
      task_name: of the problem.
      spec: of a batch; lengths and batch size may be open, so nothing is traced anew.
      warn: is told, when it is traced, if it cannot be taken again exactly.
      admit: says, given whether the step is finite on all replicas, whether it may update.
      is_weighted: whether the function takes a weight of the loss.
      mean: of the weights, if one is kept.

    Returns:
      a function of (a batch for each replica, seed int32 `[2]`, rate, row of the problem's
      command, and the weight of its loss if it is weighted) that updates the weights and
      returns the metrics of `Model.loss`, averaged over replicas (`tokens` and `expert_load`
      summed), the gradients' `norm`, and `finite`: 1, or 0 where the loss or a gradient is not,
      on whatever replica.
    """
    on_replica = replica_step(model, optimizer, task_name, warn, admit=admit, mean=mean)

    def computed(batch: Any, *scalars: tf.Tensor) -> Metrics:
        return on_replica(with_open_shapes(batch, spec), *scalars)

    def step(batch: Any, *scalars: tf.Tensor) -> Metrics:
        per_replica = strategy.run(computed, args=(batch, *scalars))
        return {
            name: strategy.reduce("MEAN" if name in ("norm", FINITE) else "SUM", value, axis=None)
            for name, value in per_replica.items()
        }

    if strategy.num_replicas_in_sync > 1:
        return tf.function(step, reduce_retracing=True, autograph=False)
    scalars = [tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)]
    if is_weighted:
        scalars.append(tf.TensorSpec([], tf.float32))
    signature = [spec, tf.TensorSpec([2], tf.int32), *scalars]
    compiled = tf.function(step, input_signature=signature, autograph=False)
    # Each is traced once; TensorFlow would take them for one that is traced often.
    compiled._omit_frequent_tracing_warning = True
    return compiled


def with_open_shapes(batch: Any, spec: Any) -> Any:
    """Returns a replica's batch whose static shapes are those of its problem.

    A function over replicas has no signature: it is traced for the shapes of its first batch, and
    then for open ones. TensorFlow optimises the two, and so rounds sums, in different ways: what a
    step computes would depend on the steps before it in this process, and a resumed run would
    differ from one left alone.

    Args:
      batch: tensors, traced with whatever static shapes.
      spec: `tf.TensorSpec`s of the same structure, open where batches differ.
    """
    return tf.nest.map_structure(
        lambda value, open_: tf.compat.v1.placeholder_with_default(value, open_.shape), batch, spec
    )


def replica_step(
    model: base.Model,
    optimizer: optimizer_lib.Optimizer,
    task_name: str,
    warn: Callable[[str], None] | None = None,
    *,
    admit: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    mean: ema.MeanWeights | None = None,
) -> StepFunction:
    """Returns what each replica does in a step, to be traced in replica context.

    Args:
      model: with all its variables.
      optimizer: over the model's trainable variables.
      task_name: of the problem.
      warn: as of `make`.
      admit: as of `make`.
      mean: as of `make`.

    Returns:
      a function as that of `make`, of one replica's batch; of several replicas the sum of the
      metrics, but for `norm` and `finite`, is that of one device with all their batches.
    """
    variables = [variable.value for variable in model.trainable_variables]
    unwarned = [warn] if warn is not None else []

    def on_replica(
        batch: Any,
        seed: tf.Tensor,
        learning_rate: tf.Tensor,
        command: tf.Tensor,
        weight: tf.Tensor | None = None,
    ) -> Metrics:
        context = tf.distribute.get_replica_context()
        loss, metrics, gradients, updates = backward(
            model, task_name, variables, batch, seed, command, weight, unwarned
        )
        is_loss_finite = finite.on_all_replicas(loss)
        admitted: list[tf.Tensor] = []

        def admit_finite(norm: tf.Tensor) -> tf.Tensor:
            is_finite = tf.logical_and(is_loss_finite, tf.math.is_finite(norm))
            metrics[FINITE] = tf.cast(is_finite, tf.float32)
            admitted.append(tf.logical_and(admit(is_finite), is_finite))
            return admitted[0]

        metrics["norm"] = optimizer.apply(gradients, learning_rate, admit=admit_finite)
        if mean is not None:
            trained = [i for i, gradient in enumerate(gradients) if gradient is not None]
            mean.update(trained, admitted[0])
        if updates:
            _assign(context, updates, admitted[0])
        return metrics

    return on_replica


class Backward(NamedTuple):
    """The forward and the backward pass of one replica.

    Attributes:
      loss: a scalar.
      metrics: those of `Model.loss`, each replica's part of those of all.
      gradients: of each variable, None for those that the loss leaves out; each replica's part
        of the sum.
      updates: of variables that no gradient trains.
    """

    loss: tf.Tensor
    metrics: Metrics
    gradients: list[gradients_lib.Gradient]
    updates: list[tuple[keras.Variable, tf.Tensor]]


def backward(
    model: base.Model,
    task_name: str,
    variables: Sequence[tf.Variable],
    batch: Any,
    seed: tf.Tensor,
    command: tf.Tensor,
    weight: tf.Tensor | None,
    unwarned: list[Callable[[str], None]],
) -> Backward:
    """Returns loss and gradients of a batch; called in replica context, in a graph.

    Args:
      model: with all its variables.
      task_name: of the problem.
      variables: that are trained.
      batch: of this replica.
      seed: int32 `[2]`, of the step.
      command: row of the problem's command.
      weight: of its loss in the gradients; None for 1.
      unwarned: what is told, once, of a step that cannot be taken again exactly.
    """
    context = tf.distribute.get_replica_context()
    own = replica_seed(seed, tf.cast(context.replica_id_in_sync_group, tf.int32))
    loss, metrics = model.loss(task_name, batch, training=True, seed=own, command=command)
    updates = model.take_updates()
    share = None
    if context.num_replicas_in_sync > 1:
        share = _share(context, metrics["tokens"])
        metrics = {n: v if n in _SUMMED else v * share for n, v in metrics.items()}
    if weight is not None:
        share = weight if share is None else weight * share
    gradients = gradients_lib.gradients(loss, variables, share)
    if unwarned:  # once, however many replicas and traces there are
        _warn_if_inexact(task_name, unwarned.pop())
    return Backward(loss, metrics, gradients, updates)


def _assign(
    context: tf.distribute.ReplicaContext,
    updates: Sequence[tuple[keras.Variable, tf.Tensor]],
    is_admitted: tf.Tensor,
) -> None:
    """Assigns variables that no gradient trains (moving averages) their mean over replicas.

    A step that is not admitted leaves them as they are.
    """
    # On a replica's own device, without which nothing can be reduced.
    values = [
        tf.identity(tf.where(is_admitted, value, variable.value)) for variable, value in updates
    ]
    if context.num_replicas_in_sync > 1:
        values = context.all_reduce(tf.distribute.ReduceOp.MEAN, values)

    def assign(strategy: tf.distribute.Strategy, *values: tf.Tensor) -> None:
        for (variable, _), value in zip(updates, values, strict=True):
            strategy.extended.update(
                variable.value, lambda own, new: own.assign(new), args=(value,), group=True
            )

    context.merge_call(assign, args=tuple(values))


def _share(context: tf.distribute.ReplicaContext, tokens: tf.Tensor) -> tf.Tensor:
    """Returns the share of a replica's tokens in those of all."""
    # A copy has the replica's device, without which nothing can be reduced.
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(tokens))
    return tokens / tf.maximum(total, 1.0)


def _warn_if_inexact(task_name: str, warn: Callable[[str], None]) -> None:
    """Warns of a traced step whose rounding depends on the schedule of its threads."""
    found = gradients_lib.unordered(tf.compat.v1.get_default_graph())
    if found:
        warn(
            f"Steps of {task_name} are not the same bit for bit when they are taken again: "
            f"{len(found)} sums have three addends or more, as {found[0]} has. "
            "Write them in pairs, a + b + c; and gradients so that no function within the "
            "step (tf.cond, tf.while_loop, tf.function) reads a tensor three times"
        )
