"""Language features: UTF-8 text to the ids of its pieces."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops import sentencepiece_tokenizer as _ops

from t2t_mm import vocabulary
from t2t_mm.modality import base, features
from t2t_mm.modality.language import declaration as language
from t2t_mm.process import quiet_import
from t2t_mm.settings import batching


class LanguageFeatures(features.Features):
    """Cuts text into pieces, in the graph, exactly as `Vocabulary.encode` does.

    Of text with more than `max_length` pieces, end token included, the first so many are
    kept, and the end token is not: a model that saw one there would learn to end where a
    text does not, and an encoder is told as much of what it reads.
    """

    ragged = True

    def __init__(self, declaration: language.Language, task: base.Task) -> None:
        super().__init__(declaration, task)
        self.max_length: int = declaration.max_length or batching.Batching.max_length
        # The tokenizer's own end token is left off: it would be cut with the text.
        with quiet_import.without_notices():
            self._tokenizer = _tokenizer(task.vocabularies[declaration.vocab])

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.RaggedTensor:
        """Returns int32 ids `[B, None]`; the end token ends each row that is whole.

        Args:
          raw: string `[B]`.
          training: without effect; ids are the same in training and serving.
          seed: without effect.
        """
        del training, seed
        pieces = self._tokenizer.tokenize(raw)
        ends = tf.fill([pieces.nrows(), 1], tf.constant(vocabulary.EOS_ID, tf.int32))
        return tf.concat([pieces, ends], axis=1)[:, : self.max_length]

    def is_cut(self, features: tf.RaggedTensor) -> tf.Tensor:
        last = tf.gather(features.flat_values, features.row_limits() - 1)
        return last != vocabulary.EOS_ID


def _tokenizer(vocab: vocabulary.Vocabulary) -> tf_text.SentencepieceTokenizer:
    """Returns the tokenizer, on a resource with a name.

    One without goes with TensorFlow's cache of kernels, which setting a seed empties: data
    sets made before would then fail.
    """
    made = tf_text.SentencepieceTokenizer(model=vocab.model, out_type=tf.int32)
    made._model_resource._resource_handle = _ops.gen_sentencepiece_tokenizer.sentencepiece_op(
        model=vocab.model, shared_name=f"vocabulary_{vocab.sha256}"
    )
    return made


class PrefixFeatures(LanguageFeatures):
    """Cuts the beginning of a text into pieces; what is to follow has no end token yet.

    The pieces of a beginning are those of the whole text where it ends with a word. Where
    it is as long as a text may be, it is cut to leave room for one piece more.
    """

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.RaggedTensor:
        """Returns int32 ids `[B, None]`; a row may be empty."""
        del training, seed
        return self._tokenizer.tokenize(raw)[:, : self.max_length - 1]
