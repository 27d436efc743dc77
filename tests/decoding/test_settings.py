import pytest

from t2t_mm import errors
from t2t_mm.decoding import settings


def test_defaults_are_greedy():
    settings.DecodeSettings().check_greedy()


@pytest.mark.parametrize(
    "given",
    [{"beam_size": 4}, {"alpha": 0.6}, {"temperature": 1.0}, {"top_k": 5}, {"top_p": 0.9}]
    + [{"n_best": 2}],
)
def test_what_needs_a_beam_or_sampling_is_refused(given):
    name, value = next(iter(given.items()))
    with pytest.raises(errors.ConfigError, match=f"Received: --{name}={value}"):
        settings.DecodeSettings(**given).check_greedy()


@pytest.mark.parametrize("given", [{"beam_size": 0}, {"top_p": 0.0}, {"max_length": 0}])
def test_values_out_of_range_are_refused(given):
    with pytest.raises(errors.ConfigError, match="out of range"):
        settings.DecodeSettings(**given)
