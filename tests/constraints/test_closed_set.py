"""A closed set as a constraint, against the set."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.constraints import closed_set
from tests.constraints import pieces

SPELLINGS = {"yes": [3], "no": [4, 5], "now": [4, 5, 6], "o": [5]}
TEXTS = ["yes", "no", "now", "no no", "yes o"]


@pytest.mark.parametrize("room", [2, 3, 4, 5, 9])
def test_exactly_the_texts_that_fit_are_allowed(room):
    vocab = pieces.Spelt(SPELLINGS)
    constraint = closed_set.ClosedSet(vocab, [*TEXTS, "no"])
    found = pieces.every_output(constraint, "anything", room)
    # "no no" takes four tokens and the end token.
    expected = [[*vocab.encode(t), 1] for t in TEXTS if len(vocab.encode(t)) < room]
    assert sorted(found) == sorted(expected)
    assert expected


def test_where_no_text_fits_the_shortest_is_begun():
    constraint = closed_set.ClosedSet(pieces.Spelt(SPELLINGS), ["now", "no no"])
    state = constraint.initial({}, tf.constant(2))
    mask = constraint.allowed(state, tf.constant([1, 9])).numpy()
    np.testing.assert_array_equal(constraint.tokens, [1, 4, 5, 6])
    assert mask.tolist() == [[False, True, False, False]] * 2
    for token, allowed in ((4, 5), (5, 6)):
        state = constraint.advance(state, tf.constant([token, token]))
        row = constraint.allowed(state, tf.constant([1, 9])).numpy()[0]
        assert constraint.tokens[row].tolist() == [allowed]


def test_no_token_is_allowed_behind_another_sequence():
    constraint = closed_set.ClosedSet(pieces.Spelt(SPELLINGS), TEXTS)
    state = constraint.initial({}, tf.constant(4))
    for tokens in ([3, 4, 2, 0], [1, 6, 3, 0], [0, 5, 5, 3]):
        state = constraint.advance(state, tf.constant(tokens))
    assert not constraint.allowed(state, tf.fill([4], 9)).numpy().any()


def test_texts_are_spelt_as_training_has_them():
    texts = ["two dogs", "two", "a dog", "où ?", "2"]
    vocab = vocabulary.build("words", texts, size=300)
    constraint = closed_set.ClosedSet(vocab, texts)
    found = pieces.every_output(constraint, "", 12)
    assert sorted(vocab.decode(one) for one in found) == sorted(texts)
    assert sorted(found) == sorted([*vocab.encode(text), 1] for text in texts)


@pytest.mark.parametrize("texts", [[], ["yes", " "]])
def test_a_set_needs_a_text(texts):
    with pytest.raises(errors.ConfigError, match="empty"):
        closed_set.ClosedSet(pieces.Spelt(SPELLINGS), texts)
