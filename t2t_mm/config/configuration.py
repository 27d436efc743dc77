"""The configuration: frozen dataclasses whose fields gin files can set.

    @config.register
    @dataclasses.dataclass(frozen=True)
    class TrainSettings:
        train_steps: int = 100_000

    config.load(["models/multi_model_small"], ["TrainSettings.train_steps = 500"])
    settings = config.build(TrainSettings)

`load` checks everything before any heavy work: files, configurables, parameters, macros,
repeated bindings, types, and each `__post_init__`. `operative()` returns all fields of the
instances built, defaults included, so that a run can be rebuilt after a default has
changed.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import gin
from t2t_mm import errors
from t2t_mm.config import configurables, gin_checks, value_types
from t2t_mm.config import gin_files as gin_files_lib

T = TypeVar("T")

_classes = configurables.by_name
_bindings: list[gin_files_lib.Binding] = []
_built: dict[type, Any] = {}
_OF_EXPERIMENTS = "t2t_mm.settings.experiments"


def _tell_gin(cls: type) -> None:
    gin.register(cls.__name__, module=cls.__module__)(cls)


configurables.follow(_tell_gin)


def load(
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    *,
    of_run: Iterable[gin_files_lib.Binding] = (),
    text: str = "",
) -> None:
    """Reads, checks and binds a configuration, in place of the one loaded before.

    Args:
      gin_files: paths, or names under `gin/`; later ones override earlier ones.
      gin_params: single bindings (`"TrainSettings.seed = 1"`), which override files.
      of_run: the configuration of a run folder, as of `read_run`, which all these override.
      text: what `operative` returned; only values are read from it.

    Raises:
      ConfigError: for a binding without effect, or with an invalid value.
    """
    reset()
    configurables.import_all()
    read = list(gin_files_lib.read_text(text)) if text else []
    read += [binding for name in gin_files for binding in gin_files_lib.read(name)]
    read += gin_files_lib.read_params(list(gin_params))
    _load([*of_run, *read])


def load_below(of_run: Iterable[gin_files_lib.Binding]) -> None:
    """Adds the configuration of a run, which all that is loaded already overrides.

    Args:
      of_run: as of `load`.

    Raises:
      ConfigError: as of `load`.
    """
    above = list(_bindings)
    reset()
    _load([*of_run, *above])


def read_run(path: pathlib.Path) -> tuple[gin_files_lib.Binding, ...]:
    """Reads the configuration that a run folder holds, to be bound by `load` or `only`.

    It is data: only values are read from it, and nothing is imported or included.

    Raises:
      ConfigError: it is no such file.
    """
    configurables.import_all()
    return tuple(gin_files_lib.read_data(path))


@contextlib.contextmanager
def only(
    gin_files: Sequence[str] = (),
    gin_params: Sequence[str] = (),
    *,
    of_run: Iterable[gin_files_lib.Binding] = (),
    text: str = "",
) -> Iterator[None]:
    """Loads a configuration for the block; afterwards the previous one is restored.

    Args:
      gin_files: as of `load`.
      gin_params: as of `load`.
      of_run: as of `load`.
      text: as of `load`.

    Raises:
      ConfigError: as of `load`.
    """
    bindings, built = list(_bindings), dict(_built)
    try:
        load(gin_files, gin_params, of_run=of_run, text=text)
        yield
    finally:
        reset()
        _bind(bindings)
        _built.update(built)


def build(cls: type[T], **overrides: Any) -> T:
    """Returns an instance of a registered dataclass with its configured values.

    Args:
      cls: the class, as registered.
      **overrides: fields that override gin, such as those from flags; None means
        not given. `operative` includes them.

    Raises:
      ConfigError: for a value of the wrong type, or one that the class refuses.
    """
    if _classes.get(cls.__name__) is not cls:
        configurables.register(cls)
    instance = _construct(cls, {k: v for k, v in overrides.items() if v is not None})
    _remember(instance)
    return instance


def operative() -> str:
    """Returns the operative configuration: gin text of every dataclass built or bound."""
    lines = ["# What was configured, defaults included."]
    for cls, instance in _instances():
        lines.append("")
        for field, value in _fields(instance):
            lines.append(f"{cls.__name__}.{field} = {_literal(cls, field, value)}")
    foreign = _foreign()
    if foreign:
        used = _macros_in(list(foreign.values()))
        lines.append("")
        lines += [f"{b.key} = {b.value!r}" for b in _bindings if b.key in used and not b.parameter]
        lines += [f"{key} = {gin.config.query_parameter(key)!r}" for key in foreign]
    return "\n".join(lines) + "\n"


def values() -> dict[str, Any]:
    """Returns what `operative` writes, without macros: values by `CLASS.FIELD`."""
    own = {
        f"{cls.__name__}.{field}": value
        for cls, instance in _instances()
        for field, value in _fields(instance)
    }
    return own | {key: gin.config.query_parameter(key) for key in _foreign()}


def unused() -> list[str]:
    """Returns the bound keys whose class was never built.

    In a trainer that has built all it needs, these had no effect: sizes of another
    model, say. What the file of an experiment says of its runs is not of one run, and left out.
    """
    idle = [
        name
        for name in _bound_classes()
        if _classes[name] not in _built and _classes[name].__module__ != _OF_EXPERIMENTS
    ]
    return sorted({b.key for b in _bindings if b.parameter and b.short_name in idle})


def reset() -> None:
    """Clears all bindings and built instances; classes stay registered."""
    with gin.unlock_config():
        gin.clear_config()
    _bindings.clear()
    _built.clear()


def _load(bindings: Sequence[gin_files_lib.Binding]) -> None:
    """Checks and binds what was read, where nothing is bound yet."""
    gin_checks.check(list(bindings), _classes)
    _bind(bindings)
    for name in _bound_classes():
        _construct(_classes[name], {})


def _bind(found: Sequence[gin_files_lib.Binding]) -> None:
    """Binds what was read and checked, in order."""
    for binding in found:
        scope, name = binding.scope, binding.name
        if binding.parameter:
            gin.bind_parameter((scope, name, binding.parameter), binding.value)
        else:
            gin.bind_parameter((binding.key, "gin.macro", "value"), binding.value)
    _bindings.extend(found)


def _construct(cls: type[T], overrides: dict[str, Any]) -> T:
    """Builds `cls`, and within it the registered dataclasses that its fields hold."""
    annotations = value_types.field_types(cls)
    bound = gin.get_bindings(f"{cls.__module__}.{cls.__name__}", resolve_references=False)
    values = {name: _evaluated(cls, name, value) for name, value in bound.items()} | overrides
    for name, value in values.items():
        if name not in annotations:
            raise gin_checks.unknown_parameter(cls.__name__, name, list(annotations))
        values[name] = value_types.convert(
            f"{cls.__name__}.{name}",
            value,
            annotations[name],
            place="" if name in overrides else _place(cls, name),
        )
    for name, annotation in annotations.items():
        if name not in values and annotation in _classes.values():
            values[name] = _construct(annotation, {})
    missing = [
        f.name
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if f.init
        and f.name not in values
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise errors.ConfigError(
            f"{cls.__name__}.{missing[0]} has no default and was not set",
            hint=f"Give --gin_param='{cls.__name__}.{missing[0]} = ...'",
        )
    try:
        return cls(**values)
    except ValueError as error:
        raise errors.ConfigError(f"{cls.__name__} refuses its values", received=error) from error


def _evaluated(cls: type, field: str, value: Any) -> Any:
    """Returns a bound value with references and macros evaluated."""
    try:
        return copy.deepcopy(value)  # gin evaluates them on a deep copy
    except errors.UserError:
        raise
    except Exception as error:
        place = _place(cls, field)
        raise errors.ConfigError(
            f"{cls.__name__}.{field} cannot be evaluated" + (f" ({place})" if place else ""),
            received=f"{value!r}: {type(error).__name__}: {str(error).strip().splitlines()[0]}",
            expected="a value, or a reference that gives one without further arguments",
        ) from error


def _place(cls: type, field: str) -> str:
    """Returns the place of a field's last binding."""
    places = [b.place for b in _bindings if (b.short_name, b.parameter) == (cls.__name__, field)]
    return places[-1] if places else ""


