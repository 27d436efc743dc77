"""Schemas of an experiment's folder: `experiment.json` and `outcomes/NAME/SEED.json`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from t2t_mm.schemas import values

Status = Literal["planned", "running", "done", "failed", "skipped", "interrupted", "pruned"]


class Experiment(TypedDict):
    """What an experiment is of, see experiments/folder.py."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    format: int
    experiment: values.Text
    problems: list[values.Name]
    command: list[str]
    variations: dict[str, dict[str, str]]


class Outcome(TypedDict):
    """What is known of a run, see experiments/outcome.py."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    name: values.Text
    seed: values.Count
    variation: values.Text
    group: str
    problems: list[values.Name]
    status: Status
    why: str
    train_steps: int | None
    is_trained: NotRequired[bool]
    step: values.Count
    seconds: float
    steps: dict[str, float]
    examples: dict[str, float]
    results: dict[str, dict[str, float | None]]
    notes: dict[str, dict[str, Any]]
    commands: list[list[str]]
    log: str
    machine: str
