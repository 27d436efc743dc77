"""Sampling against the softmax in NumPy, and what its draws depend on."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import sampling
from t2t_mm.settings import decoding

SOURCES = [[3, 4, 5, 1], [6, 1, 0, 0], [7, 8, 1, 0], [9, 9, 9, 1], [10, 3, 1, 0]]
DRAWS = 20_000


def of(**given):
    return decoding.DecodeSettings(**{"temperature": 1.0, "max_length": 16, **given})


def distribution(logits, temperature, top_k, top_p):
    """What is drawn from, in NumPy: temperature, then top-k, then top-p; never padding."""
    shares = np.exp(logits / temperature)
    shares[0] = 0
    order = np.argsort(-shares)
    if top_k:
        shares[order[top_k:]] = 0
    shares /= shares.sum()
    if top_p < 1:
        held = np.cumsum(shares[order])
        shares[order[1 + np.searchsorted(held, top_p) :]] = 0
    return shares / shares.sum()


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1, 0, 1), (0.5, 0, 1), (2.5, 0, 1), (1, 3, 1), (1, 0, 0.7), (1.5, 4, 0.6), (1, 99, 1)]
    + [(1, 1, 1), (1, 0, 1e-6)],
)
def test_frequencies_are_those_of_the_softmax(temperature, top_k, top_p):
    logits = np.random.default_rng(0).normal(scale=1.5, size=9)
    logits[0] = 3.0  # padding would be the likeliest
    rows = tf.constant(np.tile(logits, [DRAWS, 1]), tf.float32)
    drawn = tf.random.stateless_uniform([DRAWS], [1, 2])
    ids = sampling.draw(rows, drawn, of(temperature=temperature, top_k=top_k, top_p=top_p))
    counts = np.bincount(ids.numpy(), minlength=9)
    expected = DRAWS * distribution(logits, temperature, top_k, top_p)
    possible = expected > 0
    assert counts[~possible].sum() == 0
    # Chi-square: its mean is the degrees of freedom n, its variance 2 n.
    freedom = possible.sum() - 1
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    assert statistic <= freedom + 4 * np.sqrt(2 * freedom)


def test_every_draw_gives_a_piece_that_has_a_probability():
    logits = tf.constant([[5.0, -np.inf, 1.0, -np.inf, 2.0, -np.inf]] * 3)
    drawn = tf.constant([0.0, 0.5, 1 - 2**-24])
    assert sampling.draw(logits, drawn, of()).numpy().tolist() == [2, 4, 4]
    assert sampling.draw(logits, drawn, of(top_p=0.99)).numpy().tolist() == [4, 4, 2]


def search(model, given, wanted, *, seed=0, places=range(5), shrink=True):
    seeds = sampling.row_seeds(seed, tf.constant(list(places)))
    return sampling.search(model, given, wanted, seeds, shrink=shrink)


def test_the_same_seed_gives_the_same_and_another_something_else(toy, asked, listed):
    model, given, wanted = toy(seed=1), asked(SOURCES, [9] * 5), of()
    one, same, other = (search(model, given, wanted, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.ids, same.ids)
    np.testing.assert_array_equal(one.scores, same.scores)
    rows = zip(listed(one), listed(other), strict=True)
    assert sum(first[0][0] != second[0][0] for first, second in rows) >= 4


def test_a_sample_depends_on_the_example_and_on_nothing_else(toy, asked, listed):
    """Not on its neighbours, their order, their limits, or on how many samples there are."""
    model, limits = toy(seed=2, eos_bias=1.0), [9, 4, 9, 6, 8]
    together = listed(search(model, asked(SOURCES, limits), of(n_best=3), places=[7, 3, 0, 9, 4]))
    order = [4, 2, 0]
    again = listed(
        search(
            model,
            asked([SOURCES[row] for row in order], [limits[row] for row in order]),
            of(n_best=2),
            places=[[7, 3, 0, 9, 4][row] for row in order],
        )
    )
    for row, found in zip(order, again, strict=True):
        assert [ids for ids, *_ in found] == [ids for ids, *_ in together[row][:2]]
        scores = [[score for _, score, _ in rows] for rows in (found, together[row][:2])]
        np.testing.assert_allclose(*scores, rtol=1e-4)


def test_one_input_twice_gives_two_samples(toy, asked, listed):
    found = listed(search(toy(), asked([SOURCES[0]] * 5, [9] * 5), of(n_best=4)))
    texts = [tuple(ids) for row in found for ids, *_ in row]
    assert len(texts) == 20
    assert len(set(texts)) > 15


def test_scores_are_log_probabilities_under_the_model_as_it_is(toy, asked, listed):
    model = toy(seed=3, eos_bias=1.0)
    wanted = of(temperature=2.0, top_k=5, top_p=0.9, n_best=3)
    found = listed(search(model, asked(SOURCES, [9] * 5), wanted))
    for source, row in zip(SOURCES, found, strict=True):
        for ids, score, rank in row:
            assert score == rank == pytest.approx(model.score_anew(source, ids), rel=1e-4)


def test_the_first_pieces_are_distributed_as_the_model_says(toy, asked):
    """The whole way: seeds, draws, loop."""
    model, rows = toy(seed=4), 2_000
    given = asked([SOURCES[0]] * rows, [1] * rows)
    run = tf.function(lambda: search(model, given, of(), places=range(rows)), autograph=False)
    found = run()
    counts = np.bincount(found.ids.numpy()[:, 0, 0], minlength=11)
    expected = rows * distribution(model.logits_anew(SOURCES[0], []), 1.0, 0, 1.0)
    statistic = ((counts - expected)[1:] ** 2 / expected[1:]).sum()
    assert statistic <= 9 + 4 * np.sqrt(18)


def test_that_finished_rows_leave_changes_nothing(toy, asked):
    model, given = toy(seed=5, eos_bias=1.5), asked(SOURCES, [12, 2, 7, 12, 5])
    leaving = tf.function(lambda: search(model, given, of(n_best=3)), autograph=False)()
    staying = search(model, given, of(n_best=3), shrink=False)
    np.testing.assert_array_equal(leaving.ids, staying.ids)
    np.testing.assert_allclose(leaving.scores, staying.scores, rtol=1e-4)


def test_rows_begin_with_their_prefixes(toy, asked, listed):
    model, begun = toy(seed=1), [[7, 3], [5, 0], [0, 0], [4, 4], [6, 2]]
    found = listed(search(model, asked(SOURCES, [6] * 5, begun), of(n_best=2)))
    for row, source in enumerate(SOURCES):
        real = [piece for piece in begun[row] if piece]
        for ids, score, _ in found[row]:
            assert ids[: len(real)] == real
            expected = model.score_anew(source, ids, len(real))
            assert score == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_samples_depend_on_what_an_input_holds_and_on_nothing_else():
    def number(raw, **given):
        columns = {name: tf.constant([value]) for name, value in raw.items()}
        return int(sampling.numbers(columns, **given)[0])

    raw = {"image": b"1", "question": b"2"}
    assert number(raw) == number(dict(reversed(raw.items())))
    others = [{"image": b"12", "question": b""}, {"image": b"2", "question": b"1"}, {"x": b"1"}]
    found = {number(raw), number(raw, asked=1), *map(number, others)}
    assert len(found) == 5
    assert all(0 <= one < 2**63 for one in found)
