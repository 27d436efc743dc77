"""Flags of Tensor2Tensor: each is answered with what does the same here."""

import importlib
import importlib.metadata
import re

import pytest

from t2t_mm import cli, errors
from t2t_mm.cli import old_flags
from t2t_mm.mixture import old_schedules, schedules

COMMANDS = {
    point.name: importlib.import_module(point.value.partition(":")[0])._COMMAND
    for point in importlib.metadata.entry_points(group="console_scripts")
    if point.value.startswith("t2t_mm.bin.")
}
KNOWN = {name for command in COMMANDS.values() for name in command.flags}


@pytest.fixture
def command():
    return cli.Command("mm-count", "Counts to a number.", example="mm-count --json")


def said(command, capsys, *arguments):
    assert command.run(lambda: pytest.fail("worked"), list(arguments)) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_every_answer_names_commands_and_flags_that_there_are():
    for text in (*old_flags.REPLACEMENTS.values(), *old_schedules.WORK.values()):
        assert set(re.findall(r"mm-\w+", text)) <= set(COMMANDS)
        assert set(re.findall(r"--(\w+)", text)) <= KNOWN


@pytest.mark.parametrize("mm", sorted(COMMANDS))
def test_every_command_answers_every_old_flag(mm, capsys):
    for name in set(old_flags.REPLACEMENTS) - set(COMMANDS[mm].flags):
        err = said(COMMANDS[mm], capsys, f"--{name}=1")
        assert f"Unknown flag --{name}, which is Tensor2Tensor's. Here " in err


@pytest.mark.parametrize("name", sorted(set(old_schedules.WORK)))
def test_old_schedules_are_told_from_rates(name):
    with pytest.raises(errors.ConfigError, match="leave it out") as caught:
        schedules.parse(name)
    assert "Expected: one of adaptive, constant, linear, proportional" in str(caught.value)


@pytest.mark.parametrize(
    "flag", ["--generate_data", "--nogenerate_data", "-generate_data", "--generate-data"]
)
def test_switches_are_known_in_every_form(command, capsys, flag):
    assert "mm-datagen --problem=NAME" in said(command, capsys, flag)


def test_a_set_of_hyperparameters_is_answered_with_the_nearest_file(command, capsys):
    err = said(command, capsys, "--hparams_set=transformer_base_single_gpu")
    assert "--gin_file=models/transformer_base" in err
    err = said(command, capsys, "--hparams_set", "multi_model_paper")
    assert "--gin_file=models/multi_model_paper" in err


def test_all_old_flags_are_told_at_once(command, capsys):
    err = said(command, capsys, "--worker_gpu=2", "--tmp_dir=/tmp", "--json", "--tmp_dir=/x")
    assert "Unknown flags --worker_gpu, --tmp_dir, which are Tensor2Tensor's." in err
    assert "For --worker_gpu: all GPUs" in err
    assert "For --tmp_dir: raw files" in err


def test_a_misspelt_flag_is_none_of_them(command, capsys):
    assert "Did you mean '--json'?" in said(command, capsys, "--jsn")
