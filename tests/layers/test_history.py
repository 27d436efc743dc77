"""Histories against lists that are copied whenever a hypothesis goes on with another."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import attention, history

B, D, STEPS = 3, 4, 23


class Lists:
    """What each hypothesis has seen, copied at every change."""

    def __init__(self, rows):
        self.seen = [[] for _ in range(rows)]

    def write(self, x):
        for own, vector in zip(self.seen, x, strict=True):
            own.append(vector)

    def choose(self, rows):
        self.seen = [list(self.seen[row]) for row in rows]

    def taps(self, count, distance):
        """The last, and those `distance` apart before it, the oldest first: [count, R, D]."""
        return np.stack([[own[-1 - distance * n] for own in self.seen] for n in range(count)][::-1])

    def whole(self):
        return np.stack(self.seen)  # [R, T, D]


def _within(random, inputs, beams):
    """Numbers of hypotheses, each of the same input as that in whose place it comes."""
    return (
        np.arange(inputs)[:, None] * beams + random.integers(beams, size=(inputs, beams))
    ).ravel()


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize(("length", "distance"), [(3, 1), (7, 3), (40, 8)])
def test_a_ring_gives_each_what_it_has_seen(random, beams, length, distance):
    lists, ring, lineage = Lists(B * beams), history.ring(length, B, D, "float32"), None
    ring, lineage = ring.share(beams), history.lineage(B).share(beams)
    for t in range(STEPS):
        place, lineage = lineage.at(tf.constant(t))
        x = random.normal(size=(len(lists.seen), D)).astype(np.float32)
        lists.write(x)
        ring = ring.write(tf.constant(x), place)
        count = min(t // distance, (length - 1) // distance) + 1
        taps, ring = ring.read(place, tf.constant(count), distance)
        np.testing.assert_array_equal(taps, lists.taps(count, distance))
        rows = _within(random, len(lists.seen) // beams, beams)
        lists.choose(rows)
        ring, lineage = ring.reorder(tf.constant(rows)), lineage.reorder(tf.constant(rows))
        if t in (4, 16):  # an input leaves, the middle one first
            rows = np.delete(np.arange(len(lists.seen)), np.s_[beams : 2 * beams])
            lists.choose(rows)
            kept = tf.constant(rows), tf.constant(t + 1)
            ring, lineage = ring.keep(*kept), lineage.keep(*kept)


@pytest.mark.parametrize("beams", [1, 4])
def test_self_attention_sees_what_each_has_seen(random, shake, beams):
    layer = attention.SelfAttention(8, 2, causal=True)
    shake(layer)
    lists, cache = Lists(B * beams), layer.start(B).share(beams)
    lineage = history.lineage(B).share(beams)
    for t in range(9):
        place, lineage = lineage.at(tf.constant(t))
        x = random.normal(size=(len(lists.seen), 8)).astype(np.float32)
        lists.write(x)
        y, cache = layer.step(tf.constant(x), place, cache)
        np.testing.assert_allclose(y, layer(tf.constant(lists.whole()))[:, -1], atol=1e-5)
        rows = _within(random, len(lists.seen) // beams, beams)
        lists.choose(rows)
        cache, lineage = cache.reorder(tf.constant(rows)), lineage.reorder(tf.constant(rows))
        if t == 4:
            rows = np.arange(beams, B * beams)
            lists.choose(rows)
            kept = tf.constant(rows), tf.constant(t + 1)
            cache, lineage = cache.keep(*kept), lineage.keep(*kept)


def test_a_ring_written_in_a_compiled_loop_is_that_written_step_by_step(random):
    xs = tf.constant(random.normal(size=(STEPS, 2, D)), tf.float32)

    def begin():
        return history.ring(5, 2, D, "float32"), tf.zeros([STEPS, 2, D])

    def step(t, ring, sums):
        ring = ring.write(xs[t], history.Place(t))  # waits for nothing but what was read
        taps, ring = ring.read(history.Place(t), tf.minimum(t // 2 + 1, 3), 2)
        sums = tf.tensor_scatter_nd_update(sums, [[t]], [tf.reduce_sum(taps, 0)])
        return t + 1, ring, sums

    @tf.function(autograph=False)
    def compiled():
        return tf.while_loop(lambda t, *_: t < STEPS, step, (tf.constant(0), *begin()))[2]

    ring, sums = begin()
    for t in range(STEPS):
        _, ring, sums = step(tf.constant(t), ring, sums)
    for _ in range(3):  # nothing is left over
        np.testing.assert_allclose(compiled(), sums, atol=1e-5)


def test_an_eager_ring_stays_as_it_was():
    before = history.ring(2, 1, D, "float32").write(tf.ones([1, D]), history.Place(tf.constant(0)))
    place = history.Place(tf.constant(2))  # in the slot of position 0
    after = before.write(2 * tf.ones([1, D]), place)
    assert before.vectors[0, 0, 0] == 1
    assert after.vectors[0, 0, 0] == 2


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_ring_holds_what_models_compute_in(dtype):
    @tf.function(autograph=False)
    def compiled(x):
        place = history.Place(tf.constant(0))
        return history.ring(3, 2, D, dtype).write(x, place).read(place, tf.constant(1), 1)[0]

    found = compiled(tf.fill([2, D], tf.constant(1.5, dtype)))
    assert found.dtype == dtype
    np.testing.assert_array_equal(tf.cast(found, tf.float32), np.full([1, 2, D], 1.5))


def test_hypotheses_that_know_nothing_of_each_other_have_each_its_own(random, shake):
    layer = attention.SelfAttention(8, 2, causal=True)
    shake(layer)
    x = tf.constant(random.normal(size=(6, 5, 8)), tf.float32)
    cache, lineage = layer.start(2).repeat(3), history.lineage(2).repeat(3)
    for t in range(5):
        place, lineage = lineage.at(tf.constant(t))
        y, cache = layer.step(x[:, t], place, cache)
    np.testing.assert_allclose(y, layer(x)[:, -1], atol=1e-5)
