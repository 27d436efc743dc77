"""Language features equal the vocabulary's own ids, and end."""

import types

import pytest
import tensorflow as tf

from t2t_mm import vocabulary
from t2t_mm.modality import Language, features

TEXTS = [
    "A small red circle is above the blue square.",
    "Ein kleiner roter Kreis, größer als Übermut!",
    "un cercle très rouge — « à côté »",
    "  two  spaces\tand a tab ",
    "line\nbreak",
    "",
    " ",
    "unseen: 漢字 🙂 Ωμέγα",
    "e\u0301 and \u00e9 stay apart; \u200bzero width",
    "a" * 300,
    "<s> </s> <unk> ▁ [PAD]",
]


@pytest.fixture(scope="module")
def words():
    return vocabulary.build("tiny", TEXTS[:3] * 20, size=330)


@pytest.fixture
def language(words):
    task = types.SimpleNamespace(name="p", vocabularies={"tiny": words})
    return features.build(Language(vocab="tiny"), task)


def test_ids_are_those_of_the_vocabulary_and_the_end_token(language, words):
    ids = language.featurize(tf.constant(TEXTS), training=False).to_list()
    assert ids == [[*words.encode(text), vocabulary.EOS_ID][:256] for text in TEXTS]


def test_ids_are_the_same_in_training_and_in_a_graph(language):
    eager = language.featurize(tf.constant(TEXTS), training=False)
    graph = tf.function(lambda raw: language.featurize(raw, training=True))
    assert graph(tf.constant(TEXTS)).to_list() == eager.to_list()
    assert eager.dtype == tf.int32


def test_a_cut_text_has_no_end_token(words):
    task = types.SimpleNamespace(name="p", vocabularies={"tiny": words})
    pieces = words.encode(TEXTS[0])
    for limit in (2, 5, len(pieces)):
        declared = Language(vocab="tiny", max_length=limit)
        short = features.build(declared, task)
        ids = short.featurize(tf.constant([TEXTS[0], ""]), training=False)
        assert ids.to_list() == [pieces[:limit], [vocabulary.EOS_ID]]
        assert short.is_cut(ids).numpy().tolist() == [True, False]
        assert declared.is_cut(ids.to_tensor()).tolist() == [True, False]
    fits = features.build(Language(vocab="tiny", max_length=len(pieces) + 1), task)
    ids = fits.featurize(tf.constant([TEXTS[0]]), training=False)
    assert ids.to_list() == [[*pieces, vocabulary.EOS_ID]]
    assert not fits.is_cut(ids).numpy().any()


def test_text_of_bytes_is_cut_like_any_other(words):
    """A sign that no token is made of is written in bytes, and may be cut between them."""
    task = types.SimpleNamespace(name="p", vocabularies={"tiny": words})
    pieces = words.encode(TEXTS[7])
    declared = Language(vocab="tiny", max_length=len(pieces) - 1)
    ids = features.build(declared, task).featurize(tf.constant([TEXTS[7]]), training=False)
    assert ids.to_list() == [pieces[:-1]]
    assert declared.is_cut(ids.to_tensor()).tolist() == [True]


def test_a_beginning_leaves_room_for_one_piece(words):
    task = types.SimpleNamespace(name="p", vocabularies={"tiny": words})
    beginning = features.build(Language(vocab="tiny", max_length=5).prefix(), task)
    ids = beginning.featurize(tf.constant([TEXTS[0], ""]), training=False).to_list()
    assert ids == [words.encode(TEXTS[0])[:4], []]


def test_no_texts_at_all(language):
    assert language.featurize(tf.constant([], tf.string), training=False).shape[0] == 0
