"""Features: sounds with their rate; test_declaration.py shows the others as records."""

import numpy as np
import pytest

from t2t_mm import errors
from t2t_mm.modality import Audio, Modality
from tests.problem_bases.tfds import conftest


@pytest.fixture
def opened(prepared):
    """Returns a function: the fields of the data set for one input, and its examples."""
    from t2t_mm.problem_bases.tfds import features, reading

    data = reading.open_data(conftest.NAME, prepared)

    def call(path, *, declared=None, rate=None, bits=16):
        wanted = [features.Wanted("inputs", path, declared or Audio())]
        field = features.find(data, wanted, features.Sound(rate, bits))["inputs"]
        return [field.value(e) for _, e in reading.examples(data, "train", {"inputs": field})]

    return call


def test_sounds_are_scaled_and_have_their_rate(opened):
    samples, rate = max(opened("sound"), key=lambda one: one[0][-1])
    assert rate == 8000
    assert samples.dtype == np.float32
    # Of number 19: 0, 1, 2 and 3 times 500 x 19.
    np.testing.assert_array_equal(samples, np.float32([0, 9_500, 19_000, 28_500]) / 32_768)


def test_the_rate_of_tfds_stands(opened):
    assert {rate for _, rate in opened("sound", rate=16_000)} == {8000}


def test_a_sound_without_a_rate(opened):
    with pytest.raises(errors.DataError, match="'loud'.*sample rate.*sample_rate = 16_000"):
        opened("loud")


def test_samples_of_more_bits(opened):
    for value in opened("loud", rate=8000):
        assert isinstance(value, errors.BadExampleError)
        assert "more than 16 bits. Received: 1048576." in str(value)
    samples, rate = opened("loud", rate=8000, bits=24)[0]
    assert (samples.tolist(), rate) == ([0.0, 0.125], 8000)


def test_a_tensor_feeds_a_modality_of_arrays(opened):
    values = opened("colours", declared=Modality())
    assert len(values) == 20
    np.testing.assert_array_equal(values[0], np.zeros(3, np.float32))
    with pytest.raises(errors.DataError, match="cannot feed"):
        opened("colours")
    with pytest.raises(errors.DataError, match="cannot feed"):
        opened("title", declared=Modality())
