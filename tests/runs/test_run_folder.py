"""A run folder takes one run only, and is enough to find everything again."""

import dataclasses
import json

import pytest

from t2t_mm import config, errors, vocabulary
from t2t_mm.data import task
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.runs import run_folder
from t2t_mm.settings import models, training

TEXTS = ["a red ball", "a blue box", "the green cone is small", "two red boxes"]


@pytest.fixture(scope="module")
def words():
    return vocabulary.build("mm_8k", TEXTS, size=300, seed=0)


@pytest.fixture
def tasks(words):
    text = task.Task(
        name="to_german",
        version="1.0.0",
        inputs={"inputs": Language()},
        targets=Language(),
        command="to-german",
        metrics=("bleu",),
        splits=("train", "validation"),
        vocabularies={"mm_8k": words},
    )
    pictures = task.Task(
        name="pictures",
        version="2.0.0",
        inputs={"image": Image(size=32)},
        targets=Categorical(classes=("cat", "dog")),
        command="to-class",
        metrics=("accuracy",),
        splits=("train", "validation"),
        vocabularies={},
    )
    return [text, pictures]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "one"


def _create(path, tasks, model="multi_model", schedule="uniform"):
    run = run_folder.RunFolder(path).create(model=model, schedule=schedule, tasks=tasks)
    config.load([], ["TrainSettings.seed = 7"])
    config.build(training.TrainSettings)
    run.write_config()
    return run


def test_a_run_comes_back_as_it_was(path, tasks):
    _create(path, tasks)
    run = run_folder.RunFolder.open(path)
    assert (run.model_name, run.schedule) == ("multi_model", "uniform")
    assert run.problem_names == ["to_german", "pictures"]
    rebuilt = run.tasks()
    assert [t.describe() for t in rebuilt] == [t.describe() for t in tasks]
    assert rebuilt[0].vocabulary.encode("a red ball") == tasks[0].vocabulary.encode("a red ball")
    config.reset()
    config.load([], ["TrainSettings.log_every = 3"], of_run=run.bindings())
    built = config.build(training.TrainSettings)
    assert (built.seed, built.log_every) == (7, 3)


def test_the_format_that_other_programs_read(path, tasks):
    _create(path, tasks)
    held = json.loads((path / "problems.json").read_text())
    names = {"format", "code_version", "model", "schedule", "problems", "data_dir"}
    assert set(held) == names
    assert held["format"] == 1
    vocabularies = held["problems"][0]["vocabularies"]
    assert vocabularies["mm_8k"]["sha256"] == tasks[0].vocabulary.sha256
    assert (path / "vocabularies" / "mm_8k" / "sentencepiece.model").is_file()


def test_the_same_run_may_go_on(path, tasks):
    _create(path, tasks)
    (path / "checkpoints").mkdir()
    before = (path / "problems.json").stat().st_mtime_ns
    run_folder.RunFolder(path).create(model="multi_model", schedule="uniform", tasks=tasks)
    assert (path / "problems.json").stat().st_mtime_ns == before
    run_folder.RunFolder(path).create(model="multi_model", schedule="temperature", tasks=tasks)
    assert run_folder.RunFolder.open(path).schedule == "temperature"


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        (lambda m, t: ("transformer", t), "its model is multi_model, not transformer"),
        (lambda m, t: (m, t[:1]), "its problems are pictures, to_german, not to_german"),
        (
            lambda m, t: (m, [t[0], dataclasses.replace(t[1], version="2.1.0")]),
            'version of pictures was "2.0.0", not "2.1.0"',
        ),
        (
            lambda m, t: (m, [t[0], dataclasses.replace(t[1], inputs={"image": Image(size=64)})]),
            "inputs of pictures",
        ),
    ],
)
def test_another_run_is_refused_with_the_difference(path, tasks, change, phrase):
    _create(path, tasks)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    model, others = change("multi_model", tasks)
    with pytest.raises(errors.ConfigError) as raised:
        run_folder.RunFolder(path).create(model=model, schedule="uniform", tasks=others)
    assert "another run" in str(raised.value)
    assert phrase in str(raised.value)
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


def test_another_vocabulary_is_refused(path, tasks):
    _create(path, tasks)
    other = vocabulary.build("mm_8k", [text.upper() for text in TEXTS], size=300, seed=0)
    changed = dataclasses.replace(tasks[0], vocabularies={"mm_8k": other})
    with pytest.raises(errors.ConfigError, match="vocabularies of to_german"):
        run_folder.RunFolder(path).create(
            model="multi_model", schedule="uniform", tasks=[changed, tasks[1]]
        )


def test_a_folder_of_other_files_is_refused(path, tasks):
    path.mkdir(parents=True)
    (path / "thesis.tex").write_text("dear")
    with pytest.raises(errors.ConfigError, match=r"no run's.*thesis\.tex"):
        _create(path, tasks)
    assert [p.name for p in path.iterdir()] == ["thesis.tex"]


def test_a_start_that_was_killed_early_can_be_repeated(path, tasks, words):
    (path / "vocabularies").mkdir(parents=True)
    vocabulary.build("mm_8k", ["quite other text"], size=280).save(path / "vocabularies" / "mm_8k")
    run = _create(path, tasks)
    assert run.tasks()[0].vocabulary.sha256 == words.sha256


def test_a_file_in_place_of_the_folder_is_refused(tmp_path, tasks):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.ConfigError, match="is a file"):
        _create(tmp_path / "file", tasks)
    with pytest.raises(errors.ConfigError, match="Cannot make the output folder"):
        _create(tmp_path / "file" / "below", tasks)


