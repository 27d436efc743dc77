"""Flags that are given where they have no effect."""

import pytest

from t2t_mm import cli, errors
from t2t_mm.bin import trainer
from t2t_mm.cli import without_effect


@pytest.fixture
def command():
    made = cli.Command("mm-count", "Counts to a number.", example="mm-count --to=3")
    made.integer("to", 10, "where to stop")
    made.number("pace", 1.5, "numbers a second")
    made.boolean("backwards", False, "from there to 0")
    return made


def test_what_has_no_effect_beside_a_flag_is_named(command):
    command.parse(["--backwards", "--to=3", "--debug"])
    without_effect.beside(command, "--backwards", used=["to"])
    command.parse(["--backwards", "--to=3", "--pace=1.5"])  # its default too
    with pytest.raises(errors.ConfigError, match=r"no effect of --pace\. Expected: .* but --to"):
        without_effect.beside(command, "--backwards", used=["to"])


def test_what_has_no_effect_without_a_flag_is_named(command):
    command.parse(["--to=3"])
    without_effect.without(command, "--to", flags=["pace"])
    command.parse(["--pace=2"])
    with pytest.raises(errors.ConfigError, match="Without --to there is no effect of --pace"):
        without_effect.without(command, "--to", flags=["pace"])


def test_a_step_is_repeated_with_no_flag_of_a_training(tmp_path, capsys):
    given = [f"--output_dir={tmp_path}", "--repeat_crash"]
    assert trainer.main([*given, "--train_steps=9", "--gin_file=models/transformer_tiny"]) == 2
    said = capsys.readouterr().err
    assert "Beside --repeat_crash there is no effect of" in said
    assert "--train_steps" in said and "--gin_file" in said and "--gin_param" in said
    assert trainer.main([*given, "--problems=wmt_ende"]) == 2  # the folder says which run it is
    assert "no effect of --problems" in capsys.readouterr().err
