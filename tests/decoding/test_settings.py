import pytest

from t2t_mm import errors
from t2t_mm.decoding import settings

Settings = settings.DecodeSettings


def test_defaults_are_greedy():
    made = Settings()
    assert (made.beam_size, made.samples, made.n_best) == (1, False, 1)


@pytest.mark.parametrize(
    "given",
    [{"beam_size": 4, "alpha": 0.6, "n_best": 4}, {"temperature": 0.7, "top_k": 5, "n_best": 9}]
    + [{"temperature": 1.0, "top_p": 0.9}, {"beam_size": 4, "seed": 3}],
)
def test_what_goes_together_is_taken(given):
    assert Settings(**given) == Settings().override(given)


CONTRADICTIONS = [
    ({"beam_size": 4, "temperature": 1.0}, "--beam_size=4, --temperature=1.0"),
    ({"top_k": 5}, "--top_k=5, --temperature=0.0"),
    ({"top_p": 0.9}, "--top_p=0.9, --temperature=0.0"),
    ({"beam_size": 4, "top_k": 5}, "--top_k=5, --temperature=0.0"),
    ({"alpha": 0.6}, "--alpha=0.6, --beam_size=1"),
    ({"alpha": 0.6, "temperature": 1.0}, "--alpha=0.6, --beam_size=1"),
    ({"n_best": 2}, "--n_best=2, --beam_size=1"),
    ({"beam_size": 4, "n_best": 5}, "--n_best=5, --beam_size=4"),
]


@pytest.mark.parametrize(("given", "said"), CONTRADICTIONS)
def test_what_has_no_effect_is_refused_with_both_flags_and_a_way_out(given, said):
    for make in (lambda: Settings(**given), lambda: Settings().override(given)):
        with pytest.raises(errors.ConfigError) as caught:
            make()
        assert f"Received: {said}" in str(caught.value)
        assert "Give --" in str(caught.value) or "Leave one" in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [{"beam_size": 0}, {"alpha": -0.1}, {"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}]
    + [{"top_p": 1.1}, {"n_best": 0}, {"max_length": 0}, {"seed": -1}, {"seed": 2**63}],
)
def test_values_out_of_range_are_refused(given):
    (name,) = given
    with pytest.raises(errors.ConfigError, match=f"setting {name} is out of range"):
        Settings(**given)


BEAM = Settings(beam_size=4, alpha=0.6, n_best=3, max_length=40)
SAMPLES = Settings(temperature=0.8, top_k=5, top_p=0.9, n_best=3, seed=7)


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        (BEAM, {}, BEAM),
        (BEAM, {"alpha": 1.0}, Settings(beam_size=4, alpha=1.0, n_best=3, max_length=40)),
        (BEAM, {"beam_size": 2}, Settings(beam_size=2, alpha=0.6, max_length=40)),
        (BEAM, {"beam_size": 1}, Settings(max_length=40)),
        (BEAM, {"temperature": 1.0}, Settings(temperature=1.0, n_best=3, max_length=40)),
        (SAMPLES, {"beam_size": 4}, Settings(beam_size=4, n_best=3, seed=7)),
        (SAMPLES, {"temperature": 0.0}, Settings(seed=7)),
        (SAMPLES, {"seed": 8}, Settings(temperature=0.8, top_k=5, top_p=0.9, n_best=3, seed=8)),
    ],
)
def test_what_is_given_wins_and_another_way_of_search_gives_way(before, given, after):
    assert before.override(given) == after


@pytest.mark.parametrize(
    "given", [{"beam_size": 1, "alpha": 0.6}, {"temperature": 1.0, "beam_size": 2}, {"n_best": 5}]
)
def test_what_is_given_never_gives_way(given):
    with pytest.raises(errors.ConfigError):
        BEAM.override(given)
