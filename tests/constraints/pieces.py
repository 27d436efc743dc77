"""A vocabulary of given spellings, and walks through what a constraint allows."""

import numpy as np
import tensorflow as tf

EOS = 1


class Spelt:
    """A vocabulary that spells words as given: word to ids from 3 on."""

    name = "spelt"

    def __init__(self, spellings):
        self.spellings = spellings
        self.size = 1 + max(piece for pieces in spellings.values() for piece in pieces)

    def encode(self, text):
        return [piece for word in text.split() for piece in self.spellings[word]]

    def decode(self, ids):
        """The words of ids, the longest spelling first; raises for what is none."""
        words, place = [], 0
        ids = list(ids)
        longest = sorted(self.spellings.items(), key=lambda item: -len(item[1]))
        while place < len(ids):
            word, pieces = next(
                (w, p) for w, p in longest if ids[place : place + len(p)] == list(p)
            )
            words.append(word)
            place += len(pieces)
        return " ".join(words)


def every_output(constraint, text, room):
    """All outputs that a constraint allows, of at most `room` tokens: a list of lists of ids.

    Raises where no token is allowed, which is a dead end.
    """
    state = constraint.initial({"inputs": tf.constant([text])}, tf.constant(1))
    written, ended = [[]], []
    for step in range(room):
        left = tf.fill([len(written)], room - step)
        mask = constraint.allowed(state, left).numpy()
        assert mask.any(axis=1).all(), "a dead end"
        rows, places = np.nonzero(mask)
        tokens = constraint.tokens[places]
        longer = [[*written[row], int(token)] for row, token in zip(rows, tokens, strict=True)]
        is_over = tokens == EOS
        ended += [one for one, over in zip(longer, is_over, strict=True) if over]
        written = [one for one, over in zip(longer, is_over, strict=True) if not over]
        if not written:
            return ended
        kept = rows[~is_over]
        state = tf.nest.map_structure(lambda t, kept=kept: tf.gather(t, kept), state)
        state = constraint.advance(state, tf.constant(tokens[~is_over], tf.int32))
    raise AssertionError(f"{len(written)} outputs do not end within {room} tokens: {written[:3]}")


def walk(constraint, texts, room, seed):
    """Outputs of tokens drawn evenly among the allowed ones: a list of ids for each text."""
    draw = np.random.default_rng(seed)
    state = constraint.initial({"inputs": tf.constant(texts)}, tf.constant(len(texts)))
    written = [[] for _ in texts]
    for step in range(room):
        mask = constraint.allowed(state, tf.fill([len(texts)], room - step)).numpy()
        scores = np.where(mask, draw.random(mask.shape), -1)
        tokens = constraint.tokens[scores.argmax(1)]
        for one, token, is_free in zip(written, tokens, mask.any(1), strict=True):
            if EOS not in one:
                assert is_free, "a dead end"
                one.append(int(token))
        state = constraint.advance(state, tf.constant(tokens, tf.int32))
    return written
