"""Language features: UTF-8 text to the ids of its pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
import tensorflow_text as tf_text

from t2t_mm import quiet_import
from t2t_mm.data import vocabulary
from t2t_mm.modality import features
from t2t_mm.modality.language import declaration as language

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib


class LanguageFeatures(features.Features):
    """Cuts text into pieces, in the graph, exactly as `Vocabulary.encode` does.

    Text of more than `max_length` pieces is cut, never dropped: it keeps its first
    `max_length - 1` pieces and the end token, so the decoder always sees an end.
    """

    ragged = True

    def __init__(self, declaration: language.Language, task: task_lib.Task) -> None:
        super().__init__(declaration, task)
        self.max_length = declaration.max_length
        # The tokenizer's own end token is left off: it would be cut with the text.
        with quiet_import.without_notices():
            self._tokenizer = tf_text.SentencepieceTokenizer(
                model=task.vocabularies[declaration.vocab].model, out_type=tf.int32
            )

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.RaggedTensor:
        """Returns int32 ids `[B, None]`, each row ended by the end token.

        Args:
          raw: string `[B]`.
          training: without effect; ids are the same in training and serving.
          seed: without effect.
        """
        del training, seed
        pieces = self._pieces(raw)
        ends = tf.fill([pieces.nrows(), 1], tf.constant(vocabulary.EOS_ID, tf.int32))
        return tf.concat([pieces, ends], axis=1)

    def _pieces(self, raw: tf.Tensor) -> tf.RaggedTensor:
        """Returns ids `[B, None]`, short enough for an end token behind them."""
        return self._tokenizer.tokenize(raw)[:, : self.max_length - 1]


class PrefixFeatures(LanguageFeatures):
    """Cuts the beginning of a text into pieces; what is to follow has no end token yet.

    The pieces of a beginning are those of the whole text where it ends with a word.
    """

    def featurize(
        self, raw: tf.Tensor, *, training: bool, seed: tf.Tensor | None = None
    ) -> tf.RaggedTensor:
        """Returns int32 ids `[B, None]`; a row may be empty."""
        del training, seed
        return self._pieces(raw)
