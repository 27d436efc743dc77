import tensorflow as tf

from t2t_mm.layers import base, linear
from t2t_mm.modality import representation


class SeriesNet(base.Layer):
    """One position a step."""

    def __init__(self, spec, task, config, *, name=None):
        super().__init__(name=name)
        self.linear = linear.Linear(spec.channels, config.width, name="linear")

    def bottom(self, features, rng=None):
        steps = tf.cast(features[:, :, :-1], self.compute_dtype)
        return representation.Representation(self.linear(steps), features[:, :, -1])
