"""The page of the commands is that of their flags."""

import importlib.metadata
import re

import pytest

from t2t_mm.reports import command_reference
from tests import conftest

COMMANDS = sorted(
    point.name
    for point in importlib.metadata.entry_points(group="console_scripts")
    if point.value.startswith("t2t_mm.bin.")
)


def test_the_page_is_up_to_date():
    """If not: python -m t2t_mm.reports.command_reference > docs/reference/commands.md."""
    page = (conftest.REPOSITORY / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    assert page == command_reference.page()


def test_every_command_has_a_section():
    assert re.findall(r"^## (mm-\w+)$", command_reference.page(), re.MULTILINE) == COMMANDS


@pytest.mark.parametrize(
    "row",
    [
        "| `--problems` `--problem` | NAMES | needed | names of problems; a comma list, with globs "
        "such as 'multi30k_*' |",
        "| `--json` |  | off | print the answer as one JSON document |",
    ],
)
def test_a_row_has_names_value_default_and_words(row):
    assert row in command_reference.page().splitlines()
