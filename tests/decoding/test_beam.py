"""Beam search against all sequences there are, and against its rule in plain Python."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import beam, writer
from t2t_mm.settings import decoding

SOURCES = [[3, 4, 5, 1], [6, 1, 0, 0], [7, 8, 1, 0], [9, 9, 9, 1], [10, 3, 1, 0]]


def of(beam_size, *, alpha=0.0, n_best=1):
    return decoding.DecodeSettings(beam_size=beam_size, alpha=alpha, n_best=n_best)


def penalty(length, alpha):
    return ((5 + length) / 6) ** alpha


def everything(model, source, limit, alpha):
    """All outputs there are with their score and rank, best first."""
    found = []

    def extend(ids, score):
        log_probs = model.log_probs_anew(source, ids)
        for piece in range(1, len(log_probs)):
            longer, total = [*ids, piece], score + log_probs[piece]
            if piece == 1 or len(longer) == limit:
                found.append((longer, total, total / penalty(len(longer), alpha)))
            else:
                extend(longer, total)

    extend([], 0.0)
    return sorted(found, key=lambda one: -one[2])


def by_hand(model, source, limit, asked_for, begun=()):
    """The rule itself, step by step to the limit, everything computed again."""
    live, found = [(0.0, [])], []
    for step in range(limit):
        if step < len(begun):
            extended = [(score, [*ids, begun[step]]) for score, ids in live]
        else:
            extended = [
                (score + log_prob, [*ids, piece])
                for score, ids in live
                for piece, log_prob in enumerate(model.log_probs_anew(source, ids))
                if piece != 0
            ]
        extended.sort(key=lambda one: -one[0])
        for score, ids in extended[: asked_for.beam_size]:
            if ids[-1] == 1 or step + 1 == limit:
                own = max(step + 1 - len(begun), 0)
                found.append((ids, score, score / penalty(own, asked_for.alpha)))
        live = [one for one in extended if one[1][-1] != 1][: asked_for.beam_size]
    return sorted(found, key=lambda one: -one[2])[: asked_for.n_best]


def same(found, expected):
    assert [ids for ids, *_ in found] == [ids for ids, *_ in expected]
    for place in (1, 2):
        values = ([one[place] for one in rows] for rows in (found, expected))
        np.testing.assert_allclose(*values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_as_wide_as_all_there_is_finds_the_best_of_all(toy, asked, listed, seed, alpha):
    model = toy(seed=seed, eos_bias=0.5, size=5)  # the end and 3 tokens: 3 + 3^2 + ... live
    limits = [4, 1, 3, 2, 4]
    found = listed(beam.search(model, asked(SOURCES, limits), of(40, alpha=alpha, n_best=7)))
    for row, source in enumerate(SOURCES):
        expected = everything(model, source, limits[row], alpha)
        assert len(expected) == {1: 4, 2: 13, 3: 40, 4: 121}[limits[row]]
        same(found[row], expected[:7])


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("beams", [2, 3, 6])
def test_a_narrow_beam_follows_the_rule(toy, asked, listed, beams, alpha):
    model, limits = toy(seed=beams, eos_bias=1.5), [8, 3, 1, 10, 5]
    wanted = of(beams, alpha=alpha, n_best=beams)
    found = listed(beam.search(model, asked(SOURCES, limits), wanted))
    for row, source in enumerate(SOURCES):
        same(found[row], by_hand(model, source, limits[row], wanted))


def test_scores_are_sums_of_log_probabilities_and_ranks_are_penalised(toy, asked, listed):
    model = toy(seed=4, eos_bias=1.0)
    found = listed(beam.search(model, asked(SOURCES, [9] * 5), of(4, alpha=0.7, n_best=4)))
    for source, row in zip(SOURCES, found, strict=True):
        for ids, score, rank in row:
            assert score == pytest.approx(model.score_anew(source, ids), rel=1e-4)
            assert rank == pytest.approx(score / penalty(len(ids), 0.7), rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_one_beam_is_greedy(toy, asked, seed):
    model, given = toy(seed=seed, eos_bias=1.5), asked(SOURCES, [12, 4, 12, 7, 1])
    one, other = beam.search(model, given, of(1)), writer.greedy(model, given)
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-5)
    np.testing.assert_allclose(one.penalised_scores, other.scores, rtol=1e-5)


def test_a_wider_beam_can_find_what_greedy_misses(toy, asked):
    found = [
        (beam.search(model, given, of(4)).scores, writer.greedy(model, given).scores)
        for seed in range(6)
        for model, given in [(toy(seed=seed, eos_bias=0.5), asked(SOURCES, [6] * 5))]
    ]
    gains = np.concatenate([(wide - narrow).numpy()[:, 0] for wide, narrow in found])
    assert (gains > 1e-3).sum() > 5


def test_the_score_of_a_long_output_is_rounded_once(toy, asked):
    model = toy(eos_bias=-100.0)
    model.out[:] = 0.0  # each token is as likely as any other
    one, many = (
        beam.search(model, asked([[3, 1]], [n]), of(2)).scores.numpy()[0, 0] for n in (1, 200)
    )
    assert many == np.float32(200 * np.float64(one))


def test_the_best_are_sorted_and_distinct(toy, asked, listed):
    model = toy(seed=2, eos_bias=1.0)
    found = listed(beam.search(model, asked(SOURCES, [9] * 5), of(5, alpha=0.6, n_best=5)))
    for row in found:
        ranks = [rank for *_, rank in row]
        assert ranks == sorted(ranks, reverse=True)
        assert len({tuple(ids) for ids, *_ in row}) == len(row) == 5


def test_fewer_are_given_where_there_are_no_more(toy, asked, listed):
    model = toy(size=4)  # the end and 2 tokens
    (row,) = listed(beam.search(model, asked(SOURCES[:1], [1]), of(6, n_best=6)))
    assert sorted(ids for ids, *_ in row) == [[1], [2], [3]]
    assert sum(np.exp(score) for _, score, _ in row) == pytest.approx(1.0)


@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_no_row_depends_on_its_neighbours(toy, asked, listed, alpha):
    model, limits = toy(seed=5, eos_bias=1.0), [9, 4, 9, 6, 2]
    wanted = of(3, alpha=alpha, n_best=2)
    together = listed(beam.search(model, asked(SOURCES, limits), wanted))
    for row, source in enumerate(SOURCES):
        (alone,) = listed(beam.search(model, asked([source], [limits[row]]), wanted))
        same(together[row], alone)


@pytest.mark.parametrize("change", ["early_exit", "shrink"])
@pytest.mark.parametrize("alpha", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("seed", [1, 3, 4])
def test_neither_an_early_exit_nor_leaving_rows_change_the_result(
    toy, asked, listed, seed, alpha, change
):
    model, given = toy(seed=seed, eos_bias=1.0), asked(SOURCES, [12, 3, 9, 12, 1])
    wanted = of(4, alpha=alpha, n_best=3)
    usual = tf.function(lambda: beam.search(model, given, wanted), autograph=False)()
    other = beam.search(model, given, wanted, **{change: False})
    for one, two in zip(listed(usual), listed(other), strict=True):
        same(one, two)


def test_an_early_exit_saves_positions(toy, asked):
    class Counting(toy):
        positions = 0

        def decode_step(self, task_name, ids, *rest):
            self.positions += ids.shape[0]
            return super().decode_step(task_name, ids, *rest)

    early, late = (Counting(seed=3, eos_bias=1.0) for _ in range(2))
    beam.search(early, asked(SOURCES, [20] * 5), of(2))
    beam.search(late, asked(SOURCES, [20] * 5), of(2), early_exit=False)
    assert late.positions == 20 * 5 * 2
    assert early.positions < late.positions / 4


def test_rows_begin_with_their_prefixes(toy, asked, listed):
    model, limits = toy(seed=1, eos_bias=1.0), [7, 7, 7, 2, 1]
    begun = [[7, 3], [5, 0], [0, 0], [4, 4], [6, 2]]  # the last is cut by its limit
    wanted = of(3, alpha=0.6, n_best=3)
    found = listed(beam.search(model, asked(SOURCES, limits, begun), wanted))
    for row, source in enumerate(SOURCES):
        real = [piece for piece in begun[row] if piece]
        expected = by_hand(model, source, limits[row], wanted, real)
        same(found[row], expected)
        assert all(ids[: len(real)] == real[: limits[row]] for ids, *_ in found[row])
    assert [len(row) for row in found] == [3, 3, 3, 1, 1]


def test_padding_is_never_chosen_and_counts_in_the_norm(toy, asked, listed):
    model = toy(pad_logit=5.0, eos_bias=-100.0)
    found = listed(beam.search(model, asked(SOURCES, [4] * 5), of(12, n_best=3)))
    for source, row in zip(SOURCES, found, strict=True):
        for ids, score, _ in row:
            assert 0 not in ids
            assert score == pytest.approx(model.score_anew(source, ids), rel=1e-4)


def test_the_memory_of_the_inputs_is_not_repeated(toy, asked):
    seen = set()

    class Watching(toy):
        def decode_step(self, task_name, ids, step, memory, state, command):
            seen.add((ids.shape[0], memory.shape[0], state["cache"].shape[0]))
            return super().decode_step(task_name, ids, step, memory, state, command)

    beam.search(Watching(eos_bias=-50.0), asked(SOURCES, [3] * 5), of(4))
    assert seen == {(20, 5, 20)}


def test_scores_that_are_no_numbers_come_out_as_such(toy, asked):
    class Diverged(toy):
        def decode_step(self, *given):
            logits, state = super().decode_step(*given)
            return logits * np.nan, state

    found = beam.search(Diverged(), asked(SOURCES, [4] * 5), of(3))
    assert not np.isfinite(found.scores.numpy()[:, 0]).any()