def test_opening_says_what_is_missing(path, tasks):
    with pytest.raises(errors.ConfigError, match="There is no folder"):
        run_folder.RunFolder.open(path)
    path.mkdir(parents=True)
    (path / "x").write_text("")
    with pytest.raises(errors.ConfigError, match=r"holds no run: problems\.json is missing"):
        run_folder.RunFolder.open(path)
    (path / "x").unlink()
    _create(path, tasks)
    (path / "config.gin").unlink()
    with pytest.raises(errors.ConfigError, match=r"config\.gin is missing"):
        run_folder.RunFolder.open(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 99, "model": "x"}'])
def test_a_damaged_description_is_named(path, tasks, text):
    _create(path, tasks)
    (path / "problems.json").write_text(text)
    with pytest.raises(errors.ConfigError, match=r"problems\.json"):
        run_folder.RunFolder.open(path)


def test_a_changed_vocabulary_in_the_run_is_found(path, tasks):
    run = _create(path, tasks)
    other = vocabulary.build("mm_8k", [text.upper() for text in TEXTS], size=300, seed=0)
    for file in (run.vocabularies / "mm_8k").iterdir():
        file.unlink()
    other.save(run.vocabularies / "mm_8k")
    with pytest.raises(errors.CheckpointError, match="mm_8k"):
        run_folder.RunFolder.open(path).tasks()


def test_records_are_looked_for_where_the_training_read_them(path, tasks, tmp_path):
    placed = [dataclasses.replace(t, data_dir=tmp_path / "data") for t in tasks]
    _create(path, placed)
    run = run_folder.RunFolder.open(path)
    assert run.tasks()[0].data_dir == tmp_path / "data"
    assert run.tasks(tmp_path / "moved")[0].data_dir == tmp_path / "moved"
    moved = [dataclasses.replace(t, data_dir=tmp_path / "moved") for t in tasks]
    _create(path, moved)
    assert run_folder.RunFolder.open(path).tasks()[0].data_dir == tmp_path / "moved"


def test_one_process_at_a_time(path, tasks, python):
    run = _create(path, tasks)
    other = (
        f"from t2t_mm.runs import run_folder as run\nwith run.RunFolder({str(path)!r}).lock(): pass"
    )
    with run.lock():
        done = python("-c", other)
        assert done.returncode != 0
        assert "Another process is at work on the run in" in done.stderr
    assert python("-c", other).returncode == 0
    run_folder.RunFolder(path).create(model="multi_model", schedule="uniform", tasks=tasks)


@pytest.mark.parametrize("missing", ["vocabulary.json", "sentencepiece.model"])
def test_a_copy_of_a_vocabulary_that_was_cut_off_is_made_again(path, tasks, missing):
    run = _create(path, tasks)
    (run.vocabularies / "mm_8k" / missing).unlink()
    _create(path, tasks)
    assert (
        run_folder.RunFolder.open(path).tasks()[0].vocabulary.sha256 == tasks[0].vocabulary.sha256
    )


def test_a_parameter_that_came_later_is_no_difference(path, tasks):
    _create(path, tasks)
    file = path / "problems.json"
    held = json.loads(file.read_text())
    del held["problems"][1]["inputs"]["image"]["mirror"]
    del held["problems"][1]["targets"]["allow_unseen"]
    file.write_text(json.dumps(held))
    run_folder.RunFolder(path).check(model="multi_model", tasks=tasks)
    other = dataclasses.replace(tasks[1], inputs={"image": Image(size=32, mirror=False)})
    with pytest.raises(errors.ConfigError, match="inputs of pictures was"):
        run_folder.RunFolder(path).check(model="multi_model", tasks=[tasks[0], other])


def test_how_words_are_measured_is_kept_and_may_change(path, tasks):
    text, *others = tasks
    named = dataclasses.replace(text, metric_tokenizer="zh")
    _create(path, [text, *others])
    assert run_folder.RunFolder.open(path).tasks()[0].metric_tokenizer == ""
    _create(path, [named, *others])
    assert run_folder.RunFolder.open(path).tasks()[0].metric_tokenizer == "zh"


def test_a_closed_set_of_answers_is_kept_and_may_change(path, tasks):
    text, *others = tasks
    closed = dataclasses.replace(text, answers=("yes", "no"))
    _create(path, [text, *others])
    assert run_folder.RunFolder.open(path).tasks()[0].answers == ()
    _create(path, [closed, *others])
    assert run_folder.RunFolder.open(path).tasks()[0].answers == ("yes", "no")


def test_a_further_problem_is_answered_with_a_warm_start(path, tasks):
    _create(path, tasks[:1])
    with pytest.raises(errors.ConfigError, match=f"--warm_start={path} with another --output_dir"):
        _create(path, tasks)


def test_a_run_of_before_keeps_the_nets_that_it_has(tmp_path):
    """It names all settings but those of the nets, which there were no others of."""
    run = run_folder.RunFolder(tmp_path)
    run.config_path.write_text(
        "MultiModelConfig.width = 16\nMultiModelConfig.entry_widths = (4, 4, 8, 8)\n"
    )
    with config.only(of_run=run.bindings()):
        old = config.build(models.MultiModelConfig)
    assert (old.entry, old.exit, old.width) == ("xception", "xception", 16)
    later = run_folder.RunFolder(tmp_path)
    with later.config_path.open("a") as file:
        file.write("MultiModelConfig.entry = 'residual'\nMultiModelConfig.exit = 'mean'\n")
    with config.only(of_run=later.bindings()):
        assert config.build(models.MultiModelConfig).exit == "mean"
