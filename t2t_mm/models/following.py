"""Outputs that follow the words of an input: hard monotonic attention to the next word.

A tag for each word, or a tree over them (`Language.words_of`): which word comes next is known
from the outputs so far. So the decoder is given that word at every position, in addition to
what it attends to, and need not learn from the data how to count words. With a few thousand
examples it does not learn that: of 3,188 trees, 600 steps of `multi_model_tiny` parse at a
bracket F1 of 0.16 by attention alone, and of 0.70 so.

Aharoni & Goldberg 2017 (arXiv 1611.01487) control such a pointer by actions that the decoder
predicts; here the outputs themselves move it.

Axes: `B` inputs, `S` their positions, `S'` those of the text that is followed, `T` output
positions, `R` hypotheses, `D` width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2t_mm import vocabulary
from t2t_mm.data import task as tasks
from t2t_mm.layers import base, linear
from t2t_mm.modality import representation
from t2t_mm.models import joining


class Words(NamedTuple):
    """What the decoder is given about the words of an input, by the number of those done.

    Attributes:
      vectors: `[B, S', D]`.
      last: int32 `[B]`, how many words there are: what is given after them all stays the same.
    """

    vectors: tf.Tensor
    last: tf.Tensor


class Following(base.Layer):
    """What a model has for all tasks whose outputs follow words; nothing for the others.

    Args:
      tasks: of the model; those that share the nets of both texts share a `Follower`.
      width: D.
      active: False, and no output follows words: attention alone finds them.
    """

    def __init__(
        self,
        tasks: Sequence[tasks.Task],
        width: int,
        *,
        active: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        own = [t for t in tasks if active and bool(getattr(t.targets, "words_of", ""))]
        self.tasks = frozenset(task.name for task in own)
        by_name = {_name(task): task for task in own}
        self.followers = {name: Follower(task, width, name=name) for name, task in by_name.items()}

    def route(self, task: tasks.Task) -> tuple[Any, ...]:
        """Returns what a task's traced function depends on, as `Model.route` does."""
        if task.name not in self.tasks:
            return ()
        targets: Any = task.targets
        return targets.words_of, targets.leaves

    def words(
        self,
        task: tasks.Task,
        encoded: tf.Tensor,
        inputs: Mapping[str, Any],
        parts: Sequence[representation.Representation],
    ) -> Words | None:
        """Returns what the decoder is given about words; None for outputs that follow none.

        Args:
          task: any of the model.
          encoded: `[B, S, D]`, of all inputs.
          inputs: features by name.
          parts: of the inputs, in their order, as `joining.join` took them.
        """
        if task.name not in self.tasks:
            return None
        targets: Any = task.targets
        ids = representation.unperturbed(inputs)[targets.words_of]
        start = joining.starts(parts)[list(task.inputs).index(targets.words_of)]
        return self.followers[_name(task)](encoded, ids, start)

    def start(self, task: tasks.Task, rows: tf.Tensor) -> Any:
        """Returns the words done before the first position: int32 `[R]`; () where none count."""
        return tf.zeros([rows], tf.int32) if task.name in self.tasks else ()

    def step(
        self, task: tasks.Task, x: tf.Tensor, words: Any, done: Any, ids: tf.Tensor, step: tf.Tensor
    ) -> tuple[tf.Tensor, Any]:
        """Adds the next word to the embedding of one position, and counts the words done.

        Args:
          task: any of the model.
          x: `[R, D]`.
          words: from `words`, of B inputs; R / B consecutive hypotheses share one.
          done: from `start` or the previous step.
          ids: int32 `[R]`, the previous token; ignored at step 0.
          step: scalar, the position.
        """
        if task.name not in self.tasks:
            return x, done
        done += tf.where(tf.equal(step, 0), 0, words_done(task, ids))
        of_inputs = tf.reshape(done, [tf.shape(words.last)[0], -1])
        return x + tf.reshape(at(words, of_inputs), tf.shape(x)), done


