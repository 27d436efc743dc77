"""Problems: how they describe themselves."""

import pytest

from t2t_mm import Problem, errors, registry
from t2t_mm.modality import Categorical, Image, Language, from_description


def test_modalities_survive_their_description():
    for modality in (
        Language(vocab="own", max_length=7),
        Image(size=64, augment=False),
        Categorical(classes=("a", "b")),
        Categorical(labels="animals"),
    ):
        assert from_description(modality.describe()) == modality


def test_a_description_with_a_strange_parameter_is_refused():
    with pytest.raises(errors.ConfigError, match="Did you mean 'size'"):
        from_description({"modality": "image", "sizes": 64})


def test_every_built_in_problem_is_whole():
    for name in registry.problems.names():
        made = registry.problems.get(name)()
        described = made.describe()
        assert described["name"] == name
        assert made.splits[0] == "train"
        assert made.metrics, name
        for metric in made.metrics:
            assert metric in registry.metrics, (name, metric)
        assert set(made.sources) <= {"sample", "manual", "tfds", "download"}
        if "manual" in made.sources:
            assert made.layout, f"{name} does not say which raw files it expects"


def test_a_problem_without_sample_data_says_so(tmp_path):
    with pytest.raises(errors.ConfigError, match="no sample data"):
        Problem().make_sample(tmp_path, seed=0, size=1)
