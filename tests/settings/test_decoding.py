import math
import types

import pytest

from t2t_mm import errors
from t2t_mm.settings import decoding

Settings = decoding.DecodeSettings


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
    + [{"top_p": 1.1}, {"temperature": 1e-4}, {"temperature": math.inf}, {"alpha": math.nan}]
    + [
        {"length_constant": 10**9},
        {"length_factor": math.inf},
        {"n_best": 0},
        {"max_length": 0},
        {"seed": -1},
        {"seed": 2**63},
    ],
)
def test_values_out_of_range_are_refused(given):
    (name,) = given
    with pytest.raises(errors.ConfigError, match=f"setting {name} is out of range"):
        Settings(**given)


LIMITS = {"max_length", "length_factor", "length_constant"}
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
    "given", [{"beam_size": 1, "alpha": 0.6}, {"temperature": 1.0, "beam_size": 2}]
)
def test_what_is_given_never_gives_way(given):
    with pytest.raises(errors.ConfigError):
        BEAM.override(given)


TEXT, CLASSES = (
    types.SimpleNamespace(targets=types.SimpleNamespace(autoregressive=is_text))
    for is_text in (True, False)
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_best": 2}, "Received: --n_best=2, --beam_size=1. Give --beam_size=2"),
        ({"beam_size": 4, "n_best": 5}, "Received: --n_best=5, --beam_size=4. Give --beam_size=5"),
    ],
)
def test_a_text_has_no_more_best_ones_than_the_search_keeps_and_a_class_has(given, said):
    made = Settings().override(given)
    assert made.n_best == given["n_best"]
    made.check(CLASSES)
    with pytest.raises(errors.ConfigError, match=said):
        made.check(TEXT)
    Settings(temperature=1.0, n_best=9).check(TEXT)


def test_a_misspelt_setting_gets_a_suggestion_and_a_wrong_type_is_told():
    with pytest.raises(errors.ConfigError, match="Did you mean 'beam_size'"):
        Settings().override({"beamsize": 4})
    with pytest.raises(errors.ConfigError, match="beam_size"):
        Settings().override({"beam_size": "4"})
    assert Settings().override({"temperature": 1}).temperature == 1.0


def test_the_least_temperature_is_the_likeliest_piece():
    assert Settings(temperature=0.001).samples
    with pytest.raises(errors.ConfigError, match=r"--temperature=1e-30.*0 takes the likeliest"):
        Settings(temperature=1e-30)


@pytest.mark.parametrize(
    ("made", "label"),
    [
        (Settings(), "greedy"),
        (Settings(seed=3), "greedy"),  # nothing is drawn
        (Settings(max_length=40), "greedy_max_length_40"),
        (Settings(beam_size=4, alpha=0.6), "beam_4_alpha_0.6"),
        (BEAM, "beam_4_alpha_0.6_n_best_3_max_length_40"),
        (SAMPLES, "temperature_0.8_top_k_5_top_p_0.9_seed_7_n_best_3"),
        (Settings(temperature=1.0), "temperature_1_seed_0"),
    ],
)
def test_a_label_says_what_the_search_was(made, label):
    assert made.label == label


def test_a_description_holds_what_decides():
    assert set(BEAM.describe()) == {"beam_size", "alpha", "n_best"} | LIMITS
    drawn = {"temperature", "top_k", "top_p", "seed", "n_best"}
    assert set(SAMPLES.describe()) == drawn | LIMITS - {"max_length"}  # that of the targets
    assert Settings().describe()["beam_size"] == 1
