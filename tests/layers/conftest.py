"""What the tests of layers share."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def reference():
    """The formulae of the papers in plain NumPy: the module `reference.py`."""
    path = pathlib.Path(__file__).parent / "reference.py"
    spec = importlib.util.spec_from_file_location("layers_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def random():
    """A NumPy generator with a fixed seed."""
    return np.random.default_rng(7)


@pytest.fixture
def bfloat16():
    """The policy mixed_bfloat16, for the time of one test."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.fixture
def shake(random):
    """Returns a function that sets every weight of a layer to random numbers.

    Fresh weights hide mistakes: norms that scale by one, gates and offsets of zero.
    """

    def set_weights(layer, scale=0.5):
        for variable in layer.trainable_variables:
            variable.assign(random.normal(scale=scale, size=variable.shape))

    return set_weights
