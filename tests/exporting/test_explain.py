"""The signature `explain` gives what the model itself explains."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.exporting import explain, signature
from t2t_mm.settings import decoding
from tests.modality.audio.conftest import tone, wav

BEST = decoding.DecodeSettings(beam_size=1, max_length=8)


def made(loaded, problem):
    task = loaded.tasks[problem]
    return explain.function(loaded, signature.Signature(loaded, task, BEST))


def texts(*values):
    return tf.constant([value.encode() for value in values])


def test_a_text(loaded):
    function = made(loaded, "text")
    given = {"inputs": texts("a red ball", "", "a blue box is under the ball")}
    outputs = texts("the cone", "the cone", "a ball")
    found = {k: v.numpy() for k, v in function(**given, outputs=outputs).items()}
    assert [bool(error) for error in found["errors"]] == [False, True, False]
    vocab = loaded.tasks["text"].vocabulary
    for row, (source, target) in enumerate(
        zip(given["inputs"].numpy(), outputs.numpy(), strict=True)
    ):
        if row == 1:  # a bad row
            assert not any(found["tokens"][row])
            assert not found["attention"][row].any()
            continue
        ids = [vocab.encode(text.decode()) for text in (source, target)]
        pieces = [[vocab.pieces[i] for i in [*one, 1]] for one in ids]
        shown = [[t.decode() for t in found[k][row] if t] for k in ("source_tokens", "tokens")]
        assert shown == pieces
        weights = found["attention"][row]
        s, t = (len(one) for one in pieces)
        np.testing.assert_allclose(weights[:t, :s].sum(-1), 1, atol=1e-5)
        assert weights[t:].sum() == weights[:, s:].sum() == 0
        batch = {
            "inputs": {"inputs": tf.constant([[*ids[0], 1]])},
            "targets": tf.constant([[*ids[1], 1]]),
        }
        alone = loaded.model.explain("text", batch).attention[0]
        np.testing.assert_allclose(weights[:t, :s], alone, atol=1e-5)
    nothing = tf.zeros([0], tf.string)
    none = function(inputs=nothing, outputs=nothing)
    assert {name: value.shape[0] for name, value in none.items()} == dict.fromkeys(found, 0)


@pytest.mark.slow
def test_each_kind_of_problem(loaded):
    """A class has no output to explain; a problem without inputs nothing to attend to."""
    assert made(loaded, "classes") is None
    assert made(loaded, "writing") is None
    function = made(loaded, "sounds")
    found = function(sound=tf.constant([wav(tone(8_000, 0.5), 8_000)]), outputs=texts("a box"))
    assert not any(found["source_tokens"].numpy().ravel())
    np.testing.assert_allclose(found["attention"].numpy().sum(-1)[0].max(), 1, atol=1e-5)


def test_a_problem_whose_input_has_the_name_of_the_output(loaded):
    answers = signature.Signature(loaded, loaded.tasks["text"], BEST)
    answers.inputs = {"outputs": answers.inputs["inputs"]}
    assert explain.function(loaded, answers) is None
