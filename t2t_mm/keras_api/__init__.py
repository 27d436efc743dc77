"""Keras in a notebook: a problem's batches as a `tf.data.Dataset`, its model as a Keras one."""
