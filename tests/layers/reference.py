"""The layers as the papers define them, in plain NumPy and float64.

Written from the formulae alone, position by position where that is clearest; slow,
and independent of every trick that the layers use. Weights are given by name.
"""

import math

import numpy as np

LAYER_NORM_EPSILON = 1e-6


def relu(x):
    return np.maximum(x, 0.0)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def layer_norm(x, scale, offset):
    """Ba et al. 2016, over the last axis: zero mean, unit variance, then an affine map."""
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape[:-1]):
        values = x[place]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        y[place] = scale * (values - mean) / math.sqrt(variance + LAYER_NORM_EPSILON) + offset
    return y


def depthwise(x, kernel, dilation, causal):
    """Convolves [B, T, D] with [taps, D] along time, with zeros outside.

    A causal output at t sees t, t - dilation, t - 2 dilation, ...; otherwise the
    taps lie evenly on both sides.
    """
    batch, length, _ = x.shape
    taps = len(kernel)
    y = np.zeros(x.shape)
    for b in range(batch):
        for t in range(length):
            for tap in range(taps):
                back = (taps - 1 - tap) if causal else ((taps - 1) // 2 - tap)
                source = t - back * dilation
                if 0 <= source < length:
                    y[b, t] += x[b, source] * kernel[tap]
    return y


def conv_step(x, weights, dilation, causal):
    """ConvStep(x) = LN(SepConv(ReLU(x))), SepConv = depthwise, then pointwise."""
    y = depthwise(relu(x), weights["depthwise"], dilation, causal)
    y = y @ weights["kernel"] + weights["bias"]
    return layer_norm(y, weights["scale"], weights["offset"])


def conv_block(x, steps, causal):
    """h1..h4 of section 2.1; `steps` are the weights of the four ConvSteps."""
    h1 = conv_step(x, steps[0], 1, causal)
    h2 = x + conv_step(h1, steps[1], 1, causal)
    h3 = conv_step(h2, steps[2], 1, causal)
    return x + conv_step(h3, steps[3], 8, causal)


def timing(length, width):
    """timing(t, [2i, 2i+1]) = [sin(t delta_i), cos(t delta_i)], delta_i = 10000^(-2i / D)."""
    signal = np.zeros((length, width))
    for t in range(length):
        for i in range(width // 2):
            delta = 10000.0 ** (-2 * i / width)
            signal[t, 2 * i] = math.sin(t * delta)
            signal[t, 2 * i + 1] = math.cos(t * delta)
    return signal


def attention(queries, keys, values, heads, visible):
    """Multi-head softmax(q k^T / sqrt(D / H)) v, without projections.

    Args:
      queries: [B, T, D].
      keys: [B, S, D].
      values: [B, S, D].
      heads: H.
      visible: function (b, t, s) -> bool, whether target t may look at source s.
    """
    depth = queries.shape[-1] // heads
    y = np.zeros(queries.shape)
    for b, t in np.ndindex(queries.shape[:2]):
        seen = [s for s in range(keys.shape[1]) if visible(b, t, s)]
        for head in range(heads):
            part = slice(head * depth, (head + 1) * depth)
            scores = np.array([queries[b, t, part] @ keys[b, s, part] for s in seen])
            weights = softmax(scores / math.sqrt(depth))
            y[b, t, part] = sum(w * values[b, s, part] for w, s in zip(weights, seen, strict=True))
    return y


def noisy_logits(x, w_g, w_noise, noise):
    """H(x) = x W_g + noise * softplus(x W_noise), and the deviation (equation 4)."""
    deviation = np.log1p(np.exp(x @ w_noise))
    return x @ w_g + noise * deviation, deviation


def gates(h, selected):
    """G = softmax(keep_top_k(H, K)): [N, E] with zeros (equations 3 and 5)."""
    kept = np.full(h.shape, -np.inf)
    for n, row in enumerate(h):
        best = sorted(range(len(row)), key=lambda e: -row[e])[:selected]
        kept[n, best] = row[best]
    return softmax(kept)


def load(x, w_g, w_noise, noise, selected):
    """Sum over x of P(x, e), P = Phi((x W_g - kth_excluding(H, K, e)) / deviation)."""
    h, deviation = noisy_logits(x, w_g, w_noise, noise)
    clean = x @ w_g
    total = np.zeros(h.shape[1])
    for n, e in np.ndindex(h.shape):
        others = sorted(np.delete(h[n], e), reverse=True)
        z = (clean[n, e] - others[selected - 1]) / deviation[n, e]
        total[e] += 0.5 * math.erfc(-z / math.sqrt(2.0))
    return total


def mixture_of_experts(x, w_g, w_noise, w_in, w_out, selected, noise):
    """y = sum over e of G(x)_e E_e(x) (equation 1), every expert run on every position.

    Returns y, the importance [E], and the load [E] (None where there is no noise).
    """
    h = x @ w_g if noise is None else noisy_logits(x, w_g, w_noise, noise)[0]
    g = gates(h, selected)
    y = sum(g[:, e : e + 1] * (relu(x @ w_in[e]) @ w_out[e]) for e in range(h.shape[1]))
    smooth = None if noise is None else load(x, w_g, w_noise, noise, selected)
    return y, g.sum(axis=0), smooth
