"""Task: a problem bound to its data, and back from its description."""

import json

import pytest

from t2t_mm import errors, registry, vocabulary
from t2t_mm.data import task
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.problem import Problem, register_problem

TEXT = ["a red circle above a blue square", "ein roter Kreis"] * 20


def define(name, inputs, targets):
    def generate_examples(self, split, files):
        raise NotImplementedError

    members = {
        "inputs": inputs,
        "targets": targets,
        "command": f"to-{name}",
        "metrics": ("accuracy",),
        "generate_examples": generate_examples,
    }
    return register_problem(name)(type(name.title(), (Problem,), members))


@pytest.fixture
def data_dir(registries, write_data):
    define("naming", {"image": Image(size=32)}, Categorical())
    define(
        "answering",
        {"image": Image(size=32), "question": Language(vocab="tiny")},
        Language(vocab="tiny"),
    )
    example = {"image": b"-", "question": b"what", "targets": b"cat"}
    write_data("naming", {"train": [example] * 3}, classes=("cat", "dog"))
    folder = write_data("answering", {"train": [example] * 5})
    vocabulary.build("tiny", TEXT, size=300).save(folder / "vocabularies" / "tiny")
    return folder


def test_classes_come_from_the_data(data_dir):
    bound = task.Task.from_data("naming", data_dir)
    assert bound.targets == Categorical(classes=("cat", "dog"))
    assert bound.vocabularies == {}
    assert bound.manifest().examples("train") == 3


def test_declared_classes_win(registries, write_data):
    define("declared", {"image": Image(size=32)}, Categorical(classes=("x", "y")))
    folder = write_data("declared", {"train": []}, classes=("other",))
    assert task.Task.from_data("declared", folder).targets.classes == ("x", "y")


def test_a_vocabulary_is_loaded_once_for_both_sides(data_dir):
    bound = task.Task.from_data("answering", data_dir)
    assert list(bound.vocabularies) == ["tiny"]
    assert bound.vocabulary is bound.vocabularies["tiny"]
    assert list(bound.modalities()) == ["image", "question", "targets"]


def test_a_description_gives_the_same_task_without_the_problem(data_dir):
    tasks = task.tasks_from_data(["naming", "answering"], data_dir)
    described = json.loads(json.dumps([t.describe() for t in tasks]))
    registry.problems.remove_plugin("t2t_mm")
    for before, description in zip(tasks, described, strict=True):
        after = task.Task.from_description(description, data_dir / "vocabularies")
        assert after.describe() == before.describe()
        assert (after.inputs, after.targets) == (before.inputs, before.targets)
        with pytest.raises(errors.DataError, match="Give --data_dir"):
            after.manifest()


def test_another_vocabulary_than_described_is_refused(data_dir, tmp_path):
    described = task.Task.from_data("answering", data_dir).describe()
    vocabulary.build("tiny", ["entirely other text"] * 9, size=280).save(tmp_path / "v" / "tiny")
    with pytest.raises(errors.CheckpointError, match="'tiny'.*'answering' was trained with"):
        task.Task.from_description(described, tmp_path / "v")


def test_data_that_is_not_there_names_the_command(data_dir, tmp_path):
    with pytest.raises(errors.DataError, match="mm-datagen --problem=naming"):
        task.Task.from_data("naming", tmp_path / "elsewhere")
    with pytest.raises(errors.ConfigError, match="Did you mean 'naming'"):
        task.Task.from_data("namin", data_dir)


def test_a_missing_vocabulary_is_an_error(registries, write_data):
    define("mute", {"image": Image()}, Language(vocab="absent"))
    with pytest.raises(errors.DataError, match="no vocabulary in .*absent.*--data_dir=.*data"):
        task.Task.from_data("mute", write_data("mute", {"train": []}))


def test_classes_that_the_manifest_lacks(registries, write_data):
    define("open", {"image": Image()}, Categorical())
    with pytest.raises(errors.DataError, match="classes of 'targets'.*--data_dir=.*--overwrite"):
        task.Task.from_data("open", write_data("open", {"train": []}))


def test_a_task_without_text_has_no_target_vocabulary(data_dir):
    with pytest.raises(errors.ConfigError, match="'naming' are not text"):
        _ = task.Task.from_data("naming", data_dir).vocabulary


def test_one_label_set_has_one_list_of_classes(registries, write_data):
    for name, classes in (("one", ("a", "b")), ("two", ("a", "c")), ("three", ("a", "b"))):
        define(name, {"image": Image()}, Categorical(labels="shared"))
        folder = write_data(name, {"train": []}, classes=classes)
    assert len(task.tasks_from_data(["one", "three"], folder)) == 2
    with pytest.raises(errors.DataError, match="'one' and 'two' share the label set 'shared'"):
        task.tasks_from_data(["one", "two"], folder)


def test_one_vocabulary_name_is_one_vocabulary(data_dir, tmp_path):
    described = task.Task.from_data("answering", data_dir).describe()
    other = vocabulary.build("tiny", ["entirely other text"] * 9, size=280)
    other.save(tmp_path / "v" / "tiny")
    described["vocabularies"] = {}
    strange = task.Task.from_description({**described, "name": "other"}, tmp_path / "v")
    with pytest.raises(errors.DataError, match="different vocabularies named 'tiny'"):
        task.check_agreement([task.Task.from_data("answering", data_dir), strange])


def test_a_task_does_without_tensorflow(python):
    code = "import sys, t2t_mm.data.task; assert 'tensorflow' not in sys.modules"
    assert python("-c", code).returncode == 0
