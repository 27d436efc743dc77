"""What a declaration of a problem must hold, and what is said of one that lacks it."""

import pathlib

import pytest

from t2t_mm import Problem, errors, register_problem, registry
from t2t_mm.modality import Categorical, Image, Language


def declaration(**changes):
    values = {
        "inputs": {"review": Language()},
        "targets": Categorical(classes=("1", "2")),
        "command": "to-stars",
        "metrics": ("accuracy",),
        "generate_examples": lambda self, split, files: iter(()),
        **changes,
    }
    return type("Made", (Problem,), values)


def test_a_whole_problem_is_registered_and_knows_its_name(registries):
    cls = register_problem("made_here")(declaration())
    assert registries.problems.get("made_here") is cls
    assert cls.name == "made_here"


def test_a_language_model_says_that_it_has_no_inputs(registries):
    register_problem("made_here")(declaration(inputs={}, targets=Language()))
    assert registries.problems.get("made_here")().describe()["inputs"] == {}


def test_it_is_filed_under_the_place_that_declared_it(registries):
    register_problem("made_here")(declaration())
    entry = next(entry for entry in registries.problems.entries() if entry.name == "made_here")
    assert pathlib.Path(entry.place.rpartition(":")[0]).name == "test_registration.py"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"targets": "stars"}, "targets is 'stars', not a modality"),
        ({"inputs": [Language()]}, "not a dict of modalities"),
        ({"inputs": {"a": "text"}}, "inputs holds a value that is not a modality"),
        ({"inputs": {"targets": Language()}}, "named 'targets' or 'key'"),
        ({"inputs": {}}, "inputs is empty; only text is made from nothing"),
        ({"inputs": Problem.inputs, "targets": Language()}, "inputs is missing"),
        ({"symbols": "(NP"}, "symbols is a string"),
        ({"symbols": ("(NP", "a b")}, "symbols holds 'a b', which is not a word"),
        ({"inputs": {"a": Categorical()}}, "the input 'a' is Categorical(), only for targets"),
        ({"targets": Image()}, "targets is Image(), which can only be an input"),
        ({"splits": "train"}, "splits is a string"),
        ({"sources": "manual"}, "sources is a string"),
        ({"splits": ("train",)}, "two different ones at least"),
        ({"splits": ("train", "train")}, "two different ones at least"),
        ({"optional_splits": ("validation",)}, "which may hold splits after the second only"),
        ({"version": 1}, "version is 1, not"),
        ({"version": "../1"}, "version is '../1', not"),
        ({"version": ""}, "version is '', not"),
        ({"splits": ("train", "../dev")}, "a split is named '../dev'"),
        ({"inputs": {"a/b": Language()}}, "an input is named 'a/b'"),
        ({"targets": Language(vocab="/etc")}, "a vocabulary is named '/etc'"),
        (
            {"targets": Language(words_of="texts")},
            "words_of='texts', and the inputs that are texts",
        ),
        ({"targets": Language(leaves=("NN",))}, "targets has leaves without words_of"),
        ({"targets": Language(leaves="NN")}, "leaves as a string; write ('NN',)"),
        ({"command": ""}, "command is empty"),
        ({"metrics": "accuracy"}, "metrics is a string"),
        ({"metric_tokenizer": "zhh"}, "metric_tokenizer is 'zhh', none of none, 13a"),
        ({"generate_examples": Problem.generate_examples}, "generate_examples is missing"),
        ({"answers": "yes"}, "answers is a string; write ('yes',)"),
        ({"targets": Language(), "answers": ("yes", " ")}, "answers holds ' ', which is not"),
        ({"answers": ("yes",), "targets": Categorical()}, "answers are texts, and targets is Cat"),
        ({"answers_of_training": -1}, "answers_of_training is -1, not a number of answers"),
    ],
)
def test_what_is_missing_or_wrong_is_said(registries, changes, reason):
    with pytest.raises(errors.PluginError, match="'made_here'") as caught:
        register_problem("made_here")(declaration(**changes))
    assert reason in str(caught.value)
    assert "made_here" not in registry.problems


@pytest.mark.parametrize("name", ["vocabularies", "raw_sample"])
def test_a_name_that_data_folders_use_is_refused(registries, name):
    with pytest.raises(errors.PluginError, match="for itself"):
        register_problem(name)(declaration())


def test_a_bare_decorator_is_answered_with_the_name_it_lacks(registries):
    class MyReviews(Problem):
        pass

    with pytest.raises(errors.PluginError) as caught:
        register_problem(MyReviews)
    assert "MyReviews is registered without a name" in str(caught.value)
    assert '@register_problem("my_reviews")' in str(caught.value)


@pytest.mark.parametrize(
    "what", [dict, declaration()(), lambda: None], ids=["class", "instance", "function"]
)
def test_only_a_subclass_of_problem_is_registered(registries, what):
    with pytest.raises(errors.PluginError, match="is no subclass of Problem"):
        register_problem("made_here")(what)
    assert "made_here" not in registries.problems
