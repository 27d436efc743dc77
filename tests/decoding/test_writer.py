import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import writer

SOURCES = [[3, 4, 5, 1], [6, 1, 0, 0], [7, 8, 1, 0], [9, 9, 9, 1], [10, 3, 1, 0]]


def by_hand(model, source, limit, begun=()):
    """Argmax after argmax, everything computed again at each step."""
    written, score = list(begun), 0.0
    while len(written) < limit and 1 not in written:
        log_probs = model.log_probs_anew(source, written)
        written.append(int(np.argmax([-np.inf, *log_probs[1:]])))
        score += log_probs[written[-1]]
    return written, score


def check(model, found, sources, limits, begun=None):
    for row, ((ids, score, rank),) in enumerate(found):
        start = begun[row] if begun else ()
        written, expected = by_hand(model, sources[row], limits[row], start)
        assert ids == written
        assert score == rank == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_equals_argmax_step_by_step_with_everything_recomputed(toy, asked, listed, seed):
    model = toy(seed=seed, eos_bias=2.0)
    found = listed(writer.greedy(model, asked(SOURCES, [12] * 5)))
    check(model, found, SOURCES, [12] * 5)
    assert len({len(ids) for ((ids, *_),) in found}) > 1, "rows should end at different steps"


def test_rows_end_by_themselves_and_are_padded_after(toy, asked):
    found = writer.greedy(toy(seed=1, eos_bias=2.0), asked(SOURCES, [12] * 5))
    for ids, length in zip(found.ids.numpy()[:, 0], found.lengths.numpy()[:, 0], strict=True):
        assert (ids[length:] == 0).all()
        assert 1 not in ids[: length - 1]
        assert (ids[:length] != 0).all()
    assert found.ids.shape[2] == found.lengths.numpy().max(), "no column is empty"


def test_limits_are_those_of_the_row(toy, asked):
    model = toy(eos_bias=-100.0)  # never ends by itself
    found = writer.greedy(model, asked(SOURCES, [1, 5, 3, 2, 4]))
    assert found.lengths.numpy()[:, 0].tolist() == [1, 5, 3, 2, 4]
    assert np.count_nonzero(found.ids.numpy()[:, 0], axis=1).tolist() == [1, 5, 3, 2, 4]


def test_the_score_of_a_long_output_is_rounded_once(toy, asked):
    model = toy(eos_bias=-100.0)
    model.out[:] = 0.0  # each token is as likely as any other
    one, many = (writer.greedy(model, asked([[3, 1]], [n])).scores.numpy()[0, 0] for n in (1, 200))
    assert one == pytest.approx(-np.log(9), rel=1e-6)  # 11 tokens but padding and the end
    assert many == np.float32(200 * np.float64(one))  # a sum in float32 is off by 1e-4 and more


def test_an_output_does_not_depend_on_its_neighbours(toy, asked, listed):
    model = toy(seed=2, eos_bias=1.0)
    together = listed(writer.greedy(model, asked(SOURCES, [9] * 5)))
    for row, source in enumerate(SOURCES):
        (((ids, score, _),),) = listed(writer.greedy(model, asked([source], [9])))
        assert together[row][0][0] == ids
        assert together[row][0][1] == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_that_finished_rows_leave_changes_nothing(toy, asked, seed):
    """Also in the compiled loop, where rows grow fewer under way."""
    model, given = toy(seed=seed, eos_bias=1.5), asked(SOURCES, [2, 12, 7, 12, 5])
    leaving = tf.function(lambda: writer.greedy(model, given), autograph=False)()
    staying = writer.greedy(model, given, shrink=False)
    np.testing.assert_array_equal(leaving.ids, staying.ids)
    np.testing.assert_array_equal(leaving.lengths, staying.lengths)
    np.testing.assert_allclose(leaving.scores, staying.scores, rtol=1e-5)


def test_finished_rows_leave(toy, asked):
    sizes = []

    class Counting(toy):
        def decode_step(self, task_name, ids, *rest):
            sizes.append(int(ids.shape[0]))
            return super().decode_step(task_name, ids, *rest)

    writer.greedy(Counting(eos_bias=-100.0), asked(SOURCES, [2, 2, 3, 4, 6]))
    # After two steps 3 of 5 are left, more than half; after three 2, after four 1.
    assert sizes == [5, 5, 5, 2, 1, 1]


def test_padding_of_minus_infinity_leaves_scores_finite_and_unchanged(toy, asked):
    hidden = writer.greedy(toy(seed=3), asked(SOURCES, [8] * 5))
    faint = writer.greedy(toy(seed=3, pad_logit=-60.0), asked(SOURCES, [8] * 5))
    assert np.isfinite(hidden.scores.numpy()).all()
    np.testing.assert_allclose(hidden.scores, faint.scores, rtol=1e-6)


def test_a_row_begins_with_its_prefix_and_goes_on_by_itself(toy, asked, listed):
    model = toy(seed=1, eos_bias=-100.0)
    found = writer.greedy(model, asked(SOURCES[:3], [5] * 3, [[7, 3], [5, 0], [0, 0]]))
    check(model, listed(found), SOURCES, [5] * 3, [[7, 3], [5], []])


def test_an_empty_prefix_changes_nothing(toy, asked):
    model = toy(seed=3)
    plain = writer.greedy(model, asked(SOURCES, [6] * 5))
    empty = writer.greedy(model, asked(SOURCES, [6] * 5, np.zeros([5, 0])))
    np.testing.assert_array_equal(plain.ids, empty.ids)
    np.testing.assert_allclose(plain.scores, empty.scores, rtol=1e-6)


def test_padding_is_never_chosen(toy, asked):
    model = toy(pad_logit=50.0, eos_bias=-100.0)
    assert (writer.greedy(model, asked(SOURCES, [4] * 5)).ids.numpy() != 0).all()
