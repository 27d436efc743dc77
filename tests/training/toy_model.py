"""A model of three numbers a problem, whose gradients can be written down."""

import keras
import numpy as np
import tensorflow as tf

SPEC = {"inputs": {"x": tf.TensorSpec([None], tf.float32)}}


class ToyModel:
    """Problems `a` and `b` share one vector and have one of their own.

    The loss of a batch x is the sum of x * (shared + own), so that the gradients of both are x.
    """

    def __init__(self, problems=("a", "b"), size=2):
        self.shared = keras.Variable(np.ones([size], np.float32), name="shared")
        self.own = {
            name: keras.Variable(np.full([size], 2.0, np.float32), name=name) for name in problems
        }
        self.trainable_variables = [self.shared, *self.own.values()]

    def loss(self, name, batch, *, training, seed, command):
        del training, seed, command
        weights = tf.convert_to_tensor(self.shared) + tf.convert_to_tensor(self.own[name])
        loss = tf.reduce_sum(batch["inputs"]["x"] * weights)
        return loss, {"loss": loss, "tokens": tf.constant(1.0)}

    def traced_as(self, name):
        return name

    def command_row(self, name):
        return list(self.own).index(name)

    def take_updates(self):
        return []


def batch(*values):
    """Returns a batch whose gradients are these values."""
    return {"inputs": {"x": tf.constant(values, tf.float32)}}