def _remember(instance: Any) -> None:
    _built[type(instance)] = instance
    for name in value_types.field_types(type(instance)):
        value = getattr(instance, name)
        if type(value) in _classes.values():
            _remember(value)


def _instances() -> list[tuple[type, Any]]:
    """Returns an instance of every dataclass built or bound, by the names of their classes."""
    instances = dict(_built)
    for name in _bound_classes():
        if _classes[name] not in instances:
            instances[_classes[name]] = _construct(_classes[name], {})
    return sorted(instances.items(), key=lambda item: item[0].__name__)


def _fields(instance: Any) -> Iterator[tuple[str, Any]]:
    """Yields the fields of an instance, but for those that hold another configurable one."""
    for name in value_types.field_types(type(instance)):
        value = getattr(instance, name)
        if type(value) not in _classes.values():
            yield name, value


def _foreign() -> dict[str, gin_files_lib.Binding]:
    """Returns the bindings of what is no class of ours: functions that a plugin gave to gin."""
    return {b.key: b for b in _bindings if b.parameter and b.name not in _classes}


def _bound_classes() -> list[str]:
    """Returns the names of registered classes with at least one binding."""
    return sorted({b.short_name for b in _bindings if b.parameter} & set(_classes))


def _macros_in(bindings: list[gin_files_lib.Binding]) -> set[str]:
    """Returns the macros that these bindings use, directly or through other macros."""
    definitions = {b.key: b for b in _bindings if not b.parameter}
    macros: set[str] = set()
    queue = [m for b in bindings for m in b.macros]
    while queue:
        macro = queue.pop()
        if macro not in macros:
            macros.add(macro)
            queue += definitions[macro].macros
    return macros


def _literal(cls: type, field: str, value: Any) -> str:
    """Returns a value as gin text that reads back as the same value."""
    text = repr(value)
    try:
        if gin.config.parse_value(text) == value:
            return text
    except (SyntaxError, ValueError):
        pass
    raise errors.ConfigError(
        f"{cls.__name__}.{field} cannot be written as gin text",
        received=f"{value!r} ({type(value).__name__})",
        expected="numbers, strings, booleans, None, and lists, tuples or dicts of them",
    )
