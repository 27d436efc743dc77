import gc
import weakref

import tensorflow as tf

from t2t_mm.decoding import compiled, settings

SPEC = {"inputs": tf.TensorSpec([None, None], tf.int32)}


def test_no_batch_shape_traces_again(toy, task):
    model = toy()
    limits = settings.DecodeSettings(max_length=4)
    for rows, length in [(1, 2), (3, 5), (2, 7), (4, 1)]:
        search = compiled.of(model).search(task, limits, SPEC)
        search({"inputs": tf.ones([rows, length], tf.int32)})
    assert compiled.of(model).traces() == 1


def test_functions_see_the_weights_of_the_moment(toy, task):
    class Live(toy):
        def __init__(self):
            super().__init__()
            self.bias = tf.Variable(self.bias)

    model = Live()
    search = compiled.of(model).search(task, settings.DecodeSettings(max_length=3), SPEC)
    inputs = {"inputs": tf.constant([[4, 1]])}
    model.bias.assign(100 * tf.one_hot(5, 11))
    assert search(inputs).ids.numpy().tolist() == [[5, 5, 5]]
    model.bias.assign(100 * tf.one_hot(7, 11))
    assert search(inputs).ids.numpy().tolist() == [[7, 7, 7]]


def test_a_model_that_nobody_holds_is_let_go(toy, task):
    model = toy()
    compiled.of(model).search(task, settings.DecodeSettings(), SPEC)(
        {"inputs": tf.ones([1, 2], tf.int32)}
    )
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
