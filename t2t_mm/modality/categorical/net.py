"""The categorical net: Xception's exit flow (Kaiser et al. 2017, section 2.5.3).

skip = ConvStep_3x3,stride 2(x)
h    = maxpool_3x3,stride 2(ConvStep(ConvStep(x))) + skip
classes = pointwise(mean over positions(ReLU(ConvStep_2048(ConvStep_1536(h)))))

The other form, `exit="mean"`, is that of residual networks, and of small corpora:

classes = pointwise(mean over positions(x))
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from t2t_mm.layers import base, conv_2d, linear
from t2t_mm.modality import base as contract
from t2t_mm.modality import representation
from t2t_mm.modality.categorical import declaration


class CategoricalNet(base.Layer):
    """The classification head of one label set, over a sequence or a plane.

    Args:
      spec: the declaration; its classes give C.
      task: a task of this net.
      config: the model's; uses `width`, `exit`, `exit_widths`, `dropout`,
        `label_smoothing`.
    """

    def __init__(
        self,
        spec: declaration.Categorical,
        task: contract.Task,
        config: Any,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        del task
        width, (one, two) = config.width, config.exit_widths
        self.dropout_rate, self.smoothing = config.dropout, config.label_smoothing
        self.has_exit_flow = config.exit == "xception"
        if self.has_exit_flow:
            self.skip = conv_2d.PlaneConvStep(width, width, stride=2, name="skip")
            self.first = conv_2d.PlaneConvStep(width, width, name="first")
            self.second = conv_2d.PlaneConvStep(width, width, name="second")
            self.third = conv_2d.PlaneConvStep(width, one, name="third")
            self.fourth = conv_2d.PlaneConvStep(one, two, name="fourth")
        features = two if self.has_exit_flow else width
        self.classes = linear.Linear(features, len(spec.classes), name="classes")

    def by_row(self) -> list[tuple[keras.Variable, int]]:
        return [(self.classes.kernel, 1), (self.classes.bias, 0)]

    def logits(self, body: representation.Representation, rng: base.Rng | None = None) -> tf.Tensor:
        """Maps the body's `[B, S, D]` to float32 `[B, C]`.

        An image's sequence is reshaped to its plane, also with a text beside the image (see
        `models.base`). Any other sequence is a plane of width 1.
        """
        height, width = body.grid or (tf.shape(body.x)[1], 1)
        x, mask = body.x, None
        if body.mask is not None:
            mask = tf.reshape(tf.cast(body.mask, x.dtype), [-1, height, width, 1])
        x = tf.reshape(x, [-1, height, width, body.x.shape[-1]])
        if self.has_exit_flow:
            x, mask = self._exit_flow(_masked(x, mask), mask)
        if mask is None:
            mean = tf.reduce_mean(x, [1, 2])
        else:
            count = tf.maximum(tf.reduce_sum(mask, [1, 2]), 1.0)
            mean = tf.reduce_sum(x * mask, [1, 2]) / count
        return tf.cast(self.classes(base.dropout(mean, self.dropout_rate, rng)), tf.float32)

    def _exit_flow(
        self, x: tf.Tensor, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Maps `[B, h, w, D]` to `[B, h / 2, w / 2, F]`, and its mask alike."""
        h = self.second(_masked(self.first(x), mask))
        h = conv_2d.pool(h, mask) + self.skip(x)
        mask = None if mask is None else mask[:, ::2]
        h = self.third(_masked(h, mask))
        return tf.nn.relu(self.fourth(_masked(h, mask))), mask

    def loss(self, logits: tf.Tensor, labels: tf.Tensor, *, training: bool) -> representation.Loss:
        """Cross-entropy of `labels` `[B]` under `logits` `[B, C]`."""
        nll = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        log_perplexity = tf.reduce_mean(nll)
        loss = log_perplexity
        if self.smoothing and training:
            named = tf.gather(logits, labels, batch_dims=1)
            loss += self.smoothing * tf.reduce_mean(named - tf.reduce_mean(logits, -1))
        hits = tf.argmax(logits, -1, tf.int32) == tf.cast(labels, tf.int32)
        accuracy = tf.reduce_mean(tf.cast(hits, tf.float32))
        tokens = tf.cast(tf.size(labels), tf.float32)
        return representation.Loss(loss, log_perplexity, accuracy, tokens)


def _masked(x: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    return x if mask is None else x * mask
