"""`t2t_mm.list_problems`."""

import pytest

import t2t_mm
from t2t_mm import errors


def test_problems_are_listed_with_their_declaration():
    names = [problem["name"] for problem in t2t_mm.list_problems()]
    assert names == sorted(names)
    (problem,) = t2t_mm.list_problems("fsdd")
    assert problem["inputs"]["audio"]["modality"] == "audio"
    assert problem["plugin"] == "t2t_mm.problems.fsdd"


def test_patterns_choose_and_are_checked():
    assert len(t2t_mm.list_problems(["wmt_*", "fsdd"])) == 7
    with pytest.raises(errors.ConfigError, match="Did you mean 'fsdd'"):
        t2t_mm.list_problems("fsd")


def test_one_that_cannot_describe_itself_is_left_out_with_a_warning(registries):
    registries.problems.add("odd_one", "collections:no_such_thing")
    with pytest.warns(UserWarning, match="problem odd_one"):
        names = [problem["name"] for problem in t2t_mm.list_problems()]
    assert "odd_one" not in names and "fsdd" in names
