"""Float operations of the models, by formula: what a step has to compute, however it does so.

Counted are products (a multiplication and an addition are two operations): linear maps,
attention, convolutions, chosen experts, gate, softmax. Norms, activations and embeddings are
not. A training step takes three times the forward pass: the gradient of a product has two
products of the same size. Axis letters are those of the framework (`B`, `S`, `T`, `D`, ...).
"""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

BACKWARD = 2
"""A pass backward takes so many times the operations of the pass forward."""

_ATTENTION_KERNEL = 5
_BLOCK_KERNELS = (3, 3, 15, 15)

Count = collections.Counter[str]
"""Operations by kind: linear, attention, depthwise, experts, gate, softmax."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """A batch of text without padding.

    Args:
      B: sentences.
      S: tokens of a source.
      T: tokens of a target.
      V: tokens of the vocabulary.
    """

    B: int
    S: int
    T: int
    V: int


def training_step(model: str, config: Any, shape: Shape) -> Count:
    """Returns the operations of a training step: forward, and the gradients of everything."""
    count = forward(model, config, shape)
    return collections.Counter({kind: n * (1 + BACKWARD) for kind, n in count.items()})


def forward(model: str, config: Any, shape: Shape) -> Count:
    """Returns the operations of a pass forward.

    Args:
      model: registered name.
      config: its sizes.
      shape: of the batch.

    Raises:
      KeyError: for a model that there is no formula for.
    """
    formula = {
        "transformer": _transformer,
        "multi_model": _multi_model,
        "multi_model_t2t": _multi_model_t2t,
    }[model]
    softmax = linear(shape.B * shape.T, config.width, shape.V)
    return formula(config, shape) + collections.Counter(softmax=softmax)


def linear(rows: int, width_in: int, width_out: int) -> int:
    """Returns the operations of a product `[rows, in] x [in, out]`."""
    return 2 * rows * width_in * width_out


def attention(shape: Shape, D: int, *, to_source: bool) -> Count:
    """Returns those of an attention layer over the target, to itself or to the source."""
    source, target = shape.B * shape.S, shape.B * shape.T
    seen = shape.S if to_source else shape.T
    reading = linear(source, D, 2 * D) if to_source else linear(target, D, 2 * D)
    maps = linear(target, D, D) + reading + linear(target, D, D)  # queries, keys, values, output
    mixing = 2 * linear(target, D, seen)  # logits, and the weighted sum of the values
    return collections.Counter(linear=maps, attention=mixing)


def conv_step(rows: int, width_in: int, width_out: int, kernel: int) -> Count:
    """Returns those of a separable convolution over time."""
    return collections.Counter(
        depthwise=2 * rows * kernel * width_in, linear=linear(rows, width_in, width_out)
    )


def conv_block(rows: int, D: int) -> Count:
    """Returns those of a ConvBlock."""
    count: Count = collections.Counter()
    for kernel in _BLOCK_KERNELS:
        count += conv_step(rows, D, D, kernel)
    return count


def mixture(rows: int, D: int, F: int, *, experts: int, selected: int) -> Count:
    """Returns those of a mixture of experts with a noisy gate."""
    return collections.Counter(
        experts=2 * linear(rows * selected, D, F), gate=linear(rows, D, 2 * experts)
    )


def _on_source(shape: Shape) -> Shape:
    """Returns the shape in which an encoder's self-attention is one over a target."""
    return dataclasses.replace(shape, T=shape.S)


def _transformer(config: Any, shape: Shape) -> Count:
    D, F = config.width, config.filter_width
    source, target = shape.B * shape.S, shape.B * shape.T
    count: Count = collections.Counter()
    for _ in range(config.encoder_layers):
        count += attention(_on_source(shape), D, to_source=False)
        count += collections.Counter(linear=2 * linear(source, D, F))
    for _ in range(config.decoder_layers):
        count += attention(shape, D, to_source=False) + attention(shape, D, to_source=True)
        count += collections.Counter(linear=2 * linear(target, D, F))
    return count


def _attention_block(config: Any, shape: Shape) -> Count:
    D, target = config.width, shape.B * shape.T
    count = conv_step(target, D, D, _ATTENTION_KERNEL) + conv_step(target, D, D, _ATTENTION_KERNEL)
    return count + attention(shape, D, to_source=False) + attention(shape, D, to_source=True)


def _multi_model(config: Any, shape: Shape) -> Count:
    D, source, target = config.width, shape.B * shape.S, shape.B * shape.T
    count: Count = collections.Counter()
    for _ in range(config.encoder_blocks):
        count += conv_block(source, D)
    for _ in range(config.mixer_blocks + config.decoder_blocks):
        count += conv_block(target, D)
    count += conv_step(target, 2 * D, D, 3)  # the merge
    if config.attention:
        for _ in range(1 + config.decoder_blocks):
            count += _attention_block(config, shape)
    if config.experts:
        for rows in (source, target):
            count += mixture(
                rows,
                D,
                config.expert_filter,
                experts=config.experts,
                selected=config.selected,
            )
    return count


def _multi_model_t2t(config: Any, shape: Shape) -> Count:
    D, F, source, target = config.width, config.filter_width, shape.B * shape.S, shape.B * shape.T
    chosen = {"experts": config.experts, "selected": config.selected}
    count: Count = collections.Counter()
    for _ in range(config.encoder_layers):
        count += conv_step(source, D, F, 3) + conv_step(source, F, F, 3)
        count += conv_step(source, F, D, 15) + conv_step(source, D, D, 15)
        count += mixture(source, D, F, **chosen)
    for layer in range(config.decoder_layers):
        count += attention(shape, D, to_source=False) + attention(shape, D, to_source=True)
        if layer == config.expert_layer:
            count += mixture(target, D, config.expert_filter, **chosen)
        else:
            count += collections.Counter(linear=2 * linear(target, D, F))
    return count


def mixture_weight_bytes(D: int, F: int, *, experts: int, itemsize: int = 4) -> int:
    """Returns the bytes of the weights of all experts."""
    return experts * 2 * D * F * itemsize


def mixture_bytes(D: int, F: int, *, experts: int, with_optimizer: bool) -> int:
    """Returns the bytes that a step must move for the weights of experts, all being chosen.

    Forward reads them, backward reads them and writes gradients as large. Adam reads the
    gradient, and reads and writes weight and two moments.
    """
    passes = 3 + (7 if with_optimizer else 0)
    return passes * mixture_weight_bytes(D, F, experts=experts)


def attention_share(D: int, F: int, layers: int, position: int, V: int, S: int) -> float:
    """Returns the share of a decoder step's operations that grows with the position.

    Of a Transformer's: at `position`, self-attention reads that many keys and values.
    """
    own = layers * 4 * D * position
    rest = layers * (12 * D * D + 4 * D * S + 4 * D * F) + 2 * D * V
    return own / (own + rest)
