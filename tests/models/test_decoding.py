"""Every search on real models: its scores are those of the full pass."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import compiled, settings
from tests.models import conftest

SPEC = {"inputs": tf.TensorSpec([None, None], tf.int32)}
LIMITS = {"max_length": 14, "length_factor": 1.5, "length_constant": 2}
SEARCHES = {
    "greedy": {},
    "beam": {"beam_size": 3, "alpha": 0.6, "n_best": 3},
    "samples": {"temperature": 1.0, "top_k": 9, "n_best": 2},
}


def sources():
    """Four rows of different lengths, so of different limits: 14, 8, 5, 11."""
    ids = np.random.default_rng(3).integers(3, conftest.PIECES, (4, 9))
    for row, length in enumerate((9, 4, 2, 6)):
        ids[row, length:] = 0
    return tf.constant(ids, tf.int32)


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_scores_are_the_log_probabilities_of_the_full_pass(model, name):
    wanted = settings.DecodeSettings(**LIMITS, **SEARCHES[name])
    inputs = {"inputs": sources()}
    found = compiled.of(model).search(model.tasks["ende"], wanted, SPEC)(inputs)
    assert found.lengths.numpy().max() > 8
    for number in range(wanted.n_best):
        ids = found.ids[:, number]
        log_probs = tf.nn.log_softmax(model({"inputs": inputs, "targets": ids}, "ende"))
        own = tf.gather(log_probs, ids, batch_dims=2).numpy() * (ids.numpy() != 0)
        np.testing.assert_allclose(found.scores[:, number], own.sum(1), rtol=1e-4)
    if name == "beam":
        assert (np.diff(found.ranks.numpy(), axis=1) <= 0).all()


def test_a_beam_finds_no_less_than_greedy(model):
    task, inputs = model.tasks["ende"], {"inputs": sources()}
    alone, wide = (
        compiled.of(model).search(task, settings.DecodeSettings(**LIMITS, **given), SPEC)(inputs)
        for given in ({}, {"beam_size": 3, "alpha": 0.6, "n_best": 3})
    )
    penalty = ((5 + alone.lengths.numpy()[:, 0]) / 6) ** 0.6
    assert (wide.ranks.numpy()[:, 0] >= alone.scores.numpy()[:, 0] / penalty - 1e-4).all()
