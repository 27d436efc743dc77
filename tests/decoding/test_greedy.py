import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import greedy, settings

SOURCES = [[3, 4, 5, 1], [6, 1, 0, 0], [7, 8, 1, 0], [9, 9, 9, 1], [10, 3, 1, 0]]


def by_hand(model, source, limit):
    """Argmax after argmax, everything computed again at each step."""
    written, score = [], 0.0
    while len(written) < limit and 1 not in written:
        logits = model.logits_anew(source, written).astype(np.float64)
        log_probs = logits - np.log(np.exp(logits).sum())
        written.append(int(np.argmax(np.where(np.arange(len(logits)) == 0, -np.inf, logits))))
        score += log_probs[written[-1]]
    return written, score


def search(model, sources, limits):
    return greedy.greedy(model, "toy", {"inputs": tf.constant(sources)}, tf.constant(limits))


@pytest.mark.parametrize("seed", range(4))
def test_equals_argmax_step_by_step_with_everything_recomputed(toy, seed):
    model = toy(seed=seed, eos_bias=2.0)
    found = search(model, SOURCES, [12] * 5)
    lengths = found.lengths.numpy()
    for row, source in enumerate(SOURCES):
        written, score = by_hand(model, source, 12)
        assert found.ids.numpy()[row, : lengths[row]].tolist() == written
        np.testing.assert_allclose(found.scores.numpy()[row], score, rtol=1e-4, atol=1e-5)
    assert len(set(lengths.tolist())) > 1, "the rows should end at different steps"


def test_rows_end_by_themselves_and_are_padded_after(toy):
    model = toy(seed=1, eos_bias=2.0)
    found = search(model, SOURCES, [12] * 5)
    for ids, length in zip(found.ids.numpy(), found.lengths.numpy(), strict=True):
        assert (ids[length:] == 0).all()
        assert 1 not in ids[: length - 1]
        assert (ids[:length] != 0).all()
    assert found.ids.shape[1] == found.lengths.numpy().max(), "the loop ends with the last row"


def test_limits_are_those_of_the_row(toy):
    model = toy(eos_bias=-100.0)  # never ends by itself
    found = search(model, SOURCES, [1, 5, 3, 2, 4])
    assert found.lengths.numpy().tolist() == [1, 5, 3, 2, 4]
    assert np.count_nonzero(found.ids.numpy(), axis=1).tolist() == [1, 5, 3, 2, 4]


def test_an_output_does_not_depend_on_its_neighbours(toy):
    model = toy(seed=2, eos_bias=1.0)
    together = search(model, SOURCES, [9] * 5)
    for row, source in enumerate(SOURCES):
        alone = search(model, [source], [9])
        length = int(alone.lengths[0])
        assert together.ids.numpy()[row, :length].tolist() == alone.ids.numpy()[0].tolist()
        np.testing.assert_allclose(together.scores[row], alone.scores[0], rtol=1e-5)


def test_padding_of_minus_infinity_leaves_scores_finite_and_unchanged(toy):
    hidden = search(toy(seed=3), SOURCES, [8] * 5)
    faint = search(toy(seed=3, pad_logit=-60.0), SOURCES, [8] * 5)
    assert np.isfinite(hidden.scores.numpy()).all()
    np.testing.assert_allclose(hidden.scores, faint.scores, rtol=1e-6)


def test_a_row_begins_with_its_prefix_and_goes_on_by_itself(toy):
    model = toy(seed=1, eos_bias=-100.0)
    prefix = tf.constant([[7, 3], [5, 0], [0, 0]])
    inputs = {"inputs": tf.constant(SOURCES[:3])}
    found = greedy.greedy(model, "toy", inputs, tf.constant([5] * 3), prefix)
    assert found.lengths.numpy().tolist() == [5, 5, 5]
    for row, begun in enumerate([[7, 3], [5], []]):
        written, score = list(begun), 0.0
        while len(written) < 5:
            logits = model.logits_anew(SOURCES[row], written).astype(np.float64)
            log_probs = logits - np.log(np.exp(logits).sum())
            written.append(int(np.argmax(np.where(np.arange(len(logits)) == 0, -np.inf, logits))))
            score += log_probs[written[-1]]
        assert found.ids.numpy()[row].tolist() == written
        np.testing.assert_allclose(found.scores.numpy()[row], score, rtol=1e-4, atol=1e-5)


def test_an_empty_prefix_changes_nothing(toy):
    model = toy(seed=3)
    inputs, limits = {"inputs": tf.constant(SOURCES)}, tf.constant([6] * 5)
    plain = greedy.greedy(model, "toy", inputs, limits)
    empty = greedy.greedy(model, "toy", inputs, limits, tf.zeros([5, 0], tf.int32))
    np.testing.assert_array_equal(plain.ids, empty.ids)
    np.testing.assert_allclose(plain.scores, empty.scores, rtol=1e-6)


def test_padding_is_never_chosen(toy):
    found = search(toy(pad_logit=50.0, eos_bias=-100.0), SOURCES, [4] * 5)
    assert (found.ids.numpy() != 0).all()


def test_length_limits():
    limits = settings.DecodeSettings(max_length=20, length_factor=1.5, length_constant=4)
    inputs = {"a": tf.constant([[3, 3, 1, 0], [1, 0, 0, 0]]), "b": tf.constant([[3, 1], [0, 0]])}
    # a and b together: 3 + 2 = 5 pieces -> 1.5 * 5 + 4 = 11; 1 + 0 = 1 -> 5 (5.5 cut).
    assert greedy.length_limits(inputs, ["a", "b"], limits, 99).numpy().tolist() == [11, 5]
    # Only a: 3 -> 8 (8.5 cut), 1 -> 5; the targets' own limit of 6 holds too.
    assert greedy.length_limits(inputs, ["a"], limits, 6).numpy().tolist() == [6, 5]
    # No text at all: max_length alone.
    assert greedy.length_limits(inputs, [], limits, 99).numpy().tolist() == [20, 20]
