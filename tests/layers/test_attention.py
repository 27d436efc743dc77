"""Attention against its formula, and what it may see."""

import numpy as np
import tensorflow as tf

from t2t_mm.layers import attention, history

D, H = 8, 4


def _f32(values):
    return tf.constant(values, tf.float32)


def _linear(layer, x):
    y = x @ layer.kernel.numpy()
    return y if layer.bias is None else y + layer.bias.numpy()


def _self_attention(reference, layer, x, visible):
    """Self-attention as the formula has it, with the layer's projections."""
    queries, keys, values = np.split(_linear(layer.projections, x), 3, axis=-1)
    mixed = reference.attention(queries, keys, values, H, visible)
    return _linear(layer.output_projection, mixed)


def _source_attention(reference, layer, x, source, visible):
    keys, values = np.split(_linear(layer.keys_values, source), 2, axis=-1)
    mixed = reference.attention(_linear(layer.query, x), keys, values, H, visible)
    return _linear(layer.output_projection, mixed)


def test_attend_by_hand():
    # One head of one channel: scores 1 x [0, ln 3], so weights [1/4, 3/4].
    keys, values = _f32([[[[0.0], [np.log(3)]]]]), _f32([[[[8.0], [16.0]]]])
    y = attention.attend_heads(_f32([[[[1.0]]]]), keys, values, None)
    np.testing.assert_allclose(y, [[[8 / 4 + 16 * 3 / 4]]], rtol=1e-5)


def test_attend_agrees_with_the_formula(random, reference):
    queries, keys, values = (random.normal(size=(2, n, D)) for n in (3, 5, 5))
    apart = (attention.split_heads(_f32(x), H)[0] for x in (queries, keys, values))
    y = attention.attend_heads(*apart, None)
    expected = reference.attention(queries, keys, values, H, lambda b, t, s: True)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_self_attention_agrees_with_the_formula(random, reference, shake):
    x = random.normal(size=(2, 5, D))
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    causal = attention.SelfAttention(D, H, causal=True)
    shake(causal)
    expected = _self_attention(reference, causal, x, lambda b, t, s: s <= t)
    np.testing.assert_allclose(causal(_f32(x)), expected, atol=1e-4)
    masked = attention.SelfAttention(D, H, causal=False)
    shake(masked)
    expected = _self_attention(reference, masked, x, lambda b, t, s: mask[b, s] == 1)
    np.testing.assert_allclose(masked(_f32(x), _f32(mask)), expected, atol=1e-4)


def test_source_attention_agrees_with_the_formula(random, reference, shake):
    x, source = random.normal(size=(2, 3, D)), random.normal(size=(2, 5, D))
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    layer = attention.SourceAttention(D, H)
    shake(layer)
    expected = _source_attention(reference, layer, x, source, lambda b, t, s: mask[b, s] == 1)
    y = layer(_f32(x), layer.read_source(_f32(source)), _f32(mask))
    np.testing.assert_allclose(y, expected, atol=1e-4)


def test_block_is_made_of_its_parts(random, reference, shake):
    x, source = random.normal(size=(2, 6, D)), random.normal(size=(2, 4, D))
    block = attention.AttentionBlock(D, H)
    shake(block)
    h = x + reference.timing(6, D)
    for step, dilation in zip(block.steps, (1, 4), strict=True):
        weights = {
            "depthwise": step.depthwise.numpy(),
            "kernel": step.pointwise.kernel.numpy(),
            "bias": step.pointwise.bias.numpy(),
            "scale": step.norm.scale.numpy(),
            "offset": step.norm.offset.numpy(),
        }
        assert len(weights["depthwise"]) == 5
        h = reference.conv_step(h, weights, dilation, causal=True)
    attended = _self_attention(reference, block.self_attention, h, lambda b, t, s: s <= t)
    h = reference.layer_norm(h + attended, block.norm.scale.numpy(), block.norm.offset.numpy())
    h = h + _source_attention(reference, block.source_attention, h, source, lambda b, t, s: True)
    np.testing.assert_allclose(block(_f32(x), _f32(source)), h, atol=1e-3)


def test_block_sees_no_later_target_but_the_whole_source(random, shake):
    x, source = random.normal(size=(1, 12, D)), random.normal(size=(1, 4, D))
    block = attention.AttentionBlock(D, H)
    shake(block)
    before = block(_f32(x), _f32(source)).numpy()
    for place in (0, 5, 11):
        changed = x.copy()
        changed[:, place] += 1.0
        after = block(_f32(changed), _f32(source)).numpy()
        np.testing.assert_allclose(after[:, :place], before[:, :place], atol=1e-6)
        assert np.abs(after[:, place] - before[:, place]).max() > 1e-4
    source[:, -1] += 1.0
    after = block(_f32(x), _f32(source)).numpy()
    assert (np.abs(after - before).max(axis=(0, 2)) > 1e-6).all()


def test_block_does_not_see_masked_sources(random, shake):
    x, source = random.normal(size=(1, 3, D)), random.normal(size=(1, 4, D))
    mask = _f32([[1, 1, 0, 0]])
    block = attention.AttentionBlock(D, H)
    shake(block)
    before = block(_f32(x), _f32(source), mask).numpy()
    source[:, 2:] = 50.0
    np.testing.assert_allclose(block(_f32(x), _f32(source), mask), before, atol=1e-6)


def test_step_by_step_gives_the_same(random, shake):
    x, source = _f32(random.normal(size=(2, 9, D))), _f32(random.normal(size=(2, 4, D)))
    mask = _f32([[1, 1, 1, 1], [1, 1, 0, 0]])
    block = attention.AttentionBlock(D, H)
    shake(block)
    whole = block(x, source, mask).numpy()
    state, read = block.start(2, 9), block.read_source(source)
    for t in range(9):
        y, state = block.step(x[:, t], history.Place(tf.constant(t)), state, read, mask)
        np.testing.assert_allclose(y, whole[:, t], atol=1e-4)


def test_rows_of_one_source_attend_to_it_as_each_by_itself(random, shake):
    x, source = _f32(random.normal(size=(6, D))), _f32(random.normal(size=(2, 4, D)))
    mask = _f32([[1, 1, 1, 1], [1, 1, 0, 0]])
    layer = attention.SourceAttention(D, H)
    shake(layer)
    shared = layer.step(x, layer.read_source(source), mask)
    own = tf.repeat(source, 3, axis=0), tf.repeat(mask, 3, axis=0)
    apart = layer(x[:, None], layer.read_source(own[0]), own[1])[:, 0]
    np.testing.assert_allclose(shared, apart, atol=1e-5)
