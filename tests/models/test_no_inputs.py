"""A language model: a task without inputs, whose texts are made from nothing."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import functions
from t2t_mm.modality import Language
from t2t_mm.settings import decoding
from tests.models import conftest
from tests.models.conftest import make_model, make_task, text_batch

LM = make_task("lm", {}, Language(), "to-german")
LENGTH = 9
SEED = tf.constant([1, 2], tf.int32)


@pytest.fixture(scope="module", params=sorted(conftest.MODELS))
def model(request):
    return make_model(request.param, [*conftest.TASKS[:2], LM])


def batch(rows=3, *, seed=0):
    made = text_batch(rows, target=LENGTH, seed=seed)
    return {"inputs": {"prefix": tf.zeros([rows, 0], tf.int32)}, "targets": made["targets"]}


def test_incremental_logits_equal_the_full_pass_at_every_position(model):
    given = batch()
    full = model(given, "lm").numpy()
    assert np.isfinite(full).all()
    memory = model.encode("lm", given["inputs"])
    assert memory.encoded.shape == (3, 1, model.config.width)
    state = model.start_state("lm", memory, LENGTH)
    previous = tf.zeros([3], tf.int32)
    for t in range(LENGTH):
        logits, state = model.decode_step("lm", previous, tf.constant(t), memory, state)
        np.testing.assert_allclose(logits.numpy(), full[:, t], atol=2e-5, err_msg=f"position {t}")
        previous = given["targets"][:, t]


def test_a_prefix_is_for_the_search_alone(model):
    given = batch()
    begun = {**given, "inputs": {"prefix": tf.constant([[5, 6], [7, 0], [0, 0]])}}
    np.testing.assert_array_equal(model(given, "lm"), model(begun, "lm"))


def test_a_beam_goes_on_from_a_prefix(model):
    prefix = tf.constant([[5, 6], [7, 0], [0, 0]])
    wanted = decoding.DecodeSettings(max_length=20, beam_size=3, alpha=0.6)
    spec = {"prefix": tf.TensorSpec([None, None], tf.int32)}
    found = functions.of(model).search(model.tasks["lm"], wanted, spec)({"prefix": prefix})
    ids = found.ids[:, 0]
    log_probs = tf.nn.log_softmax(model({**batch(), "targets": ids}, "lm"))
    own = tf.gather(log_probs, ids, batch_dims=2).numpy() * (ids.numpy() != 0)
    for row, begun in enumerate(([5, 6], [7], [])):
        assert ids.numpy()[row, : len(begun)].tolist() == begun
        assert found.scores[row, 0].numpy() == pytest.approx(own[row, len(begun) :].sum(), rel=1e-4)


def test_a_step_trains_the_decoder_and_what_stands_for_the_inputs(model):
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss, metrics = model.loss("lm", batch(), training=True, seed=SEED)
    gradients = tape.gradient(loss, variables)
    assert np.isfinite(float(loss))
    assert float(metrics["tokens"]) == 3 * LENGTH
    learns = {
        id(v)
        for v, g in zip(variables, gradients, strict=True)
        if g is not None and np.abs(tf.convert_to_tensor(g)).max() > 0
    }
    assert id(model.no_input.value) in learns
    parts = {name: {id(v.value) for v in group} for name, group in model.parts().items()}
    assert not parts["body/encoder"] & learns
    # Of one position nothing is to be chosen, so what asks the source learns nothing.
    idle = [v for v in model.parts()["body/decoder"] if id(v.value) not in learns]
    assert {id(v) for v in idle} == {id(v) for v in asking(model.body.decoder)}
    assert id(model.no_input.value) in parts["commands"]


def asking(decoder):
    """Returns the weights of the decoder's queries to the source."""
    found = []
    for block in getattr(decoder, "attentions", decoder.blocks):
        found.append(block.source_attention.query.kernel)
        if hasattr(block, "source_norm"):
            found += block.source_norm.variables
    return found


def test_models_without_such_a_task_have_nothing_for_it():
    with_one = make_model("transformer", [*conftest.TASKS[:1], LM])
    without = make_model("transformer", conftest.TASKS[:1])
    weights = [sum(np.prod(v.shape) for v in m.trainable_variables) for m in (with_one, without)]
    assert weights[0] - weights[1] == without.config.width  # the command is one that is there
