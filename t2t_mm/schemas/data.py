"""Schemas of a folder of data: `manifest.json` and `vocabulary.json`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

import pydantic
from typing_extensions import TypedDict

from t2t_mm.schemas import values


class Shard(TypedDict):
    """One file of records."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    file: values.PlainName
    examples: values.Count
    bytes: values.Count
    sha256: values.Sha256
    records: NotRequired[values.Count]


class Split(TypedDict):
    """The files of one split."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    shards: list[Shard]
    examples: NotRequired[values.Count]
    bytes: NotRequired[values.Count]


class Manifest(TypedDict):
    """`manifest.json`, see data.manifest."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    problem: values.Name
    version: values.PlainName
    source: values.PlainName
    seed: Annotated[int, pydantic.Field(ge=-(2**63), lt=2**63)]
    splits: Annotated[dict[values.PlainName, Split], pydantic.Field(min_length=1)]
    classes: NotRequired[dict[values.PlainName, list[values.Text]]]
    answers: NotRequired[list[values.Text]]
    shared_inputs: NotRequired[list[values.PlainName]]
    features: NotRequired[dict[values.PlainName, values.PlainName]]
    skipped: NotRequired[dict[str, Any]]
    filtered: NotRequired[dict[str, dict[str, values.Count]]]
    unseen: NotRequired[dict[str, dict[str, values.Count]]]
    raw_files: NotRequired[dict[str, values.Count]]
    max_examples: NotRequired[values.Count | None]
    sample_size: NotRequired[values.Count | None]
    code_version: NotRequired[str]
    code_sha256: NotRequired[values.Sha256 | None]


class Vocabulary(TypedDict):
    """`vocabulary.json`, see vocabulary."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    name: values.PlainName
    size: values.Count
    sha256: values.Sha256
    asked: NotRequired[values.Count]
    problems: NotRequired[list[values.Name]]
    fingerprints: NotRequired[dict[values.Name, values.Sha256]]
