"""Outputs that follow the words of an input, in both models."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import functions
from t2t_mm.modality import Image, Language
from t2t_mm.models import build, following
from t2t_mm.settings import decoding
from tests.models import conftest

PIECES = ["<pad>", "</s>", "<unk>", "▁a", "▁b", "c", "d", "▁(X", "▁)X", "▁T", "▁U"]


def encode(leaf):
    """Cuts off the longest piece, again and again."""
    left, found = f"▁{leaf}", []
    while left:
        found.append(max((p for p in PIECES if left.startswith(p)), key=len))
        left = left.removeprefix(found[-1])
    return [PIECES.index(piece) for piece in found]


WORDS = types.SimpleNamespace(
    name="mm_8k", size=len(PIECES), sha256="0" * 64, pieces=PIECES, encode=encode
)
TREES = Language(words_of="sentence", leaves=("T", "U"))
TASK = conftest.make_task("trees", {"sentence": Language()}, TREES, "to-trees", WORDS)
TAGS = dataclasses.replace(TASK, name="tags", targets=Language(words_of="sentence"))


def ids(*texts):
    """Returns the ids of texts, padded; a text is its pieces with a space between them."""
    rows = [[PIECES.index(piece) for piece in text.split()] for text in texts]
    longest = max(map(len, rows))
    return tf.constant([row + [0] * (longest - len(row)) for row in rows], tf.int32)


SENTENCES = ids("▁a c d ▁b c </s>", "▁b </s>")
OUTPUTS = ids("▁(X ▁T ▁(X ▁U ▁)X ▁)X </s>", "▁(X ▁U ▁)X </s>")


@pytest.fixture(scope="module", params=sorted(conftest.MODELS))
def model(request):
    return conftest.make_model(request.param, [TASK, TAGS], seed=3)


def test_a_word_is_its_first_and_last_piece_and_the_one_before_is_given_too():
    follower = following.Follower(TASK, 4, name="follower")
    encoded = np.random.default_rng(0).normal(size=(2, 8, 4)).astype(np.float32)
    start = np.array([0, 2])  # of the second row, another input takes two positions
    given = follower(tf.constant(encoded), SENTENCES, tf.constant(start, tf.int32))
    following_kernel = np.asarray(follower.following.kernel)
    preceding_kernel = np.asarray(follower.preceding.kernel)
    words = [[(0, 2), (3, 4), (5, 5)], [(2, 2), (3, 3)]]  # the last one is the end token
    assert given.last.numpy().tolist() == [2, 1]
    for row, of_row in enumerate(words):
        for number, (first, last) in enumerate(of_row):
            wanted = np.concatenate([encoded[row, first], encoded[row, last]]) @ following_kernel
            if number:
                before = [encoded[row, place] for place in of_row[number - 1]]
                wanted = wanted + np.concatenate(before) @ preceding_kernel
            np.testing.assert_allclose(given.vectors[row, number], wanted, atol=1e-5)


def test_only_leaves_go_on_to_the_next_word():
    found = tf.cumsum(following.words_done(TASK, OUTPUTS), axis=1).numpy()
    assert found.tolist() == [[0, 1, 1, 2, 2, 2, 2], [0, 1, 1, 1, 1, 1, 1]]
    # Without leaves every word of the output stands for one, at its first piece.
    assert following.words_done(TAGS, ids("▁a c ▁b </s>")).numpy().tolist() == [[1, 0, 1, 0]]


def test_after_all_words_the_end_token_stays_the_next_one():
    vectors = tf.reshape(tf.range(8.0), [2, 4, 1])
    words = following.Words(vectors, tf.constant([2, 1]))
    found = following.at(words, tf.constant([[0, 1, 2, 9], [0, 1, 2, 3]]))
    assert found.numpy()[:, :, 0].tolist() == [[0, 1, 2, 2], [4, 5, 5, 5]]


@pytest.mark.parametrize("search", [{}, {"beam_size": 3, "alpha": 0.6}, {"temperature": 1.0}])
def test_scores_are_the_log_probabilities_of_the_full_pass(model, search):
    wanted = decoding.DecodeSettings(max_length=16, **search)
    spec = {"sentence": tf.TensorSpec([None, None], tf.int32)}
    inputs = {"sentence": SENTENCES}
    found = functions.of(model).search(TAGS, wanted, spec)(inputs)
    outputs = found.ids[:, 0]
    assert following.words_done(TAGS, outputs).numpy().sum() > 2  # some went on to other words
    log_probs = tf.nn.log_softmax(model({"inputs": inputs, "targets": outputs}, "tags"))
    own = tf.gather(log_probs, outputs, batch_dims=2).numpy() * (outputs.numpy() != 0)
    np.testing.assert_allclose(found.scores[:, 0], own.sum(1), rtol=1e-4)


def test_an_output_position_does_not_see_those_after_it(model):
    inputs = {"sentence": SENTENCES}
    changed = OUTPUTS.numpy()
    changed[:, 3] = PIECES.index("▁T")
    changed[:, 2] = PIECES.index("▁U")
    before, after = (model({"inputs": inputs, "targets": t}, "trees") for t in (OUTPUTS, changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert np.abs(before[:, 3] - after[:, 3]).max() > 0


def test_padding_changes_nothing(model):
    """Also not to an output with more leaves than words."""
    outputs = tf.concat([OUTPUTS[:1], ids("▁(X ▁U ▁T ▁T ▁T ▁)X </s>")], 0)
    alone = {"inputs": {"sentence": SENTENCES[1:, :2]}, "targets": outputs[1:]}
    padded = {"inputs": {"sentence": SENTENCES}, "targets": outputs}
    np.testing.assert_allclose(model(alone, "trees")[0], model(padded, "trees")[1], atol=1e-5)


def test_words_are_followed_beside_another_input(model):
    task = dataclasses.replace(TASK, inputs={"picture": Image(size=32), **TASK.inputs})
    name = "transformer" if "Transformer" in type(model).__name__ else "multi_model"
    both = conftest.make_model(name, [task])
    picture = tf.cast(tf.random.stateless_uniform([2, 32, 32, 3], [1, 2]) * 255, tf.uint8)
    inputs = {"picture": picture, "sentence": SENTENCES}
    memory = both.encode("trees", inputs)
    (follower,) = both.following.followers.values()
    places = tf.shape(memory.encoded)[1] - tf.shape(SENTENCES)[1]  # the picture comes first
    wanted = follower(memory.encoded, SENTENCES, tf.fill([2], places))
    np.testing.assert_array_equal(memory.words.vectors, wanted.vectors)


def test_without_the_setting_there_is_attention_alone():
    model = conftest.make_model("multi_model", [TASK], follow_words=False)
    assert not model.following.followers and "following" not in model.parts()
    assert model.encode("trees", {"sentence": SENTENCES}).words == ()
    assert "follow_words" not in build.model_fingerprint("multi_model", model)["config"]


def test_tasks_of_the_same_nets_share_the_variables_but_not_the_graph():
    others = dataclasses.replace(TREES, leaves=("T",))
    tasks = [TASK, dataclasses.replace(TASK, name="others", targets=others)]
    model = conftest.make_model("multi_model", tasks)
    assert len(model.following.followers) == 1
    assert model.traced_as("others") == "others"


def test_a_leaf_of_several_tokens_counts_by_its_first():
    task = dataclasses.replace(TASK, targets=dataclasses.replace(TREES, leaves=("T", "bc", "ad")))
    found = following.words_done(task, ids("▁(X ▁b c ▁T ▁a d ▁)X </s>"))
    assert found.numpy().tolist() == [[0, 1, 0, 1, 1, 0, 0, 0]]


def test_old_declarations_and_those_that_follow_no_words_are_described_alike():
    assert Language().describe() == {"modality": "language", "vocab": "mm_8k", "max_length": None}
    assert TREES.describe()["leaves"] == ("T", "U")
