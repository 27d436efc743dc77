"""Schema of `robustness/PROBLEM.json` of a run folder, see evaluation.robustness.result."""

from __future__ import annotations

from typing_extensions import TypedDict

from t2t_mm.schemas import values

Values = dict[str, float | None]
"""By metric; null for what is no number."""


class Robustness(TypedDict):
    """The metrics of one problem on damaged inputs."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    clean: Values
    kinds: dict[str, dict[str, Values]]
    families: dict[str, str]
    split: str
    examples: values.Count
    step: values.Count
    seed: int
    score: Values
    relative: Values
    attack_score: Values
    attack_relative: Values
