"""The language net: embedding in, softmax over the vocabulary out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from t2t_mm import vocabulary
from t2t_mm.layers import base, cross_entropy, linear, products
from t2t_mm.modality import base as contract
from t2t_mm.modality import representation
from t2t_mm.modality.language import declaration


class LanguageNet(base.Layer):
    """Token embedding and softmax (Kaiser et al. 2017, section 2.5.1).

    Args:
      spec: the declaration; its vocabulary gives V.
      task: a task of this net, which holds the vocabulary.
      config: the model's; uses `width`, `label_smoothing`, `tie_embeddings`.
      embedding_width: E, width of the embedding; by default D. Another one is projected to
        D, and D back to E before a softmax with tied embeddings.
    """

    def __init__(
        self,
        spec: declaration.Language,
        task: contract.Task,
        config: Any,
        *,
        embedding_width: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.width, self.smoothing = config.width, config.label_smoothing
        self.vocabulary_size = task.vocabularies[spec.vocab].size
        self.embedding_width = embedding_width or self.width
        spread = keras.initializers.RandomNormal(stddev=self.embedding_width**-0.5)
        shape = (self.vocabulary_size, self.embedding_width)
        self.embedding = self.weight("embedding", shape, spread)
        self.projection = None
        if self.embedding_width != self.width:
            shape = (self.embedding_width, self.width)
            self.projection = self.weight("projection", shape, spread)
        self.softmax = None
        if not config.tie_embeddings:
            self.softmax = linear.Linear(self.width, self.vocabulary_size, name="softmax")

    def by_row(self) -> list[tuple[keras.Variable, int]]:
        variables = [(self.embedding, 0)]
        if self.softmax is not None:
            variables += [(self.softmax.kernel, 1), (self.softmax.bias, 0)]
        return variables

    def bottom(self, ids: tf.Tensor, rng: base.Rng | None = None) -> representation.Representation:
        """Embeds ids `[B, S]`; padding is masked."""
        del rng
        mask = tf.cast(ids != vocabulary.PAD_ID, tf.float32)
        return representation.Representation(self.embed(ids), mask)

    def embed(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns vectors of unit variance: ids `[...]` to `[..., D]`."""
        vectors = tf.cast(
            _rows(self.table(), ids, self.vocabulary_size),
            self.compute_dtype,
        )
        vectors *= tf.cast(self.embedding_width**0.5, vectors.dtype)
        if self.projection is None:
            return vectors
        flat = tf.reshape(vectors, [-1, self.embedding_width])
        mapped = tf.matmul(flat, self.read(self.projection))
        return tf.reshape(mapped, tf.concat([tf.shape(ids), [self.width]], 0))

    def table(self) -> tf.Tensor:
        """Returns the embedding, float32 `[V, E]`."""
        return tf.convert_to_tensor(self.embedding)

    def _to_table(self, hidden: tf.Tensor) -> tf.Tensor:
        """Projects `[N, D]` to the width of the table: `[N, E]`."""
        if self.projection is None:
            return hidden
        return products.times_transposed(hidden, self.read(self.projection))

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Maps `[N, D]` to float32 `[N, V]`."""
        if self.softmax is not None:
            return tf.cast(self.softmax(hidden), tf.float32)
        table = tf.cast(self.table(), self.compute_dtype)
        logits = products.times_transposed(self._to_table(hidden), table)
        return tf.cast(logits, tf.float32)

    def loss(self, hidden: tf.Tensor, targets: tf.Tensor, *, training: bool) -> representation.Loss:
        """Cross-entropy of `targets` `[B, T]` under `hidden` `[B, T, D]`.

        Padding is left out of the softmax, whose logits are most of a step's work.
        """
        real = tf.where(tf.reshape(targets, [-1]) != vocabulary.PAD_ID)[:, 0]
        labels = tf.gather(tf.reshape(targets, [-1]), real)
        h = tf.gather(tf.reshape(hidden, [-1, self.width]), real)
        tokens = tf.cast(tf.size(labels), tf.float32)
        count = tf.maximum(tokens, 1.0)
        if training:
            loss, plain = self._smoothed(h, labels)
            return representation.Loss(loss / count, plain / count, tf.constant(0.0), tokens)
        logits = self.logits(h)
        log_p = tf.gather(tf.nn.log_softmax(logits), labels, batch_dims=1)
        log_perplexity = -tf.reduce_sum(log_p) / count
        hits = tf.cast(tf.argmax(logits, -1, tf.int32) == tf.cast(labels, tf.int32), tf.float32)
        accuracy = tf.reduce_sum(hits) / count
        batch, length = tf.unstack(tf.shape(targets, tf.int64))
        by_row = tf.math.unsorted_segment_sum(
            tf.stack([-log_p, hits, tf.ones_like(hits)], 1), real // length, batch
        )
        return representation.Loss(log_perplexity, log_perplexity, accuracy, tokens, by_row)

    def _smoothed(self, h: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the summed loss of `h` `[N, D]`, with label smoothing and without."""
        if self.softmax is None:
            h = self._to_table(h)
            table, bias = tf.cast(self.table(), self.compute_dtype), None
        else:
            table, bias = self.read(self.softmax.kernel), self.read(self.softmax.bias)
        return cross_entropy.linear_cross_entropy(
            h, labels, table, bias, smoothing=self.smoothing, by_row=self.softmax is None
        )


def _rows(table: tf.Tensor, ids: tf.Tensor, count: int) -> tf.Tensor:
    """Returns rows of `[V, D]`: ids `[...]` to `[..., D]`, with a dense gradient.

    A sparse one meets the dense one of the softmax in a single sum with the other uses of
    the table, and the rounding of a sum of three depends on the schedule of threads.
    """

    @tf.custom_gradient
    def run(
        table: tf.Tensor, ids: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, None]:
            flat = tf.reshape(dy, [-1, dy.shape[-1]])
            return tf.math.unsorted_segment_sum(flat, tf.reshape(ids, [-1]), count), None

        return tf.gather(table, ids), gradient

    return run(table, ids)
