"""What `Model.explain` returns, against the formulae in NumPy."""

import numpy as np
import tensorflow as tf

from t2t_mm.layers import attention, recording
from t2t_mm.layers.moe import router
from t2t_mm.modality import Image, Language, representation
from t2t_mm.models import explanation
from tests.models.conftest import TASKS, make_model, make_task, picture_batch, text_batch

SELECTED = 2
PADDED = 2
BOTH = make_task("both", {"image": Image(size=32), "question": Language()}, Language(), "to-both")


def padded_batch():
    """Of three sources of 7, 5 and 7 tokens, and targets of 6, 6 and 4."""
    batch = text_batch()
    source, targets = batch["inputs"]["inputs"].numpy(), batch["targets"].numpy()
    source[1, -PADDED:] = 0
    targets[2, -PADDED:] = 0
    return {"inputs": {"inputs": tf.constant(source)}, "targets": tf.constant(targets)}


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_attention_is_the_mean_of_heads_and_layers_of_the_formula(model, monkeypatch):
    batch, seen = padded_batch(), []
    whole = attention.SourceAttention.call

    def call(layer, x, read, mask=None):
        seen.append((layer.query(x).numpy(), read[0].numpy(), layer.heads))
        return whole(layer, x, read, mask)

    monkeypatch.setattr(attention.SourceAttention, "call", call)
    made = model.explain("ende", batch).attention.numpy()
    real = batch["inputs"]["inputs"].numpy() != 0
    layers = []
    for queries, keys, heads in seen:
        for head in range(heads):
            k = keys[:, head]  # [B, S, D / H]
            depth = k.shape[-1]
            q = queries[:, :, head * depth : (head + 1) * depth]
            scores = np.einsum("btd,bsd->bts", q, k) / np.sqrt(depth)
            layers.append(softmax(np.where(real[:, None], scores, -np.inf)))
    expected = np.mean(layers, 0) * (batch["targets"].numpy() != 0)[:, :, None]
    np.testing.assert_allclose(made, expected, atol=1e-5)
    assert len(seen) == {"MultiModel": 3, "Transformer": 2}[type(model).__name__]


def test_rows_sum_to_one_over_what_is_real(model):
    batch = padded_batch()
    made = model.explain("ende", batch)
    is_output, is_input = (t.numpy() != 0 for t in (batch["targets"], batch["inputs"]["inputs"]))
    weights = made.attention.numpy()
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(-1), is_output, atol=1e-5)
    assert not weights[1, :, -PADDED:].any()
    origins = np.stack([np.zeros((3, 7)), np.tile(np.arange(7), (3, 1))], -1)
    np.testing.assert_array_equal(made.origins, np.where(is_input[..., None], origins, -1))
    if made.experts is None:
        return
    for gates, real in ((made.experts, is_output), (made.source_experts, is_input)):
        np.testing.assert_allclose(gates.numpy().sum(-1), real, atol=1e-5)
        np.testing.assert_array_equal((gates.numpy() > 0).sum(-1), SELECTED * real)


def test_gates_of_the_experts_are_those_of_the_formula(model, monkeypatch):
    seen = []
    whole = router.route

    def route(x, gate_kernel, *more, **keywords):
        seen.append(x.numpy() @ gate_kernel.numpy())
        return whole(x, gate_kernel, *more, **keywords)

    monkeypatch.setattr(router, "route", route)
    batch = padded_batch()
    made = model.explain("ende", batch)
    if type(model).__name__ == "Transformer":
        assert made.experts is made.source_experts is None
        return
    for logits, gates, real in zip(
        seen,
        (made.source_experts, made.experts),
        (batch["inputs"]["inputs"], batch["targets"]),
        strict=True,
    ):
        least = np.sort(logits, -1)[:, -SELECTED, None]
        expected = softmax(np.where(logits >= least, logits, -np.inf))
        np.testing.assert_allclose(gates.numpy()[real.numpy() != 0], expected, atol=1e-5)


def test_an_output_is_explained_by_those_before_it(model):
    """A later target changes nothing, so the picture is that of the search itself."""
    batch = text_batch()
    changed = batch["targets"].numpy()
    changed[:, -2:] = 3 + (changed[:, -2:] - 3 + 1) % 37
    one, two = (
        model.explain("ende", {**batch, "targets": tf.constant(t)}).attention.numpy()
        for t in (batch["targets"], changed)
    )
    np.testing.assert_allclose(one[:, :-1], two[:, :-1], atol=1e-5)
    assert np.abs(one[:, -1] - two[:, -1]).max() > 1e-6


def test_positions_of_two_inputs_are_told_apart():
    """A picture of 32 x 32 has 2 x 2 positions; padding of the question goes to the end."""
    model = make_model("transformer", (BOTH,))
    question = text_batch()["inputs"]["inputs"].numpy()[:, :3]
    question[1, 1:] = 0
    inputs = {**picture_batch(3)["inputs"], "question": tf.constant(question)}
    made = model.explain("both", {"inputs": inputs, "targets": text_batch()["targets"]})
    picture = [[0, 0], [0, 1], [0, 2], [0, 3]]
    assert made.origins[0].numpy().tolist() == [*picture, [1, 0], [1, 1], [1, 2]]
    assert made.origins[1].numpy().tolist() == [*picture, [1, 0], [-1, -1], [-1, -1]]


def test_a_class_is_explained_by_what_there_is(model):
    """It is read from the encoder, unless one decoder step is asked for."""
    batch = picture_batch()
    made = model.explain("pictures", batch)
    assert made.attention is made.experts is None
    assert (made.source_experts is None) == (type(model).__name__ == "Transformer")
    task = next(task for task in TASKS if task.name == "pictures")
    one = make_model("transformer", (task,), class_through_decoder=True)
    made = one.explain("pictures", batch)
    assert made.attention.shape == (4, 1, 4)
    np.testing.assert_allclose(made.attention.numpy().sum(-1), 1, atol=1e-5)


def test_nothing_is_kept_unless_asked_for(model):
    batch = text_batch()
    logits = model(batch, "ende").numpy()
    model.explain("ende", batch)
    assert recording.current() is None
    np.testing.assert_array_equal(model(batch, "ende").numpy(), logits)


def test_means_by_hand():
    # Two layers of one head; the second output is padding, and so is the second input.
    layers = [tf.constant([[[[1.0, 0.0], [1.0, 0.0]]]]), tf.constant([[[[0.5, 0.5], [0.5, 0.5]]]])]
    part = representation.Representation(tf.zeros([1, 2, 8]), tf.constant([[1.0, 0.0]]))
    made = explanation.of(
        recording.Recording(),
        recording.Recording(attention=layers),
        explanation.origin(part, 3),
        tf.constant([[True, False]]),
    )
    assert made.attention.numpy().tolist() == [[[(1 + 0.5) / 2, (0 + 0.5) / 2], [0, 0]]]
    assert made.origins.numpy().tolist() == [[[3, 0], [-1, -1]]]
    assert made.experts is made.source_experts is None
