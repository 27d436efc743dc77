"""Language features: UTF-8 text to token ids."""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import Any

import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops import sentencepiece_tokenizer

from t2t_mm import vocabulary
from t2t_mm.modality import base, features
from t2t_mm.modality.language import augmentation
from t2t_mm.modality.language import declaration as language
from t2t_mm.process import quiet_import
from t2t_mm.settings import batching


class LanguageFeatures(features.Features):
    """Tokenizes text in the graph, exactly as `Vocabulary.encode` does.

    Text of more than `max_length` tokens, end token included, is truncated and has no end
    token. With one, a decoder would learn to end where no text ends; and without it an
    encoder can tell that its input is not complete.
    """

    ragged = True

    def __init__(self, declaration: language.Language, task: base.Task) -> None:
        super().__init__(declaration, task)
        self.max_length: int = declaration.max_length or batching.Batching.max_length
        # Without the tokenizer's own end token, so that truncation is known.
        with quiet_import.without_notices():
            self._tokenizer = tokenizer(task.vocabularies[declaration.vocab])

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.RaggedTensor:
        """Returns int32 ids `[B, None]`; rows that are not truncated end with the end token.

        Args:
          raw: string `[B]`.
          training: whether to damage the texts, if `augmentation` says so; ids are the same in
            training and serving otherwise.
          seed: int64 `[2]`, of the damage; without one nothing is damaged.
        """
        if training and self.augmentation and seed is not None:
            raw = augmentation.augmented(raw, self.augmentation, seed)
        tokens = self._tokenizer.tokenize(raw)
        ends = tf.fill([tokens.nrows(), 1], tf.constant(vocabulary.EOS_ID, tf.int32))
        return tf.concat([tokens, ends], axis=1)[:, : self.max_length]

    def graph_key(self) -> Hashable | None:
        if type(self) not in (LanguageFeatures, PrefixFeatures):
            return None
        vocab = self.task.vocabularies[self.declaration.vocab]
        return type(self), self.declaration, self.max_length, vocab.sha256

    def resources(self) -> tuple[Any, ...]:
        return (self._tokenizer,)

    def is_cut(self, features: tf.RaggedTensor) -> tf.Tensor:
        last = tf.gather(features.flat_values, features.row_limits() - 1)
        return last != vocabulary.EOS_ID


class _Model(sentencepiece_tokenizer._SentencepieceModelResource):
    """A SentencePiece model as a named resource.

    An unnamed one lives in TensorFlow's kernel cache, which `tf.random.set_seed` clears:
    datasets built before would then fail.
    """

    def __init__(self, vocab: vocabulary.Vocabulary) -> None:
        self._shared_name = f"vocabulary_{vocab.sha256}"
        super().__init__(vocab.model, None)

    def _create_resource(self) -> tf.Tensor:
        return sentencepiece_tokenizer.gen_sentencepiece_tokenizer.sentencepiece_op(
            model=self._model, shared_name=self._shared_name
        )


_tokenizers: weakref.WeakValueDictionary[str, tf_text.SentencepieceTokenizer] = (
    weakref.WeakValueDictionary()
)


def tokenizer(vocab: vocabulary.Vocabulary) -> tf_text.SentencepieceTokenizer:
    """Returns the tokenizer of a vocabulary, the same for all that use it."""
    made = _tokenizers.get(vocab.sha256)
    if made is None:
        made = tf_text.SentencepieceTokenizer(model=vocab.model, out_type=tf.int32)
        made._model_resource = _Model(vocab)
        _tokenizers[vocab.sha256] = made
    return made


def texts(made: tf_text.SentencepieceTokenizer, ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Returns the texts of ids, string `[R]`, as `Vocabulary.decode` does.

    Args:
      made: of the vocabulary.
      ids: int32 `[R, T]`.
      lengths: int32 `[R]`; what lies behind is no part of a text.
    """
    behind_end = tf.cumsum(tf.cast(ids == vocabulary.EOS_ID, tf.int32), axis=1) > 0
    is_kept = tf.sequence_mask(lengths, tf.shape(ids)[1]) & ~behind_end
    return made.detokenize(tf.ragged.boolean_mask(ids, is_kept & (ids != vocabulary.PAD_ID)))


class PrefixFeatures(LanguageFeatures):
    """Tokenizes a prefix, without an end token.

    The tokens are those of the whole text if the prefix ends with a word. A prefix of the
    greatest length is truncated to leave room for one more token.
    """

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.RaggedTensor:
        """Returns int32 ids `[B, None]`; a row may be empty."""
        del training, seed
        return self._tokenizer.tokenize(raw)[:, : self.max_length - 1]
