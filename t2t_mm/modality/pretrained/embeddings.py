"""A language net with pretrained token embeddings."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.modality.language import net as language_net
from t2t_mm.modality.pretrained import architecture, declaration, record, weights

_OTHER_SPACE = "Ġ"
"""How byte-level tokenizers write the space before a word, which SentencePiece writes "▁"."""


class Rows(NamedTuple):
    """The pretrained rows of the pieces of a vocabulary.

    Attributes:
      values: float32 `[V, E]`, with a mean norm of 1; 0 for pieces without a row.
      same: how many pieces are identical to a token.
      own: ids of the pieces without a row.
    """

    values: np.ndarray
    same: int
    own: list[int]


class TableNet(language_net.LanguageNet):
    """A language net over a table `[V, E]`, with projections to the model's width and back.

    Args:
      net: the declaration of the embeddings.
      spec: the declaration of the text.
      task: a task of this net, which holds the vocabulary.
      config: the model's; uses `width`, `label_smoothing`, `tie_embeddings`.
      kept: the run folder's record of the net; None in a new run.
    """

    def __init__(
        self,
        net: declaration.TokenEmbeddings,
        spec: Any,
        task: Any,
        config: Any,
        *,
        kept: record.Record | None = None,
        name: str | None = None,
    ) -> None:
        if kept is None or "width" not in kept:
            rows = _found(net, task.vocabularies[spec.vocab].pieces)
            kept = record.of(net, None, width=rows.values.shape[1], own=rows.own)
        super().__init__(spec, task, config, embedding_width=kept["width"], name=name)
        self.declared, self.record = net, dict(kept)
        self._pieces = tuple(task.vocabularies[spec.vocab].pieces)
        self._own: list[int] = list(kept["own"]) if net.frozen else []
        self.own_rows = None
        if net.frozen:
            self.embedding.trainable = False
        if self._own:
            spread = keras.initializers.RandomNormal(stddev=self.embedding_width**-0.5)
            self.own_rows = self.weight("own", (len(self._own), self.embedding_width), spread)

    def table(self) -> tf.Tensor:
        """Returns float32 `[V, E]`: a frozen table together with its trained rows."""
        table = tf.convert_to_tensor(self.embedding)
        if self.own_rows is None:
            return table
        places = tf.constant([[piece] for piece in self._own])
        return tf.tensor_scatter_nd_update(table, places, tf.convert_to_tensor(self.own_rows))

    def learning_rate_multipliers(self) -> list[tuple[keras.Variable, float]]:
        return [(self.embedding, self.declared.learning_rate_multiplier)]

    def load(self, name: str, say: Callable[[str], None]) -> None:
        """Gives the pieces their rows; notes file and hash.

        Args:
          name: of the net.
          say: takes a line for people.
        """
        rows = _found(self.declared, self._pieces)
        value = np.array(self.embedding)  # as initialised, where no token gives a row
        pretrained = np.setdiff1d(np.arange(len(value)), rows.own)
        value[pretrained] = rows.values[pretrained]
        self.embedding.assign(value)
        path = architecture.existing(self.declared.weights, "TokenEmbeddings.weights")
        weights.note(self.record, path)
        say(
            f"{name}: of {len(value):,} pieces {rows.same:,} are tokens of {path}, "
            f"{len(pretrained) - rows.same:,} are made of some, {len(rows.own):,} begin anew"
            f"{'; frozen' if self.declared.frozen else ''}."
        )


def _found(net: declaration.TokenEmbeddings, pieces: Sequence[str]) -> Rows:
    """Returns the rows from the files of a declaration.

    Raises:
      ConfigError: a file is missing, or table and tokens do not match.
    """
    path = architecture.existing(net.weights, "TokenEmbeddings.weights")
    table, tokens = _read_table(path, net.tensor), _read_tokens(net.tokens)
    if len(table) < len(tokens):
        raise errors.ConfigError(
            f"The table of {path} has not a row for each token of {net.tokens}",
            received=f"a table {list(table.shape)}, and {len(tokens):,} tokens",
            expected="as many rows as tokens, or more",
        )
    return rows(table, tokens, pieces)


def rows(table: np.ndarray, tokens: Mapping[str, int], pieces: Sequence[str]) -> Rows:
    """Finds for each piece its token's row, or the mean of the rows it can be cut into.

    Args:
      table: `[tokens, E]`.
      tokens: the number of each token, by its text.
      pieces: of the vocabulary.
    """
    longest = max(map(len, tokens), default=0)
    values = np.zeros((len(pieces), table.shape[1]), np.float32)
    same, own = 0, list[int]()
    for number, piece in enumerate(pieces):
        # The first pieces are padding, end and unknown, which mean something else everywhere.
        parts = [] if number <= vocabulary.UNK_ID else _cut(piece, tokens, longest)
        if not parts:
            own.append(number)
            continue
        same += len(parts) == 1
        values[number] = np.mean(table[parts], axis=0, dtype=np.float32)
    norms = np.linalg.norm(values, axis=1)
    norm = float(np.sqrt(np.mean(norms[norms > 0] ** 2))) if np.any(norms) else 1.0
    return Rows(values / norm, same, own)


def _cut(piece: str, tokens: Mapping[str, int], longest: int) -> list[int]:
    """Splits a piece into tokens, longest first; empty if some part of it is no token."""
    parts, place = list[int](), 0
    while place < len(piece):
        for end in range(min(len(piece), place + longest), place, -1):
            number = tokens.get(piece[place:end])
            if number is not None:
                parts.append(number)
                place = end
                break
        else:
            return []
    return parts


def _read_table(path: pathlib.Path, tensor: str) -> np.ndarray:
    if path.suffix == ".npy":
        try:
            table = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise errors.ConfigError(f"{path} is no array of NumPy", received=error) from error
    else:
        tensors = weights.read_safetensors(path, only=tensor)
        if len(tensors) != 1:
            raise errors.ConfigError(
                f"{path} holds {len(tensors)} tensors, and TokenEmbeddings.tensor names none",
                expected=f"one of {', '.join(list(tensors)[:5])}",
            )
        (table,) = tensors.values()
    if table.ndim != 2 or not table.size:
        raise errors.ConfigError(
            f"{path} holds no table of embeddings",
            received=f"a tensor {list(table.shape)}",
            expected="[tokens, width]",
        )
    return np.asarray(table, np.float32)


def _read_tokens(name: str) -> dict[str, int]:
    """Returns the ids of tokens by their text, with "▁" for a space."""
    path = architecture.existing(name, "TokenEmbeddings.tokens")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            entries = json.loads(text)["model"]["vocab"]
            # A unigram model lists pairs of token and score.
            listed = [one[0] for one in entries] if isinstance(entries, list) else None
            numbers = dict(entries) if listed is None else {t: n for n, t in enumerate(listed)}
        else:
            numbers = {token: n for n, token in enumerate(text.removesuffix("\n").split("\n"))}
        numbers = {str(token): int(number) for token, number in numbers.items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise errors.ConfigError(
            f"{path} holds no tokens",
            received=f"{type(error).__name__}: {error}",
            expected="a tokenizer.json of Hugging Face, or a text with one token a line",
        ) from error
    if (
        len(numbers) == 0
        or sorted(numbers.values())[-1] >= len(numbers)
        or min(numbers.values()) < 0
    ):
        raise errors.ConfigError(
            f"The numbers of the tokens in {path} are not those of rows",
            expected="each from 0 on once",
        )
    return {token.replace(_OTHER_SPACE, "▁"): number for token, number in numbers.items()}
