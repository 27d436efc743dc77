"""The loss over a vocabulary, against the formula and automatic gradients."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import cross_entropy

N, D, V = 6, 3, 7


def _formula(h, labels, table, bias, smoothing, by_row):
    """Sums -(1 - s) log p_y - s mean_v log p_v, in float32."""
    h, table = tf.cast(h, tf.float32), tf.cast(table, tf.float32)
    logits = tf.matmul(h, table, transpose_b=by_row)
    if bias is not None:
        logits += tf.cast(bias, tf.float32)
    log_p = tf.nn.log_softmax(logits)
    own = tf.gather(log_p, labels, batch_dims=1)
    loss = -(1 - smoothing) * own - smoothing * tf.reduce_mean(log_p, -1)
    return tf.reduce_sum(loss), -tf.reduce_sum(own)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("by_row", "with_bias"), [(True, False), (False, True), (False, False)])
def test_loss_and_gradients_agree_with_the_formula(random, dtype, smoothing, by_row, with_bias):
    h = tf.cast(random.normal(size=(N, D)), dtype)
    table = tf.cast(random.normal(size=(V, D) if by_row else (D, V)), dtype)
    bias = tf.cast(random.normal(size=V), dtype) if with_bias else None
    labels = tf.constant(random.integers(V, size=N), tf.int32)
    watched = [h, table] if bias is None else [h, table, bias]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(watched)
        loss, plain = cross_entropy.linear_cross_entropy(
            h, labels, table, bias, smoothing=smoothing, by_row=by_row
        )
        mean = loss / N
        expected, expected_plain = _formula(h, labels, table, bias, smoothing, by_row)
        expected_mean = expected / N
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == tf.float32 else {"rtol": 0.03, "atol": 0.02}
    np.testing.assert_allclose(loss, expected, **close)
    np.testing.assert_allclose(plain, expected_plain, **close)
    for variable in watched:
        gradient, wanted = (tape.gradient(y, variable) for y in (mean, expected_mean))
        assert gradient.dtype == dtype
        np.testing.assert_allclose(
            tf.cast(gradient, tf.float32), tf.cast(wanted, tf.float32), **close
        )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_compiled_over_a_vocabulary_of_usual_size(random, smoothing):
    h = tf.constant(random.normal(size=(64, 16)), tf.float32)
    table = tf.constant(random.normal(size=(4096, 16)), tf.float32)
    labels = tf.constant(random.integers(4096, size=64), tf.int32)

    @tf.function(autograph=False)
    def both(loss_of):
        with tf.GradientTape() as tape:
            tape.watch((h, table))
            loss, plain = loss_of()
        return loss, plain, *tape.gradient(loss, (h, table))

    ours = both(
        lambda: cross_entropy.linear_cross_entropy(
            h, labels, table, smoothing=smoothing, by_row=True
        )
    )
    expected = both(lambda: _formula(h, labels, table, None, smoothing, by_row=True))
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_what_is_all_but_impossible_has_its_loss_and_gradient(smoothing):
    h, table = tf.constant([[1.0], [1.0]]), tf.constant([[0.0], [200.0]])
    with tf.GradientTape() as tape:
        tape.watch(h)
        loss, plain = cross_entropy.linear_cross_entropy(
            h, tf.constant([0, 1]), table, by_row=True, smoothing=smoothing
        )
    # e^-200 is below the least float: -log p = [200, 0], and of each row the mean is 100.
    np.testing.assert_allclose(plain, 200.0)
    np.testing.assert_allclose(loss, (1 - smoothing) * 200 + smoothing * (100 + 100))
    # p = [0, 1]: (0 - 1) x 0 + 1 x 200, and (1 - 1) x 200; smoothed less 0.1 x (100 - 0 or 200)
    np.testing.assert_allclose(
        tape.gradient(loss, h), [[200.0 - smoothing * 100], [smoothing * 100]], rtol=1e-5
    )


def _float64(h, labels, table, bias, smoothing):
    """Returns the loss of each row and that without smoothing, from float64 logits."""
    h, table, bias = (np.asarray(tf.cast(x, tf.float64)) for x in (h, table, bias))
    z = h @ table.T + bias
    highest = z.max(1)
    log_sum = highest + np.log(np.exp(z - highest[:, None]).sum(1))
    own = z[np.arange(len(z)), labels]
    return log_sum - (1 - smoothing) * own - smoothing * z.mean(1), log_sum - own


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 1e2, 1e6, 1e12])
def test_losses_of_logits_of_any_size(random, dtype, scale):
    size, smoothing, rows = 5000, 0.1, 12
    h = tf.cast(random.normal(size=(rows, 16)) * scale / 4, dtype)
    table = tf.cast(random.normal(size=(size, 16)), dtype)
    bias = tf.cast(random.normal(size=size), dtype)
    labels = random.integers(size, size=rows)
    logits = tf.matmul(tf.cast(h, tf.float32), tf.cast(table, tf.float32), transpose_b=True)
    labels[:4] = np.argmax(logits[:4], axis=1)
    expected, expected_plain = _float64(h, labels, table, bias, smoothing)
    rounding = 2e-6 if dtype == tf.float32 else 0.03  # of logits of a few times `scale`
    for row in range(rows):
        loss, plain = cross_entropy.linear_cross_entropy(
            h[row : row + 1],
            tf.constant(labels[row : row + 1]),
            table,
            bias,
            smoothing=smoothing,
            by_row=True,
        )
        np.testing.assert_allclose(loss, expected[row], rtol=1e-5, atol=rounding * scale)
        np.testing.assert_allclose(plain, expected_plain[row], rtol=1e-5, atol=rounding * scale)
        assert float(loss) >= 0.0
        assert float(plain) >= 0.0


def test_rounding_of_large_logits_makes_no_loss_negative():
    # All logits are 1e12 but for rounding, so p = 1 / V: -log p_y = log V, and smoothing adds 0.
    h, table = tf.fill([4, 64], 1.1e6), tf.fill([9, 64], 1e12 / 64 / 1.1e6)
    loss, plain = cross_entropy.linear_cross_entropy(
        h, tf.constant([0, 3, 5, 8]), table, by_row=True, smoothing=0.1
    )
    np.testing.assert_allclose(plain, 4 * np.log(9), rtol=1e-5)
    # as near as float32 comes to a mean of 1e12
    assert 0.9 * 4 * np.log(9) <= float(loss) < 1e12 * 1e-6


def test_no_rows_at_all_give_zero():
    loss, plain = cross_entropy.linear_cross_entropy(
        tf.zeros([0, D]), tf.zeros([0], tf.int32), tf.ones([V, D]), smoothing=0.1, by_row=True
    )
    assert float(loss) == float(plain) == 0.0


def test_a_nan_is_not_hidden_by_the_bound():
    h = tf.constant([[float("nan")] + [1.0] * (D - 1)])
    loss, plain = cross_entropy.linear_cross_entropy(
        h, tf.constant([0]), tf.ones([V, D]), by_row=True
    )
    assert np.isnan(loss) and np.isnan(plain)
