"""What holds for every model: causality, the incremental state, sharing, masks."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.decoding import search_loop
from t2t_mm.layers import history
from t2t_mm.modality import Categorical, Image, Language
from tests.models import conftest
from tests.models.conftest import make_model, make_task, picture_batch, text_batch

LENGTH = 20
SEED = tf.constant([1, 2], tf.int32)


@pytest.mark.parametrize("t", [0, 1, 9, LENGTH - 1])
def test_changing_a_target_changes_no_logit_up_to_it(model, t):
    batch = text_batch(target=LENGTH)
    changed = batch["targets"].numpy()
    changed[:, t] = 3 + (changed[:, t] - 3 + 1) % (conftest.PIECES - 3)
    before = model(batch, "ende").numpy()
    after = model({**batch, "targets": tf.constant(changed)}, "ende").numpy()
    # Logit t is the guess at target t, so it may not know it; t + 1 must. Experts get
    # other neighbours in their products, hence the last bits.
    np.testing.assert_allclose(before[:, : t + 1], after[:, : t + 1], atol=2e-6)
    if t + 1 < LENGTH:
        assert np.abs(before[:, t + 1] - after[:, t + 1]).max() > 1e-3


def test_incremental_logits_equal_the_full_pass_at_every_position(model):
    batch = text_batch(target=LENGTH)
    full = model(batch, "ende").numpy()
    memory = model.encode("ende", batch["inputs"])
    state = model.start_state("ende", memory, LENGTH)
    previous = tf.zeros([3], tf.int32)
    for t in range(LENGTH):
        logits, state = model.decode_step("ende", previous, tf.constant(t), memory, state)
        np.testing.assert_allclose(logits.numpy(), full[:, t], atol=2e-5, err_msg=f"position {t}")
        previous = batch["targets"][:, t]


def check_hypotheses(model):
    """Two hypotheses an input go on with each other, and an input leaves.

    Each has the logits of its own pass.
    """
    batch = text_batch(target=LENGTH)
    targets = tf.stack([batch["targets"], text_batch(target=LENGTH, seed=5)["targets"]], 1)
    targets = tf.reshape(targets, [6, LENGTH])
    twice = {"inputs": tf.repeat(batch["inputs"]["inputs"], 2, axis=0)}
    full = model({"inputs": twice, "targets": targets}, "ende").numpy()
    memory = model.encode("ende", batch["inputs"])
    state = search_loop.share_state(model.start_state("ende", memory, LENGTH), 2)
    rows, previous = np.arange(6), tf.zeros([6], tf.int32)
    for t in range(LENGTH):
        logits, state = model.decode_step("ende", previous, tf.constant(t), memory, state)
        np.testing.assert_allclose(logits, full[rows, t], atol=2e-5, err_msg=f"position {t}")
        if t == LENGTH // 3:
            order = [1, 0, 3, 3, 4, 5]  # of the middle input one only goes on, twice
            rows, state = rows[order], search_loop.reorder_state(state, tf.constant(order))
        if t == LENGTH // 2:
            kept = [2, 3, 4, 5]
            rows, state = (
                rows[kept],
                search_loop.keep_state(state, tf.constant(kept), tf.constant(t + 1)),
            )
            memory = tf.nest.map_structure(lambda tensor: tensor[1:], memory)
        previous = tf.gather(targets, rows)[:, t]


def test_hypotheses_of_one_input_share_its_memory(model):
    check_hypotheses(model)


def test_nothing_is_read_that_was_not_written(model, monkeypatch):
    whole = history.ring

    def spoilt(length, rows, width, dtype):
        shape = tf.shape(whole(length, rows, width, dtype).vectors)
        vectors = tf.fill(shape, tf.constant(np.nan, dtype))
        return history.Ring(tf.ensure_shape(vectors, [None, None, width]))

    monkeypatch.setattr(history, "ring", spoilt)
    check_hypotheses(model)


def test_hypotheses_share_the_mean_where_there_is_no_attention():
    check_hypotheses(make_model("multi_model", attention=False))


def test_the_first_token_before_the_command_is_ignored(model):
    memory = model.encode("ende", text_batch()["inputs"])
    state = model.start_state("ende", memory, 4)
    one, _ = model.decode_step("ende", tf.constant([5, 6, 7]), tf.constant(0), memory, state)
    two, _ = model.decode_step("ende", tf.constant([9, 9, 9]), tf.constant(0), memory, state)
    np.testing.assert_array_equal(one, two)


def test_the_command_decides_what_is_written(model):
    """Two tasks with the same nets differ by their command alone."""
    batch = text_batch()
    assert not np.allclose(model(batch, "ende"), model(batch, "fren"))


def test_padding_changes_nothing(model):
    batch = text_batch()
    padded = {
        "inputs": {"inputs": tf.pad(batch["inputs"]["inputs"], [[0, 0], [0, 5]])},
        "targets": tf.pad(batch["targets"], [[0, 0], [0, 3]]),
    }
    length = batch["targets"].shape[1]
    np.testing.assert_allclose(model(batch, "ende"), model(padded, "ende")[:, :length], atol=2e-5)
    one, _ = model.loss("ende", batch, training=False)
    two, _ = model.loss("ende", padded, training=False)
    assert one.numpy() == pytest.approx(two.numpy(), abs=1e-5)


def test_what_is_told_of_each_row_sums_to_the_batch(model):
    _, metrics = model.loss("ende", text_batch(), training=False)
    nats, correct, tokens = metrics["by_row"].numpy().sum(0)
    assert tokens == metrics["tokens"]
    assert nats / tokens == pytest.approx(float(metrics["log_perplexity"]), rel=1e-5)
    assert correct / tokens == pytest.approx(float(metrics["accuracy"]), rel=1e-5)
    assert len(metrics["by_row"]) == len(text_batch()["targets"])


def test_padding_does_not_change_the_class_of_a_text(model):
    ids = text_batch()["inputs"]["inputs"]
    short = model.class_logits("stars", {"review": ids})
    for more in (1, 4):
        long = model.class_logits("stars", {"review": tf.pad(ids, [[0, 0], [0, more]])})
        np.testing.assert_allclose(short, long, atol=2e-5)


@pytest.mark.parametrize("size", [32, 33, 64, 299])
def test_pictures_of_any_size_give_a_class(model, size):
    logits = model.class_logits("pictures", picture_batch(2, size=size)["inputs"])
    assert logits.shape == (2, 3)
    assert np.all(np.isfinite(logits))


def test_domains_share_one_net_and_label_sets_have_their_own(model):
    assert sorted(model.nets) == [
        "categorical_pictures",
        "categorical_stars",
        "image",
        "language_mm_8k",
    ]


@pytest.mark.parametrize("name", sorted(conftest.MODELS))
def test_another_task_of_the_same_domains_costs_one_command(name):
    alone = make_model(name, conftest.TASKS[:1])
    both = make_model(name, conftest.TASKS[:2])
    width = both.config.width
    assert count(both) - count(alone) == width


def test_tasks_of_one_label_set_share_the_head():
    classes = Categorical(classes=("x", "y"), labels="xy")
    one = make_task("one", {"image": Image(size=32)}, classes, "to-xy")
    two = make_task("two", {"text": Language()}, classes, "to-xy")
    assert "categorical_xy" in make_model("multi_model", [one, two]).nets


def test_one_label_set_with_two_lists_of_classes_is_refused():
    one = make_task("one", {"a": Image(size=32)}, Categorical(classes=("x",), labels="l"), "to-l")
    two = dataclasses.replace(one, name="two", targets=Categorical(classes=("y", "z"), labels="l"))
    with pytest.raises(errors.ConfigError, match="'one' and 'two' share the label set"):
        make_model("multi_model", [one, two])


def test_a_step_gives_no_gradient_to_private_parts_of_other_tasks(model):
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss, _ = model.loss("pictures", picture_batch(), training=True, seed=SEED)
    touched = [g is not None for g in tape.gradient(loss, variables)]
    parts = {
        id(variable.value): name for name, group in model.parts().items() for variable in group
    }
    names = {parts[id(v)] for v, is_touched in zip(variables, touched, strict=True) if is_touched}
    assert names == {"image", "body/encoder", "categorical_pictures"}


def test_every_weight_of_a_text_task_learns(model):
    """No part of the network is cut off from the loss."""
    variables = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss, _ = model.loss("ende", text_batch(), training=True, seed=SEED)
    gradients = tape.gradient(loss, variables)
    body = {id(v.value) for name, g in model.parts().items() if name.startswith("body") for v in g}
    for variable, gradient in zip(variables, gradients, strict=True):
        if id(variable) in body:
            assert gradient is not None, variable.name
            assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.name


def test_parts_name_every_variable_once(model):
    counted = [id(v) for group in model.parts().values() for v in group]
    assert len(counted) == len(set(counted))
    assert set(counted) == {id(v) for v in model.trainable_variables}


def test_a_seed_decides_dropout_and_noise(model):
    batch = text_batch()

    def loss(seed):
        return float(model.loss("ende", batch, training=True, seed=tf.constant(seed))[0])

    assert loss([1, 2]) == loss([1, 2])
    assert loss([1, 2]) != loss([1, 3])
    assert loss([1, 2]) != loss([2, 2])


def test_loss_without_smoothing_is_the_mean_over_real_tokens(model):
    batch = text_batch(batch=2, target=3)
    targets = batch["targets"].numpy()
    targets[1, 1:] = 0
    batch["targets"] = tf.constant(targets)
    logits = model(batch, "ende").numpy().astype(np.float64)
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    real = [(0, 0), (0, 1), (0, 2), (1, 0)]  # four tokens; the other two are padding
    expected = -np.mean([log_probs[b, t, targets[b, t]] for b, t in real])
    _, metrics = model.loss("ende", batch, training=False)
    assert float(metrics["log_perplexity"]) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["tokens"]) == 4


@pytest.mark.parametrize("tie", [True, False])
def test_smoothed_loss_against_its_definition(tie):
    model = make_model("transformer", tie_embeddings=tie, label_smoothing=0.2, dropout=0.0)
    batch = text_batch(batch=2, target=3)
    logits = model(batch, "ende").numpy().astype(np.float64)
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    # 0.8 on the right token, and 0.2 / V on every token.
    right = np.take_along_axis(log_probs, batch["targets"].numpy()[..., None], -1)[..., 0]
    expected = -(0.8 * right + 0.2 * log_probs.mean(-1)).mean()
    _, metrics = model.loss("ende", batch, training=True, seed=SEED)
    assert float(metrics["loss"]) == pytest.approx(expected, rel=1e-5)


def test_several_inputs_follow_one_another_and_are_told_apart():
    inputs = {"left": Language(), "right": Language()}
    model = make_model("multi_model", [make_task("pair", inputs, Language(), "to-german")])
    one, two = text_batch(seed=1)["inputs"]["inputs"], text_batch(seed=2)["inputs"]["inputs"]
    memory = model.encode("pair", {"left": one, "right": two})
    assert memory.encoded.shape[1] == memory.mask.shape[1] == 14
    swapped = model.encode("pair", {"left": two, "right": one})
    assert not np.allclose(memory.encoded[:, :7], swapped.encoded[:, 7:], atol=1e-3)


@pytest.mark.parametrize("name", sorted(conftest.MODELS))
def test_padding_between_inputs_changes_nothing(name):
    inputs = {"left": Language(), "right": Language()}
    model = make_model(name, [make_task("pair", inputs, Language(), "to-german")])
    one, two = text_batch(seed=1), text_batch(seed=2)["inputs"]["inputs"]
    left = one["inputs"]["inputs"]
    apart = tf.pad(left, [[0, 0], [0, 3]])  # as beside a longer text in the same batch
    close, far = (
        model({"inputs": {"left": x, "right": two}, "targets": one["targets"]}, "pair")
        for x in (left, apart)
    )
    np.testing.assert_allclose(close, far, atol=2e-5)


@pytest.mark.parametrize("name", sorted(conftest.MODELS))
def test_a_class_of_a_picture_and_a_text_depends_on_both(name):
    asked = conftest.make_task(
        "asked",
        {"question": Language(), "image": Image(size=32)},
        Categorical(classes=("a", "b", "c")),
        "to-answer",
    )
    model = make_model(name, [asked])
    inputs = {**picture_batch()["inputs"], "question": tf.constant([[3, 4, 1]] * 4)}
    logits = model.class_logits("asked", inputs)
    assert logits.shape == (4, 3)
    longer = tf.pad(inputs["question"], [[0, 0], [0, 5]])  # padding changes nothing
    np.testing.assert_allclose(
        model.class_logits("asked", {**inputs, "question": longer}), logits, atol=2e-5
    )
    for other in ({"question": tf.constant([[5, 6, 1]] * 4)}, {"image": inputs["image"][::-1]}):
        assert np.abs(model.class_logits("asked", {**inputs, **other}) - logits).max() > 1e-4


def test_a_class_can_be_read_through_the_decoder():
    model = make_model("multi_model", class_through_decoder=True)
    logits = model.class_logits("pictures", picture_batch()["inputs"])
    assert logits.shape == (4, 3)
    loss, _ = model.loss("pictures", picture_batch(), training=True, seed=SEED)
    assert np.isfinite(float(loss))


@pytest.mark.parametrize("name", sorted(conftest.MODELS))
def test_bfloat16_keeps_weights_and_loss_in_float32(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make_model(name)
    finally:
        keras.config.set_dtype_policy("float32")
    exact = make_model(name)
    for variable, other in zip(model.variables, exact.variables, strict=True):
        variable.assign(other)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    for task, batch in (("ende", text_batch()), ("pictures", picture_batch())):
        loss, _ = model.loss(task, batch, training=False)
        assert loss.dtype == tf.float32
        assert float(loss) == pytest.approx(
            float(exact.loss(task, batch, training=False)[0]), rel=0.03
        )


def test_an_unknown_task_is_named_with_a_suggestion(model):
    with pytest.raises(errors.ConfigError, match="Did you mean 'ende'"):
        model.loss("endee", text_batch(), training=False)


def count(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
