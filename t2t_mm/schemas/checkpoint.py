"""Schema of the sidecar of a checkpoint, `ckpt-STEP.json`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

import pydantic
from typing_extensions import TypedDict

from t2t_mm.schemas import values


class TensorFileSize(TypedDict):
    """Size and hash of a file of a checkpoint."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    bytes: values.Count
    sha256: values.Sha256


class Fingerprint(TypedDict):
    """The fingerprint that model and checkpoint must share."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    model: NotRequired[str]  # its name, with its version from the second on
    config: NotRequired[dict[str, Any]]
    vocabularies: NotRequired[dict[values.PlainName, values.Sha256]]
    versions: NotRequired[dict[values.Name, values.PlainName]]


class Selected(TypedDict):
    """The best evaluation so far, see training.selection."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    of: str
    value: values.Number | None
    step: values.Count
    waited: values.Count


class Sums(TypedDict):
    """A problem's sums since the last line of the log, see training.statistics."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    steps: values.Count
    metrics: dict[str, float | list[float] | list[list[float]]]
    seconds: float
    examples: values.Count
    amounts: dict[str, float]
    lengths: dict[str, values.Count]


class RunningStatistics(TypedDict):
    """The sums of a training since the last line of the log."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    elapsed_s: float
    losses: dict[values.Name, float]
    sums: dict[values.Name, Sums]


class LeftOut(TypedDict):
    """How many steps were not finite, see training.finite."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    in_a_row: values.Count
    in_all: values.Count
    returns: values.Count


class Followed(TypedDict):
    """A problem's running mean of the loss, see training.divergence."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    mean: values.Number
    weight: values.Number
    best: values.Number
    best_step: values.Count
    is_up: bool


class Extra(TypedDict):
    """What the trainer keeps beside the tensors."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    problem_steps: NotRequired[dict[values.Name, values.Count]]
    selection: NotRequired[Selected]
    evaluated: NotRequired[dict[values.Name, dict[values.Name, values.Number]]]
    tally: NotRequired[RunningStatistics]
    not_finite: NotRequired[LeftOut]
    divergence: NotRequired[dict[values.Name, Followed]]
    averaged: NotRequired[list[values.Count]]


class Sidecar(TypedDict):
    """`ckpt-STEP.json`, see runs.checkpoint_files."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    format: int
    step: values.Count
    prefix: values.TensorFile
    files: Annotated[dict[values.TensorFile, TensorFileSize], pydantic.Field(min_length=1)]
    fingerprint: Fingerprint
    data: NotRequired[dict[str, str]]
    workers: NotRequired[Annotated[values.Count, pydantic.Field(ge=1)]]
    replicas: NotRequired[Annotated[values.Count, pydantic.Field(ge=1)]]
    extra: Extra
