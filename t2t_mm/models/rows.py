"""Names of the rows of shared tables: commands, inputs, tokens, classes.

A row's number depends on all tasks of a model: one more task can shift every command.
Its name does not, so weights are moved between models by the names of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras

from t2t_mm.data import task as task_lib

COMMANDS, INPUTS = "commands", "inputs"


class Table(NamedTuple):
    """A variable whose rows have names.

    Attributes:
      variable: of any rank.
      axis: of the rows (a matrix may have them as columns).
      rows: the key of `names` with their names.
    """

    variable: keras.Variable
    axis: int
    rows: str


def commands(tasks: Sequence[task_lib.Task]) -> tuple[str, ...]:
    """Returns the commands of the tasks, each once, in the order of their rows."""
    return tuple(sorted({task.command for task in tasks}))


def inputs(tasks: Sequence[task_lib.Task]) -> tuple[str, ...]:
    """Returns the names of inputs of tasks that have several; each has an embedding."""
    return tuple(sorted({n for task in tasks if len(task.inputs) > 1 for n in task.inputs}))


def names(tasks: Sequence[task_lib.Task]) -> dict[str, tuple[str, ...]]:
    """Returns the names of rows in their order: `commands`, `inputs`, and by net.

    Those of a net are the tokens of its vocabulary, or its classes; a net without such
    rows is left out.
    """
    tables = {COMMANDS: commands(tasks), INPUTS: inputs(tasks)}
    for task in tasks:
        for declaration in [*task.inputs.values(), task.targets]:
            net = declaration.net_name(task.name)
            if net not in tables:
                tables[net] = declaration.row_names(task.vocabularies)
    return {name: rows for name, rows in tables.items() if rows}
