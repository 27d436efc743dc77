"""Training: the loop, its steps, optimizers, checkpoint averaging and distribution."""
