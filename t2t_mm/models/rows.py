"""What the rows of a model's shared tables stand for: commands, inputs, pieces, classes.

The number of a row depends on all that a model is for: one more task can move every
command by one. Its name does not, so whoever takes weights from one model to another
goes by names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras

from t2t_mm.data import task as task_lib

COMMANDS, INPUTS = "commands", "inputs"


class Table(NamedTuple):
    """A variable with a row for each of some names.

    Attributes:
      variable: of any rank.
      axis: along which its rows lie (those of a matrix may be columns).
      rows: which names they have: a key of `names`.
    """

    variable: keras.Variable
    axis: int
    rows: str


def commands(tasks: Sequence[task_lib.Task]) -> tuple[str, ...]:
    """Returns the commands of the tasks, each once, in the order of their rows."""
    return tuple(sorted({task.command for task in tasks}))


def inputs(tasks: Sequence[task_lib.Task]) -> tuple[str, ...]:
    """Returns the names that mark which input is which, where a task has several."""
    return tuple(sorted({n for task in tasks if len(task.inputs) > 1 for n in task.inputs}))


def names(tasks: Sequence[task_lib.Task]) -> dict[str, tuple[str, ...]]:
    """Returns the names of rows in their order: `commands`, `inputs`, and by net.

    Those of a net are the pieces of its vocabulary, or its classes; a net without such
    rows is left out.
    """
    found = {COMMANDS: commands(tasks), INPUTS: inputs(tasks)}
    for task in tasks:
        for declaration in [*task.inputs.values(), task.targets]:
            net = declaration.net_name(task.name)
            if net not in found:
                found[net] = declaration.row_names(task.vocabularies)
    return {name: rows for name, rows in found.items() if rows}
