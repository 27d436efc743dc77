"""What is wrong with an experiment is told before its first run, in one line."""

import dataclasses
import json

import pytest

from t2t_mm import errors
from t2t_mm.experiments import checked, commands, plan


def check(file, data, tmp_path, **asked):
    return checked.check(file, data_dir=data, output_dir=tmp_path / "out", **asked)


def test_an_unknown_experiment():
    with pytest.raises(errors.ConfigError, match="Did you mean 'joint_vs_alone'"):
        checked.find("joint_vs_alon")
    assert checked.find("joint_vs_alone") == "experiments/joint_vs_alone"
    assert checked.find("experiments/joint_vs_alone.gin") == "experiments/joint_vs_alone"


def test_a_variation_that_does_not_load(gin_file, data, tmp_path):
    file = gin_file("ExperimentSettings.variations = (('x',), ('y', 'TrainSettings.sed = 1'))")
    with pytest.raises(errors.ConfigError, match=r"The variation 'y' does not load: .*'seed'"):
        check(file, data, tmp_path)


@pytest.mark.parametrize(
    "binding",
    [
        "TrainSettings.seed = 4",
        "MixtureSettings.problems = ('fsdd',)",
        "ExperimentSettings.split = 'test'",
    ],
)
def test_a_variation_of_what_the_experiment_decides(binding, gin_file, data, tmp_path):
    file = gin_file(f'ExperimentSettings.variations = (("x",), ("y", "{binding}"))')
    with pytest.raises(errors.ConfigError, match="which the experiment decides"):
        check(file, data, tmp_path)


def test_two_variations_of_one_name(gin_file, data, tmp_path):
    file = gin_file(
        "ExperimentSettings.variations = (('x',), ('x', 'TrainSettings.log_every = 1'))"
    )
    with pytest.raises(errors.ConfigError, match="ExperimentSettings.variations is out of range"):
        check(file, data, tmp_path)


def test_missing_data_names_the_command(gin_file, data, tmp_path):
    file = gin_file()
    params = ["MixtureSettings.problems = ('fsdd', 'wsj_parsing')"]
    with pytest.raises(errors.DataError, match="mm-datagen --problem=wsj_parsing"):
        check(file, data, tmp_path, gin_params=params)
    with pytest.raises(errors.ConfigError, match="Did you mean 'fsdd'"):
        check(file, data, tmp_path, gin_params=["MixtureSettings.problems = ('fsddd',)"])


def test_every_variation_has_its_own_values(gin_file, data, tmp_path):
    file = gin_file(
        "ExperimentSettings.variations = (('x',), ('y', 'TrainSettings.train_steps = 9'))"
    )
    found = check(file, data, tmp_path)
    assert {n: own.train_steps for n, own in found.common.trainings.items()} == {"x": 40, "y": 9}
    assert found.values["y"]["TrainSettings.train_steps"] == "9"
    assert found.name == "two"


def test_an_unknown_split(gin_file, data, tmp_path):
    file = gin_file("ExperimentSettings.split = 'validatio'")
    with pytest.raises(errors.ConfigError, match="Did you mean 'validation'"):
        check(file, data, tmp_path)


def test_a_split_that_was_not_generated(gin_file, data, tmp_path):
    """`wmt_ende` may have a test split; the data that there is has none."""
    file = gin_file("ExperimentSettings.split = 'test'")
    with pytest.raises(errors.ConfigError, match="no split 'test'.*one of train, validation"):
        check(file, data, tmp_path)


def test_a_run_that_goes_on_has_what_is_left_of_its_time(gin_file, data, tmp_path):
    found = check(gin_file("TrainSettings.train_seconds = 60"), data, tmp_path)
    run = found.runs[0]
    asked = (found.folder, run, found.common, None)
    assert not [f for f in commands.trainer_flags(*asked) if f.startswith("--train_seconds")]
    folder = found.folder.run(run)
    folder.mkdir(parents=True)
    line = {"step": 50, "split": "train", "problem": "", "metrics": {"steps_per_s": 2.5}}
    (folder / "metrics.jsonl").write_text(f"{json.dumps(line)}\n")
    assert "--train_seconds=40" in commands.trainer_flags(*asked)  # 60 less 50 / 2.5


def test_a_trial_is_trained_as_the_run_that_it_is_compared_with(gin_file, data, tmp_path):
    file = gin_file("TrainSettings.problems_per_step = 2")
    found = check(file, data, tmp_path, seeds=(0,))
    (base,) = found.runs
    trial = dataclasses.replace(base, name="trial_000", group=plan.TRIAL)
    flags = [commands.trainer_flags(found.folder, run, found.common, None) for run in (base, trial)]
    assert [one for one in zip(*flags, strict=True) if one[0] != one[1]] == [
        (f"--output_dir={found.folder.run(base)}", f"--output_dir={found.folder.run(trial)}")
    ]
    fewer = dataclasses.replace(base, problems=("fsdd",))
    flags = commands.trainer_flags(found.folder, fewer, found.common, None)
    assert "--gin_param=TrainSettings.problems_per_step = 1" in flags


def test_a_run_of_fewer_problems_leaves_out_what_it_cannot_have(gin_file, data, tmp_path):
    file = gin_file(
        "TrainSettings.problems_per_step = 2",
        "TrainSettings.best_metric = 'fsdd/accuracy'",
        "ExperimentSettings.groups = ('joint', 'alone', 'pairs')",
    )
    found = check(file, data, tmp_path, seeds=(0,))
    own = {
        run.name: [
            flag.partition("TrainSettings.")[2]
            for flag in commands.trainer_flags(found.folder, run, found.common, None)
            if "TrainSettings." in flag
        ]
        for run in found.runs
    }
    assert own == {
        "joint": [],
        "alone.fsdd": ["problems_per_step = 1"],
        "alone.tiny_imagenet": ["problems_per_step = 1", "best_metric = ''"],
        "pairs.fsdd.tiny_imagenet": ["problems_per_step = 1"],
    }
