"""Sizes of batches are checked where they are made."""

import pytest

from t2t_mm import errors
from t2t_mm.settings import batching


@pytest.mark.parametrize("field", ["batch_tokens", "batch_examples", "length_multiple"])
def test_a_size_below_one_is_named(field):
    with pytest.raises(errors.ConfigError, match=f"Batching.{field}"):
        batching.Batching(**{field: 0})


def test_what_is_too_long_is_cut_or_dropped():
    with pytest.raises(errors.ConfigError, match="Batching.too_long.*'cut' or 'drop'"):
        batching.Batching(too_long="leave")


def test_one_example_must_fit_into_a_batch():
    with pytest.raises(errors.ConfigError, match="max_length"):
        batching.Batching(batch_tokens=128, max_length=129)