class Follower(base.Layer):
    """Makes of each word of an encoded input what the decoder is given about it.

    Tasks that share the nets of both texts share one.

    Args:
      task: a task whose outputs follow words.
      width: D.
    """

    def __init__(self, task: tasks.Task, width: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.begins = _begins(task.vocabularies[_read(task).vocab])
        self.following = linear.Linear(2 * width, width, name="following")
        self.preceding = linear.Linear(2 * width, width, bias=False, name="preceding")

    def call(self, encoded: tf.Tensor, ids: tf.Tensor, start: tf.Tensor) -> Words:
        """Returns what the decoder is given after 0 to S' - 1 words.

        It is a sum of two linear maps, of the next word and of the last; a word is the encoded
        positions of its first and last piece. After all words, the next one is the end token.

        Args:
          encoded: `[B, S, D]`, of all inputs.
          ids: int32 `[B, S']`, tokens of the input whose words are followed.
          start: int32 `[B]`, where that input begins in `encoded`.
        """
        length = tf.shape(ids)[1]
        # Numbers of words, which ascend: each position of padding counts as a word of its own.
        begins = tf.gather(self.begins, ids)
        words = tf.cumsum(tf.cast(begins, tf.int32), axis=1)
        wanted = tf.broadcast_to(tf.range(1, length + 1), tf.shape(ids))
        first = tf.searchsorted(words, wanted, side="left")
        last = tf.searchsorted(words, wanted, side="right") - 1
        ends = tf.clip_by_value(tf.stack([first, last], 2), 0, length - 1)
        pieces = tf.gather(encoded, ends + start[:, None, None], batch_dims=1)  # [B, S', 2, D]
        both = tf.reshape(pieces, tf.concat([tf.shape(ids), [2 * encoded.shape[-1]]], 0))
        before = tf.pad(self.preceding(both)[:, :-1], [[0, 0], [1, 0], [0, 0]])
        count = tf.reduce_sum(tf.cast(begins & (ids != vocabulary.PAD_ID), tf.int32), 1)
        return Words(self.following(both) + before, tf.maximum(count - 1, 0))


def given(task: tasks.Task, words: Words, targets: tf.Tensor) -> tf.Tensor:
    """Returns what is added to the embeddings of all positions, `[B, T, D]`.

    Args:
      task: whose outputs follow words.
      words: from `Following.words`.
      targets: int32 `[B, T]`; a position knows those before it.
    """
    done = tf.cumsum(words_done(task, targets[:, :-1]), axis=1)
    return at(words, tf.pad(done, [[0, 0], [1, 0]]))


def words_done(task: tasks.Task, ids: tf.Tensor) -> tf.Tensor:
    """Returns 1 for output tokens that stand for a word of the input, else 0: int32, as `ids`.

    A leaf, or word, of several tokens counts by its first one.
    """
    targets: Any = task.targets
    vocab = task.vocabulary
    if targets.leaves:
        firsts = {vocab.encode(leaf)[0] for leaf in targets.leaves}
        stands = [place in firsts for place in range(vocab.size)]
    else:
        stands = [piece.startswith(vocabulary.SPACE) for piece in vocab.pieces]
    return tf.gather(np.asarray(stands, np.int32), ids)


def at(words: Words, done: tf.Tensor) -> tf.Tensor:
    """Returns the vectors for `done` words, int32 `[B, T]`: `[B, T, D]`."""
    return tf.gather(words.vectors, tf.minimum(done, words.last[:, None]), batch_dims=1)


def _name(task: tasks.Task) -> str:
    """Returns the name of the task's `Follower`."""
    return f"{_read(task).net_name(task.name)}_to_{task.targets.net_name(task.name)}"


def _read(task: tasks.Task) -> Any:
    """Returns the declaration of the text whose words are followed."""
    targets: Any = task.targets
    return task.inputs[targets.words_of]


def _begins(vocab: vocabulary.Vocabulary) -> np.ndarray:
    """Returns which tokens begin a word, or are the end token or padding: bool `[V]`."""
    begins = [piece.startswith(vocabulary.SPACE) for piece in vocab.pieces]
    begins[vocabulary.EOS_ID] = begins[vocabulary.PAD_ID] = True
    return np.asarray(begins)
