import dataclasses
import gc
import weakref

import numpy as np
import tensorflow as tf

from t2t_mm.decoding import functions, sampling
from t2t_mm.settings import decoding

SPEC = {"inputs": tf.TensorSpec([None, None], tf.int32)}


def test_no_batch_shape_traces_again(toy, task):
    model = toy()
    limits = decoding.DecodeSettings(max_length=4, beam_size=2)
    for rows, length in [(1, 2), (3, 5), (2, 7), (4, 1)]:
        search = functions.of(model).search(task, limits, SPEC)
        search({"inputs": tf.ones([rows, length], tf.int32)})
    assert functions.of(model).traces() == 1


def test_another_seed_draws_anew_without_tracing(toy, task):
    model, found = toy(), []
    wanted = decoding.DecodeSettings(max_length=8, temperature=1.0)
    for seed in (1, 2, 1):
        search = functions.of(model).search(task, dataclasses.replace(wanted, seed=seed), SPEC)
        found.append(search({"inputs": tf.constant([[4, 5, 1]] * 6)}).ids.numpy())
    np.testing.assert_array_equal(found[0], found[2])
    assert found[0].tolist() != found[1].tolist()
    assert functions.of(model).traces() == 1


def test_places_decide_what_is_sampled(toy, task):
    wanted = decoding.DecodeSettings(max_length=6, temperature=1.0)
    model, batch = toy(), {"inputs": tf.constant([[4, 5, 1]] * 3)}
    search = functions.of(model).search(task, wanted, SPEC)
    first = search(batch).ids.numpy()
    np.testing.assert_array_equal(first, search(batch, tf.range(3)).ids)
    moved = search(batch, tf.constant([2, 0, 1])).ids.numpy()
    np.testing.assert_array_equal(first[[2, 0, 1]], moved)


def test_each_way_to_search_gives_as_many_as_are_wanted(toy, task):
    model, batch = toy(), {"inputs": tf.constant([[4, 5, 1]] * 2)}
    for given, count in (({}, 1), ({"beam_size": 3, "n_best": 2}, 2), ({"temperature": 1.0}, 1)):
        search = functions.of(model).search(task, decoding.DecodeSettings(**given), SPEC)
        assert search(batch).scores.shape == (2, count)


def test_seeds_are_of_the_settings_and_the_example():
    seeds = sampling.row_seeds(2**40, tf.constant([5, 9]))
    assert seeds.numpy().tolist() == [[2**40, 5], [2**40, 9]]


def test_functions_see_the_weights_of_the_moment(toy, task):
    class Live(toy):
        def __init__(self):
            super().__init__()
            self.bias = tf.Variable(self.bias)

    model = Live()
    search = functions.of(model).search(task, decoding.DecodeSettings(max_length=3), SPEC)
    inputs = {"inputs": tf.constant([[4, 1]])}
    model.bias.assign(100 * tf.one_hot(5, 11))
    assert search(inputs).ids.numpy().tolist() == [[[5, 5, 5]]]
    model.bias.assign(100 * tf.one_hot(7, 11))
    assert search(inputs).ids.numpy().tolist() == [[[7, 7, 7]]]


def test_a_model_that_nobody_holds_is_let_go(toy, task):
    model = toy()
    functions.of(model).search(task, decoding.DecodeSettings(), SPEC)(
        {"inputs": tf.ones([1, 2], tf.int32)}
    )
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
