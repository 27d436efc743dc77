"""Schemas of a run folder: `problems.json`, `nets.json` and lines of `metrics.jsonl`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

import pydantic
from typing_extensions import TypedDict

from t2t_mm.schemas import values


class Modality(TypedDict):
    """The declaration of a modality, whose class checks its parameters."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    modality: values.Name
    vocab: NotRequired[values.PlainName]
    labels: NotRequired[str]
    classes: NotRequired[list[values.Text]]


class UsedVocabulary(TypedDict):
    """A vocabulary of a run's problem."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    size: values.Count
    sha256: values.Sha256


class Problem(TypedDict):
    """One problem of a run, see data.task."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    name: values.Name
    version: values.PlainName
    inputs: dict[values.PlainName, Modality]
    targets: Modality
    command: values.Text
    metrics: list[values.Name]
    splits: Annotated[list[values.PlainName], pydantic.Field(min_length=1)]
    vocabularies: dict[values.PlainName, UsedVocabulary]
    answers: NotRequired[list[values.Text]]


class Averaged(TypedDict):
    """The origin of a run that averages another run's checkpoints."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    of: values.Text
    steps: Annotated[list[values.Count], pydantic.Field(min_length=1)]


class WeightsFile(TypedDict):
    """The file of a pretrained net's weights."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    path: values.Text
    sha256: values.Sha256


class Net(TypedDict):
    """A pretrained net, see modality/pretrained/record.py."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    declared: dict[str, Any]
    weights: WeightsFile | None
    architecture: NotRequired[dict[str, Any] | None]
    width: NotRequired[Annotated[int, pydantic.Field(ge=1, lt=2**31)]]
    own: NotRequired[list[values.Count]]


class Nets(TypedDict):
    """`nets.json` of a run folder."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    format: int
    nets: dict[str, Net]


class Format(TypedDict):
    """The keys that every format of `problems.json` has."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    format: int
    code_version: NotRequired[str]


class Run(TypedDict):
    """`problems.json` of a run folder, see run.py."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    format: int
    model: values.Name
    schedule: values.Text
    problems: Annotated[list[Problem], pydantic.Field(min_length=1)]
    code_version: NotRequired[str]
    data_dir: NotRequired[values.Text | None]
    averaged: NotRequired[Averaged]


class MetricsLine(TypedDict):
    """One line of `metrics.jsonl`, see runs.metrics_log."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    step: values.Count
    time: NotRequired[values.Number]
    split: str
    problem: str
    metrics: dict[str, Any]
