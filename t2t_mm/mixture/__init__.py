"""Mixtures of problems and their shares of the steps of a training."""
