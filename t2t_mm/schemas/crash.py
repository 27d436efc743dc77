"""Schemas of `crash.json`: a step that was not finite."""

from __future__ import annotations

from typing import Annotated, NotRequired

import pydantic
from typing_extensions import TypedDict

from t2t_mm.schemas import values


class Crash(TypedDict):
    """`crash/crash.json` of a run, see training.crash; numbers that are not finite are text."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    format: int
    step: Annotated[int, pydantic.Field(ge=1, lt=2**31)]
    problem: values.Name
    seed: Annotated[list[values.Seed], pydantic.Field(min_length=2, max_length=2)]
    rate: values.NumberText
    loss: values.NumberText
    norm: values.NumberText
    origin: str | None
    keys: list[str]
    first_replica: values.Count
    time: NotRequired[float]  # seconds since 1970


class CrashOfWorker(TypedDict):
    """`crash/worker-N/crash.json`: whose batches lie beside it."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    first_replica: values.Count
