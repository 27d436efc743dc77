"""How users name kinds of damage."""

import pytest

from t2t_mm import errors
from t2t_mm.evaluation.robustness import kinds, result
from t2t_mm.modality import Audio, Categorical, Image, Language
from tests.models import conftest

PICTURES = conftest.make_task("pictures", {"image": Image(size=32)}, Categorical(), "to-class")
ASKED = conftest.make_task(
    "asked", {"image": Image(size=32), "question": Language()}, Language(), "to-answer"
)
NOTHING = conftest.make_task("nothing", {}, Language(), "to-text")


def names(task, *patterns):
    return [kind.name for kind in kinds.chosen([task], patterns)[task.name]]


def test_names_families_and_globs_stand_for_kinds():
    assert names(PICTURES, "blur") == ["gaussian_blur", "defocus_blur", "motion_blur"]
    assert names(PICTURES, "jpeg", "pgd") == ["jpeg", "pgd"]
    assert names(PICTURES, "gaussian_*") == ["gaussian_noise", "gaussian_blur"]
    assert len(names(PICTURES, "all")) == 14  # twelve corruptions and two attacks


def test_kinds_of_several_inputs_carry_their_names():
    assert names(ASKED, "jpeg", "typos") == ["image:jpeg", "question:typos"]
    assert names(ASKED, "attack") == ["image:fgsm", "image:pgd", "question:fgsm", "question:pgd"]
    assert names(ASKED, "question:words") == ["question:dropped_words", "question:swapped_words"]


def test_a_kind_need_be_of_one_problem_only():
    found = kinds.chosen([PICTURES, NOTHING], ["noise"])
    assert len(found["pictures"]) == 3
    assert found["nothing"] == []
    with pytest.raises(errors.ConfigError, match=r"no corruption 'jpg' of pictures.*Did you mean"):
        kinds.chosen([PICTURES, NOTHING], ["noise", "jpg"])
    with pytest.raises(errors.ConfigError, match="No problem has an input to damage: nothing"):
        kinds.chosen([NOTHING], ["all"])


@pytest.mark.parametrize("declared", [Image(), Audio(), Language()])
def test_kinds_have_names_of_their_own_and_radii_grow(declared):
    found = [each.kind for each in declared.corruptions()]
    assert len(set(found)) == len(found) >= 6
    assert not {"fgsm", "pgd", "attack", "all"} & set(found)
    radii = declared.attack().radii
    assert list(radii) == sorted(set(radii))


def test_the_score_is_a_mean_over_corruptions_beside_one_over_attacks():
    curves = {
        "noise": {"1": {"accuracy": 0.6}, "2": {"accuracy": 0.4}},
        "blur": {"1": {"accuracy": 0.8}, "2": {"accuracy": 0.2}},
        "fgsm": {"1": {"accuracy": 0.1}, "2": {"accuracy": 0.0}},
    }
    families = {"noise": "noise", "blur": "blur", "fgsm": kinds.ATTACK}
    found = result.Robustness("test", 10, 3, 0, {"accuracy": 0.8}, curves, families).describe()
    assert found["score"] == {"accuracy": pytest.approx(0.5)}  # (0.6 + 0.4 + 0.8 + 0.2) / 4
    assert found["relative"] == {"accuracy": pytest.approx(0.625)}
    assert found["attack_score"] == {"accuracy": pytest.approx(0.05)}
    assert found["attack_relative"] == {"accuracy": pytest.approx(0.0625)}
    assert found["kinds"]["blur"]["2"] == {"accuracy": 0.2}
