"""Noisy top-k gating: which experts a token goes to, and with what weights.

Shazeer et al. 2017 (arXiv 1701.06538), section 2.1:

    (3)  G(x) = softmax(keep_top_k(H(x), K))
    (4)  H(x)_e = (x W_g)_e + normal() * softplus((x W_noise)_e)
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

MIN_DEVIATION = 0.01
"""Least standard deviation of the noise. The paper gives no bound; but the load estimate
divides by it, so its gradient would grow without limit as the noise vanishes."""


class Routing(NamedTuple):
    """The gate's choice for N tokens, with the values that the losses need.

    Attributes:
      gates: float32 [N, K], the weights of the chosen experts; a row sums to 1.
      experts: int32 [N, K], the chosen experts, best first.
      clean: float32 [N, E], `x W_g`.
      noisy: float32 [N, E], H(x); equal to `clean` without noise.
      deviation: float32 [N, E], standard deviation of the noise; None without noise.
      top: float32 [N, min(K + 1, E)], the greatest values of `noisy`, sorted. The
        (K + 1)-th is the threshold of the chosen experts.
    """

    gates: tf.Tensor
    experts: tf.Tensor
    clean: tf.Tensor
    noisy: tf.Tensor
    deviation: tf.Tensor | None
    top: tf.Tensor


def route(
    x: tf.Tensor,
    gate_kernel: tf.Tensor,
    noise_kernel: tf.Tensor,
    *,
    selected: int,
    noise: tf.Tensor | None,
) -> Routing:
    """Chooses `selected` experts for each token.

    Always in float32: the choice compares close values, many of which would be equal
    in bfloat16 (8 bits).

    Args:
      x: [N, D], the tokens.
      gate_kernel: float32 [D, E], W_g.
      noise_kernel: float32 [D, E], W_noise; not read where `noise` is None.
      selected: K, at most E.
      noise: float32 [N, E], standard normal; None chooses by `x W_g` alone.
    """
    x = tf.cast(x, tf.float32)
    experts_count = gate_kernel.shape[-1]
    if noise is None:
        clean, deviation = tf.matmul(x, gate_kernel), None
        noisy = clean
    else:
        # One product for both kernels reads x only once.
        both = tf.matmul(x, tf.concat([gate_kernel, noise_kernel], axis=-1))
        clean, spread = tf.split(both, 2, axis=-1)
        deviation = tf.maximum(tf.nn.softplus(spread), MIN_DEVIATION)
        noisy = clean + tf.cast(noise, tf.float32) * deviation
    top, order = tf.math.top_k(noisy, k=min(selected + 1, experts_count))
    return Routing(
        gates=tf.nn.softmax(top[:, :selected]),
        experts=order[:, :selected],
        clean=clean,
        noisy=noisy,
        deviation=deviation,
        top=top,
    )
