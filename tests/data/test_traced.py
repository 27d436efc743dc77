"""Data sets of one graph: each with its own arguments, and alive without the others."""

import gc

import tensorflow as tf

from t2t_mm.data import traced


class Adder:
    """Counts how often its data sets are traced."""

    def __init__(self, addend):
        self.addend, self.traces = addend, 0

    def build(self, given):
        self.traces += 1
        first, values = given
        return tf.data.Dataset.from_tensor_slices(values).map(lambda x: x + first + self.addend)


def made(adder, key, first, values):
    arguments = (tf.constant(first, tf.int64), tf.constant(values, tf.int64))
    return traced.dataset(key, adder.build, arguments)


def numbers(dataset):
    return [int(value) for value in dataset]


def test_a_graph_is_traced_once_and_each_data_set_has_its_own_arguments():
    adder = Adder(100)
    some, others = made(adder, "once", 1, [1, 2]), made(adder, "once", 5, [7, 8, 9])
    assert numbers(some) == [102, 103]  # 1 + 1 + 100, 2 + 1 + 100
    assert numbers(others) == [112, 113, 114]  # 7 + 5 + 100 and on
    assert numbers(some) == [102, 103]
    assert adder.traces == 1
    assert some.element_spec == others.element_spec == tf.TensorSpec([], tf.int64)


def test_other_keys_and_none_have_graphs_of_their_own():
    adder, other = Adder(0), Adder(1)
    assert numbers(made(adder, "left", 0, [1])) == [1]
    assert numbers(made(other, "right", 0, [1])) == [2]
    assert numbers(made(other, None, 0, [1])) == [2]
    assert numbers(made(adder, None, 0, [1])) == [1]
    assert (adder.traces, other.traces) == (2, 2)


def test_a_data_set_outlives_its_graphs_place_among_those_kept(monkeypatch):
    monkeypatch.setattr(traced, "MOST", 1)
    adder = Adder(0)
    first = made(adder, "first", 3, [1])
    assert numbers(made(adder, "second", 4, [1])) == [5]
    gc.collect()
    assert numbers(first) == [4]
    assert numbers(made(adder, "first", 5, [1])) == [6]
    assert adder.traces == 3  # the first one twice, for only one graph is kept
