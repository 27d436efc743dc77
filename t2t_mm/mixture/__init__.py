"""Mixtures of problems and their sampling rates over the steps of a training."""
