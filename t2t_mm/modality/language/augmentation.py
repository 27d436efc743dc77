"""Damage to training texts in the graph, with the shares of `corruptions`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from t2t_mm.modality import augmentation
from t2t_mm.modality.language import corruptions
from t2t_mm.settings import augmentation as settings_lib

Table = tuple[np.ndarray, np.ndarray]
"""Letters, int32 `[K]` sorted, and others of each, int32 `[K, N]`."""


def augmented(raw: tf.Tensor, settings: settings_lib.AugmentSettings, seed: tf.Tensor) -> tf.Tensor:
    """Damages texts, string `[B]`, each in one way or none.

    A word is what spaces part, also in scripts without them.
    """
    rows = tf.shape(raw)[0]
    drawn = augmentation.draw(settings, KINDS, rows, seed)
    shares = {
        kind: augmentation.severity(strength, 0, corruptions.SHARES[kind])
        for kind, strength in drawn.items()
    }
    letters = tf.strings.unicode_decode(raw, "UTF-8")
    row, codes = letters.value_rowids(), letters.flat_values
    seeds = augmentation.row_seeds(seed, 4)
    for place, (kind, others) in enumerate(_TABLES.items()):
        if kind in shares:
            hit = _uniform(codes, seeds[place]) < tf.gather(shares[kind], row)
            codes = tf.where(hit, _replaced(codes, others(), seeds[place] + [0, 1]), codes)
    changed = letters.with_flat_values(codes)
    starts, word = _words(changed)
    if "case" in shares:
        hit = tf.gather(_uniform(starts, seeds[2]), word) < tf.gather(shares["case"], row)
        swapped = _replaced(codes, _cases(), seeds[2])
        changed = changed.with_flat_values(tf.where(hit, swapped, codes))
    if "dropped_words" in shares:
        share = tf.gather(shares["dropped_words"], row)
        is_kept = tf.gather(_uniform(starts, seeds[3]), word) >= share
        is_letter = ~_is_space(changed.flat_values)
        left = tf.math.segment_sum(tf.cast(is_kept & is_letter, tf.int32), row)
        left = tf.pad(left, [[0, rows - tf.size(left, tf.int32)]])  # rows of nothing at the end
        is_kept |= tf.gather(left, row) == 0
        changed = tf.ragged.boolean_mask(changed, letters.with_flat_values(is_kept))
    damaged = tf.strings.unicode_encode(changed, "UTF-8")
    is_hit = tf.reduce_any(tf.stack(list(drawn.values())) > 0, 0)
    return tf.where(is_hit, damaged, raw)


def _uniform(like: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform(tf.shape(like), seed)


def _replaced(codes: tf.Tensor, others: Table, seed: tf.Tensor) -> tf.Tensor:
    """Returns for each letter one of the others that a table has for it, or itself."""
    known, table = others
    place = tf.minimum(tf.searchsorted(tf.constant(known), codes), len(known) - 1)
    column = tf.cast(_uniform(codes, seed) * table.shape[1], tf.int32)
    found = tf.gather_nd(tf.constant(table), tf.stack([place, column], 1))
    return tf.where(tf.gather(tf.constant(known), place) == codes, found, codes)


def _table(others: Mapping[str, str]) -> Table:
    """Returns the letters, int32 `[K]` sorted, and others of each `[K, 60]`, as often each."""
    known = sorted(others)
    columns = 60  # a multiple of 1 to 6 letters
    table = [[ord(c) for c in (others[k] * columns)[:columns]] for k in known]
    return np.array([ord(k) for k in known], np.int32), np.array(table, np.int32)


def _cases() -> Table:
    """Returns the table of letters of another case, of the scripts of Europe."""
    letters = [chr(code) for code in range(0x41, 0x590)]
    return _table({c: c.swapcase() for c in letters if len(c.swapcase()) == 1 != c.swapcase()})


def _is_space(codes: tf.Tensor) -> tf.Tensor:
    return tf.reduce_any(codes[:, None] == tf.constant([0x20, 0x09, 0x0A, 0x0D, 0xA0]), 1)


def _words(letters: tf.RaggedTensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the place of each word's first letter, `[W]`, and each letter's word, `[L]`.

    A word has the spaces behind it; the first of a text those before it too.
    """
    codes = letters.flat_values
    is_space = _is_space(codes)
    starts = tf.boolean_mask(letters.row_starts(), letters.row_lengths() > 0)
    ones = tf.ones(tf.shape(starts), tf.int32)
    is_first = tf.scatter_nd(starts[:, None], ones, [tf.size(codes, tf.int64)]) > 0
    behind = tf.concat([[True], is_space], 0)[:-1]
    # Blanks before a text's first word are no word of their own.
    begins = is_first | (~is_space & behind & ~_leading(is_space, is_first))
    return tf.where(begins)[:, 0], tf.cumsum(tf.cast(begins, tf.int32)) - 1


def _leading(is_space: tf.Tensor, is_first: tf.Tensor) -> tf.Tensor:
    """Returns for each letter whether all before it in its text are blanks."""
    seen = tf.cumsum(tf.cast(~is_space, tf.int32), exclusive=True)
    text = tf.cumsum(tf.cast(is_first, tf.int32)) - 1
    return seen == tf.gather(tf.boolean_mask(seen, is_first), text)


_TABLES = {
    "typos": lambda: _table(corruptions.neighbours()),
    "homoglyphs": lambda: _table(corruptions.HOMOGLYPHS),
}
KINDS = ("typos", "homoglyphs", "case", "dropped_words")
