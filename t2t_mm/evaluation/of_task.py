"""Which metrics a task has. No TensorFlow."""

from __future__ import annotations

from t2t_mm.data import task as task_lib

ALWAYS = ("log_perplexity",)
"""Metrics of every task, by which problems of a run can be compared."""

ALWAYS_OF_TEXT = ("token_accuracy",)
"""Metrics of every task with text as targets, from the same pass: the measure of the paper
(Kaiser et al. 2017, tables 2 to 4)."""


def names(task: task_lib.Task) -> tuple[str, ...]:
    """Returns the metrics of a task, its own first, then those that every such task has."""
    more = ALWAYS_OF_TEXT if task.targets.autoregressive else ()
    return tuple(dict.fromkeys((*task.metrics, *ALWAYS, *more)))
