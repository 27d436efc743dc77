import tensorflow as tf

from t2t_mm.modality import features


class SeriesFeatures(features.Features):
    """To float32 `[B, T, channels + 1]`; the last channel is the mask."""

    ragged = True
    heavy = True

    def featurize(self, raw, *, training, seed=None):
        steps = self.lengths(raw)
        longest = features.round_up(tf.reduce_max(steps), self.length_multiple)
        channels = self.declaration.channels
        flat = tf.io.decode_raw(raw, tf.float32, fixed_length=4 * channels * longest)
        real = tf.sequence_mask(steps, longest, tf.float32)[:, :, tf.newaxis]
        return tf.concat([tf.reshape(flat, [-1, longest, channels]), real], axis=2)

    def lengths(self, raw):
        return tf.strings.length(raw) // (4 * self.declaration.channels)
