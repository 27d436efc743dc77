"""The balancing losses of a mixture of experts: importance and load.

Shazeer et al. 2017 (arXiv 1701.06538), section 4 and appendix A:

    (6)   importance(X)_e = sum over x of G(x)_e
    (7)   importance loss = CV(importance(X))^2
    (9)   P(x, e) = Phi(((x W_g)_e - kth_excluding(H(x), K, e)) / deviation(x)_e)
    (10)  load(X)_e = sum over x of P(x, e)
    (11)  load loss = CV(load(X))^2

CV is the coefficient of variation, the standard deviation over the mean. Both
losses are unweighted; the model weights them.
"""

from __future__ import annotations

import math

import tensorflow as tf

from t2t_mm.layers.moe import router

_TINY = 1e-10
"""Keeps the loss of a batch without tokens at zero."""


def importance(routing: router.Routing, *, in_columns: bool = False) -> tf.Tensor:
    """Sums the gates of each expert: float32 [E], which sum to N (equation 6).

    Args:
      routing: of N tokens.
      in_columns: whether by columns of [N * K, E], which a GPU sums in a fixed order. It does
        not so with segments.
    """
    gates, chosen = tf.reshape(routing.gates, [-1]), _chosen(routing)
    experts_count = routing.clean.shape[-1]
    if in_columns:
        return tf.reduce_sum(tf.one_hot(chosen, experts_count) * gates[:, tf.newaxis], axis=0)
    return tf.math.unsorted_segment_sum(gates, chosen, experts_count)


def counted_load(routing: router.Routing) -> tf.Tensor:
    """Counts the tokens of each expert: float32 [E], which sum to N * K.

    Exact, but without a gradient: a small change of a weight changes no count.
    """
    chosen = _chosen(routing)
    ones = tf.ones_like(chosen, tf.float32)
    return tf.math.unsorted_segment_sum(ones, chosen, routing.clean.shape[-1])


def _chosen(routing: router.Routing) -> tf.Tensor:
    """Returns the chosen experts, int64 [N * K]: a GPU leaves int32 to the host."""
    return tf.reshape(tf.cast(routing.experts, tf.int64), [-1])


def smooth_load(routing: router.Routing) -> tf.Tensor:
    """Estimates the number of tokens of each expert, with a gradient: float32 [E].

    P(x, e) is the probability that e is chosen for x if only e's own noise is drawn
    again. Without noise, or where K = E and so no threshold exists, it is 0 or 1, and
    the estimate is the count.
    """
    selected = routing.gates.shape[-1]
    if routing.deviation is None or selected == routing.clean.shape[-1]:
        return counted_load(routing)
    # The K-th greatest of the *others*: for a chosen expert the one after the K-th,
    # for any other the K-th itself.
    if_chosen = routing.top[:, selected : selected + 1]
    if_not = routing.top[:, selected - 1 : selected]
    threshold = tf.where(routing.noisy > if_chosen, if_chosen, if_not)
    z = (routing.clean - threshold) / routing.deviation
    chance = 0.5 + 0.5 * tf.math.erf(z * math.sqrt(0.5))
    return tf.reduce_sum(chance, axis=0)


def squared_variation(values: tf.Tensor) -> tf.Tensor:
    """Returns CV^2 of float32 [E]: 0 where all are equal, E - 1 where one has all."""
    mean, variance = tf.nn.moments(values, axes=[0])
    return variance / (tf.square(mean) + _TINY)
