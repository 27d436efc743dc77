"""ConvStep and ConvBlock against their formulae, and what they may see."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import base, conv_block, history


def _weights(step):
    return {
        "depthwise": step.depthwise.numpy(),
        "kernel": step.pointwise.kernel.numpy(),
        "bias": step.pointwise.bias.numpy(),
        "scale": step.norm.scale.numpy(),
        "offset": step.norm.offset.numpy(),
    }


def _f32(values):
    return tf.constant(values, tf.float32)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("kernel", "dilation", "length"), [(3, 1, 5), (15, 1, 7), (5, 4, 21), (15, 8, 13)]
)
def test_step_agrees_with_the_formula(random, reference, shake, causal, kernel, dilation, length):
    step = conv_block.ConvStep(4, 6, kernel=kernel, dilation=dilation, causal=causal)
    shake(step)
    x = random.normal(size=(2, length, 4))
    expected = reference.conv_step(x, _weights(step), dilation, causal)
    np.testing.assert_allclose(step(_f32(x)), expected, atol=1e-4)


@pytest.mark.parametrize("causal", [False, True])
def test_block_agrees_with_the_formula(random, reference, shake, causal):
    block = conv_block.ConvBlock(4, causal=causal, dropout=0.4)
    shake(block)
    x = random.normal(size=(2, 20, 4))
    expected = reference.conv_block(x, [_weights(step) for step in block.steps], causal)
    np.testing.assert_allclose(block(_f32(x)), expected, atol=1e-3)


def test_block_drops_out_at_its_end_only_in_training(random, shake):
    block = conv_block.ConvBlock(16, causal=True, dropout=0.5)
    shake(block)
    x = _f32(random.normal(size=(2, 9, 16)))
    whole = block(x).numpy()
    dropped = block(x, rng=base.Rng(tf.constant([1, 2]))).numpy()
    kept = dropped != 0
    assert 0.3 < kept.mean() < 0.7
    np.testing.assert_allclose(dropped[kept], 2 * whole[kept], rtol=1e-4)


@pytest.mark.parametrize("place", [0, 7, 19])
def test_causal_block_sees_nothing_later(random, shake, place):
    block = conv_block.ConvBlock(4, causal=True, dropout=0.0)
    shake(block)
    x = random.normal(size=(1, 20, 4))
    before = block(_f32(x)).numpy()
    x[:, place] += 1.0
    after = block(_f32(x)).numpy()
    np.testing.assert_array_equal(after[:, :place], before[:, :place])
    assert np.abs(after[:, place] - before[:, place]).max() > 1e-3


def test_other_block_sees_both_sides(random, shake):
    block = conv_block.ConvBlock(4, causal=False, dropout=0.0)
    shake(block)
    x = random.normal(size=(1, 20, 4))
    before = block(_f32(x)).numpy()
    x[:, 10] += 1.0
    changed = np.abs(block(_f32(x)).numpy() - before).max(axis=(0, 2)) > 1e-6
    assert changed[:10].any()
    assert changed[11:].any()


def test_dilation_reaches_as_far_as_the_paper_says(random, shake):
    step = conv_block.ConvStep(4, 4, kernel=15, dilation=8, causal=True)
    shake(step)
    x = random.uniform(0.5, 1.5, size=(1, 130, 4))  # positive: ReLU lets all through
    before = step(_f32(x)).numpy()
    x[:, 3] += 1.0
    changed = np.flatnonzero(np.abs(step(_f32(x)).numpy() - before).max(axis=(0, 2)) > 1e-5)
    # 15 taps, 8 apart: positions 3, 11, ..., 3 + 14 x 8 = 115.
    np.testing.assert_array_equal(changed, np.arange(3, 116, 8))


def test_masked_positions_count_as_zeros(random, shake):
    block = conv_block.ConvBlock(4, causal=False, dropout=0.0)
    shake(block)
    x = random.normal(size=(1, 12, 4))
    mask = np.ones((1, 12))
    mask[:, 8:] = 0
    whole = block(_f32(x), _f32(mask)).numpy()
    x[:, 8:] = 99.0
    np.testing.assert_array_equal(block(_f32(x), _f32(mask)).numpy()[:, :8], whole[:, :8])
    np.testing.assert_allclose(block(_f32(x[:, :8])).numpy(), whole[:, :8], atol=1e-4)


def test_step_by_step_gives_the_same(random, shake):
    block = conv_block.ConvBlock(4, causal=True, dropout=0.0)
    shake(block)
    x = _f32(random.normal(size=(2, 15, 4)))
    whole = block(x).numpy()
    state = block.start(2, 15)
    for t in range(15):
        y, state = block.step(x[:, t], history.Place(tf.constant(t)), state)
        np.testing.assert_allclose(y, whole[:, t], atol=1e-4)


def test_a_step_keeps_no_more_inputs_than_it_sees(random, shake):
    step = conv_block.ConvStep(4, 6, kernel=4, dilation=3, causal=True)  # sees 3 x 3 back
    shake(step)
    x = _f32(random.normal(size=(2, 25, 4)))
    whole, state = step(x).numpy(), step.start(2, 25)
    for t in range(25):
        y, state = step.step(x[:, t], history.Place(tf.constant(t)), state)
        np.testing.assert_allclose(y, whole[:, t], atol=1e-4)
        assert state.vectors.shape == (10, 2, 4)  # its own input, and 9 before
    assert step.start(2, 7).vectors.shape == (7, 2, 4)  # no more than will be written
