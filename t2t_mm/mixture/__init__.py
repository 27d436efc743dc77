"""Which problem a training step takes, and how the examples of several are shared out."""
