"""Every command's help: an example, quickly, and without what only work needs."""

import importlib
import importlib.metadata

import pytest

COMMANDS = sorted(
    (
        point
        for point in importlib.metadata.entry_points(group="console_scripts")
        if point.value.startswith("t2t_mm.bin.")
    ),
    key=lambda point: point.name,
)


def test_the_commands_are_installed():
    assert {point.name for point in COMMANDS} >= {
        "mm-avg",
        "mm-datagen",
        "mm-decoder",
        "mm-eval",
        "mm-experiment",
        "mm-export",
        "mm-inspect",
        "mm-list",
        "mm-report",
        "mm-serve",
        "mm-trainer",
    }


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
def test_help_has_an_example_and_is_light(point, python):
    program = (
        f"import sys; from {point.module} import {point.attr} as main; code = main(['--help']); "
        "heavy = {'PIL', 'apache_beam', 'fsspec', 'gin', 'keras', 'numpy', 'tensorflow'}; "
        "heavy &= set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: {point.name} ")
    example = done.stdout.split("Example:\n")[1].split("\n\n")[0]
    assert f"{point.name} --" in example
    assert "--json" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
def test_an_unknown_flag_is_one_line_and_exit_2(point, python):
    program = f"import sys; from {point.module} import {point.attr} as main; sys.exit(main())"
    done = python("-c", program, "--jsonn")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"{point.name}: Unknown flag --jsonn. Did you mean '--json'?\n"


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: point.name)
def test_every_flag_shows_its_default(point):
    command = importlib.import_module(point.module)._COMMAND
    for flag in command.shown:
        assert flag.required or flag.default not in (None, ""), f"--{flag.name} of {point.name}"
