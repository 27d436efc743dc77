"""What Keras in a notebook takes from here: a problem's batches, and its model."""
