"""Schemas of the JSON files that are read back, with validation.

Data and run folders may come from other people, so they are validated before use. Unknown
keys are kept, since later versions may write more; every key that is read is declared here.

This module imports pydantic, so it is imported only where a file is read.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired, TypeVar, cast

import pydantic
import pydantic_core
from typing_extensions import TypedDict

from t2t_mm import errors, registry

_SHOWN = 80
_WHOLE = pydantic.ConfigDict(strict=True, extra="allow")

T = TypeVar("T")


def _like(pattern: re.Pattern[str], words: str) -> pydantic.AfterValidator:
    """Returns a validator of texts that match `pattern`; `words` describe it."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise pydantic_core.PydanticCustomError("unlike", cast("Any", words))
        return value

    return pydantic.AfterValidator(check)


Name = Annotated[str, _like(registry.NAME, registry.NAME_WORDS)]
PlainName = Annotated[str, _like(registry.PLAIN_NAME, registry.PLAIN_NAME_WORDS)]
Text = Annotated[str, _like(re.compile(r"[^\0]+"), "a text")]
Sha256 = Annotated[str, _like(re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits")]
TensorFile = Annotated[
    str,
    _like(
        re.compile(r"ckpt-\d+-\d+(\.index|\.data-\d{5}-of-\d{5})?"),
        "a checkpoint's name, as in ckpt-500-0.index",
    ),
]
Count = Annotated[int, pydantic.Field(ge=0, lt=2**63)]
_Seed = Annotated[int, pydantic.Field(ge=-(2**31), lt=2**31)]
_NumberText = Annotated[
    str, _like(re.compile(r"nan|-?inf|-?\d+(\.\d+)?(e[+-]?\d+)?"), "a number, as text")
]
Number = Annotated[float, pydantic.Field(allow_inf_nan=False)]


class Shard(TypedDict):
    """One file of records."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    file: PlainName
    examples: Count
    bytes: Count
    sha256: Sha256


class Split(TypedDict):
    """The files of one split."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    shards: list[Shard]
    examples: NotRequired[Count]
    bytes: NotRequired[Count]


class Manifest(TypedDict):
    """`manifest.json`, see data.manifest."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    problem: Name
    version: PlainName
    source: PlainName
    seed: Annotated[int, pydantic.Field(ge=-(2**63), lt=2**63)]
    splits: Annotated[dict[PlainName, Split], pydantic.Field(min_length=1)]
    classes: NotRequired[dict[PlainName, list[Text]]]
    features: NotRequired[dict[PlainName, PlainName]]
    skipped: NotRequired[dict[str, Any]]
    filtered: NotRequired[dict[str, dict[str, Count]]]
    unseen: NotRequired[dict[str, dict[str, Count]]]
    raw_files: NotRequired[dict[str, Count]]
    max_examples: NotRequired[Count | None]
    sample_size: NotRequired[Count | None]
    code_version: NotRequired[str]
    code_sha256: NotRequired[Sha256 | None]


class Vocabulary(TypedDict):
    """`vocabulary.json`, see vocabulary."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    name: PlainName
    size: Count
    sha256: Sha256
    asked: NotRequired[Count]
    problems: NotRequired[list[Name]]
    fingerprints: NotRequired[dict[Name, Sha256]]


class Modality(TypedDict):
    """The declaration of a modality, whose class checks its parameters."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    modality: Name
    vocab: NotRequired[PlainName]
    labels: NotRequired[str]
    classes: NotRequired[list[Text]]


class UsedVocabulary(TypedDict):
    """A vocabulary of a run's problem."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    size: Count
    sha256: Sha256


class Problem(TypedDict):
    """One problem of a run, see data.task."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    name: Name
    version: PlainName
    inputs: dict[PlainName, Modality]
    targets: Modality
    command: Text
    metrics: list[Name]
    splits: Annotated[list[PlainName], pydantic.Field(min_length=1)]
    vocabularies: dict[PlainName, UsedVocabulary]


class Averaged(TypedDict):
    """The origin of a run that averages another run's checkpoints."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    of: Text
    steps: Annotated[list[Count], pydantic.Field(min_length=1)]


class WeightsFile(TypedDict):
    """The file of a pretrained net's weights."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    path: Text
    sha256: Sha256


class Net(TypedDict):
    """A pretrained net, see modality/pretrained/record.py."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    declared: dict[str, Any]
    weights: WeightsFile | None
    architecture: NotRequired[dict[str, Any] | None]
    width: NotRequired[Annotated[int, pydantic.Field(ge=1, lt=2**31)]]
    own: NotRequired[list[Count]]


class Nets(TypedDict):
    """`nets.json` of a run folder."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    format: int
    nets: dict[str, Net]


class Format(TypedDict):
    """The keys that every format of `problems.json` has."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    format: int
    code_version: NotRequired[str]


class Run(TypedDict):
    """`problems.json` of a run folder, see run.py."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    format: int
    model: Name
    schedule: Text
    problems: Annotated[list[Problem], pydantic.Field(min_length=1)]
    code_version: NotRequired[str]
    data_dir: NotRequired[Text | None]
    averaged: NotRequired[Averaged]


class TensorFileSize(TypedDict):
    """The size of a file of a checkpoint."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    bytes: Count
    sha256: Sha256


class Fingerprint(TypedDict):
    """The fingerprint that model and checkpoint must share."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    model: NotRequired[str]  # its name, with its version from the second on
    config: NotRequired[dict[str, Any]]
    vocabularies: NotRequired[dict[PlainName, Sha256]]
    versions: NotRequired[dict[Name, PlainName]]


class Selected(TypedDict):
    """The best evaluation so far, see training.selection."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    of: str
    value: Number | None
    step: Count
    waited: Count


class Sums(TypedDict):
    """A problem's sums since the last line of the log, see training.statistics."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    steps: Count
    metrics: dict[str, float | list[float] | list[list[float]]]
    seconds: float
    examples: Count
    amounts: dict[str, float]
    lengths: dict[str, Count]


class RunningStatistics(TypedDict):
    """The sums of a training since the last line of the log."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    elapsed_s: float
    losses: dict[Name, float]
    sums: dict[Name, Sums]


class LeftOut(TypedDict):
    """How many steps were not finite, see training.finite."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    in_a_row: Count
    in_all: Count
    returns: Count


class Followed(TypedDict):
    """A problem's running mean of the loss, see training.divergence."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    mean: Number
    weight: Number
    best: Number
    best_step: Count
    is_up: bool


class Extra(TypedDict):
    """What the trainer keeps beside the tensors."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    problem_steps: NotRequired[dict[Name, Count]]
    selection: NotRequired[Selected]
    evaluated: NotRequired[dict[Name, dict[Name, Number]]]
    tally: NotRequired[RunningStatistics]
    not_finite: NotRequired[LeftOut]
    divergence: NotRequired[dict[Name, Followed]]
    averaged: NotRequired[list[Count]]


class Sidecar(TypedDict):
    """`ckpt-STEP.json`, see runs.checkpoint_files."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    format: int
    step: Count
    prefix: TensorFile
    files: Annotated[dict[TensorFile, TensorFileSize], pydantic.Field(min_length=1)]
    fingerprint: Fingerprint
    data: NotRequired[dict[str, str]]
    workers: NotRequired[Annotated[Count, pydantic.Field(ge=1)]]
    replicas: NotRequired[Annotated[Count, pydantic.Field(ge=1)]]
    extra: Extra


class Crash(TypedDict):
    """`crash/crash.json` of a run, see training.crash; numbers that are not finite are text."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    format: int
    step: Annotated[int, pydantic.Field(ge=1, lt=2**31)]
    problem: Name
    seed: Annotated[list[_Seed], pydantic.Field(min_length=2, max_length=2)]
    rate: _NumberText
    loss: _NumberText
    norm: _NumberText
    origin: str | None
    keys: list[str]
    first_replica: Count


class CrashOfWorker(TypedDict):
    """`crash/worker-N/crash.json`: whose batches lie beside it."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    first_replica: Count


class MetricsLine(TypedDict):
    """One line of `metrics.jsonl`, see runs.metrics_log."""

    __pydantic_config__ = _WHOLE  # type: ignore[misc]

    step: Count
    time: NotRequired[Number]
    split: str
    problem: str
    metrics: dict[str, Any]


_adapters: dict[type, pydantic.TypeAdapter[Any]] = {}


def read(
    path: pathlib.Path,
    schema: type[T],
    *,
    error: Callable[..., errors.UserError],
    hint: str | None = None,
    finite: bool = True,
) -> T:
    """Reads and validates a JSON file.

    Args:
      path: of the file.
      schema: one of the classes above.
      error: the class of the error to raise.
      hint: what to do about a damaged file.
      finite: whether NaN and infinities are errors; a loss may be one.

    Raises:
      UserError: of the class `error`; it names the file and the field.
      FileNotFoundError: there is no such file.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as reason:
        raise error(f"Cannot read {path}", received=reason.strerror, hint=hint) from reason
    return parse(data, schema, place=str(path), error=error, hint=hint, finite=finite)


def parse(
    data: bytes,
    schema: type[T],
    *,
    place: str,
    error: Callable[..., errors.UserError],
    hint: str | None = None,
    finite: bool = True,
) -> T:
    """Parses and validates a JSON text, like `read`; `place` names it in errors."""
    try:
        text = data.decode("utf-8")
        pydantic_core.from_json(text, allow_inf_nan=not finite)  # validation accepts NaN
    except UnicodeDecodeError as reason:
        raise error(
            f"{place} is damaged",
            received=f"a byte that is no UTF-8, {reason.object[reason.start]:#04x} at byte "
            f"{reason.start:,}",
            hint=hint,
        ) from reason
    except ValueError as reason:
        raise error(f"{place} is damaged", received=f"no JSON: {reason}", hint=hint) from reason
    adapter = _adapters.get(schema)
    if adapter is None:
        adapter = _adapters[schema] = pydantic.TypeAdapter(schema)
    try:
        return cast("T", adapter.validate_json(text))
    except pydantic.ValidationError as reason:
        wrong = reason.errors(include_url=False)
        raise _damaged(place, wrong, error, hint) from reason


def _damaged(
    place: str,
    wrong: Sequence[Mapping[str, Any]],
    error: Callable[..., errors.UserError],
    hint: str | None,
) -> errors.UserError:
    """Returns the error for the first invalid field, with the number of others."""
    first = wrong[0]
    field = _field(first["loc"])
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    if first["type"] == "missing":
        return error(f"{place} is damaged: {field} is missing{more}", hint=hint)
    return error(
        f"{place} is damaged: {field}{more}",
        received=_short(first["input"]),
        expected=_expected(first),
        hint=hint,
    )


def _field(location: Sequence[str | int]) -> str:
    """Returns the path of a field, as in `problems[0].inputs.image`."""
    field = ""
    for part in location:
        if part == "[key]":
            field += " (its name)"
        elif isinstance(part, int):
            field += f"[{part}]"
        else:
            field += f".{part}" if field else part
    return field or "all of it"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


_WORDS = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "string_type": "a text",
}


def _expected(wrong: Mapping[str, Any]) -> str:
    """Returns in words what a field should hold."""
    kind, context = wrong["type"], wrong.get("ctx", {})
    if kind == "greater_than_equal":
        return f"{context['ge']:,} or more"
    if kind == "less_than":
        return f"less than {context['lt']:,}"
    if kind == "too_short":
        return "one at least"
    return _WORDS.get(kind, str(wrong["msg"]))
