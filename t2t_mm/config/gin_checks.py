"""Checks bindings for unknown names and other mistakes that gin accepts silently."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import gin
from t2t_mm import errors
from t2t_mm.config import gin_files, value_types


def check(bindings: Sequence[gin_files.Binding], classes: Mapping[str, type]) -> None:
    """Raises for unknown names, unused or undefined macros, and required values.

    Args:
      bindings: in the order in which they will be made.
      classes: the registered dataclasses by name.

    Raises:
      ConfigError: names the binding, its place, and the nearest right name.
    """
    for binding in bindings:
        if binding.parameter:
            _check_name(binding, classes)
    _check_defined(bindings)
    _check_cycles(bindings)
    _check_used(bindings, classes)
    for binding in {binding.key: binding for binding in bindings}.values():
        if repr(binding.value) == "%gin.REQUIRED":
            raise errors.ConfigError(
                f"{binding.key} must be given ({binding.place})",
                hint=f"Give --gin_param='{binding.key} = ...'",
            )


def unknown_parameter(
    name: str, parameter: str, parameters: Sequence[str], place: str = ""
) -> errors.ConfigError:
    """Returns the error for a parameter that a configurable does not have."""
    return errors.ConfigError(
        f"{name} has no parameter {parameter!r}" + (f" ({place})" if place else ""),
        expected=f"one of {', '.join(parameters)}",
        hint=errors.did_you_mean(parameter, parameters),
    )


def _check_name(binding: gin_files.Binding, classes: Mapping[str, type]) -> None:
    name = binding.short_name
    cls = classes.get(name)
    if cls is not None and f".{cls.__module__}.{name}".endswith(f".{binding.name}"):
        if binding.scope:
            raise errors.ConfigError(
                f"Scopes have no meaning for {name} ({binding.place})", received=binding.key
            )
        parameters = list(value_types.field_types(cls))
    else:
        parameters = _foreign_parameters(binding, classes)
    if binding.parameter not in parameters:
        raise unknown_parameter(name, binding.parameter, parameters, binding.place)


def _foreign_parameters(binding: gin_files.Binding, classes: Mapping[str, type]) -> list[str]:
    """Returns the parameters of a function or class that a plugin registered with gin.

    Only the named ones: a `**kwargs` would accept any misspelling.
    """
    try:
        function = gin.get_configurable(binding.name)
    except (KeyError, ValueError) as error:
        raise errors.ConfigError(
            f"Unknown configurable {binding.name!r} ({binding.place})",
            expected=f"one of {', '.join(sorted(classes))}",
            hint=errors.did_you_mean(binding.short_name, classes),
        ) from error
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind not in kinds]


def _check_defined(bindings: Sequence[gin_files.Binding]) -> None:
    defined = {b.key for b in bindings if not b.parameter}
    for binding in bindings:
        for macro in binding.macros:
            if macro not in defined:
                raise errors.ConfigError(
                    f"The macro %{macro} is not defined ({binding.place})",
                    expected=f"one of {', '.join(sorted(defined))}" if defined else None,
                    hint=errors.did_you_mean(macro, defined) or f"Define it: {macro} = VALUE",
                )


def _check_cycles(bindings: Sequence[gin_files.Binding]) -> None:
    """Raises for a macro whose definition refers to itself."""
    definitions = {b.key: b for b in bindings if not b.parameter}
    for key, binding in definitions.items():
        queue, seen = list(binding.macros), set()
        while queue:
            macro = queue.pop()
            if macro == key:
                raise errors.ConfigError(
                    f"The macro {key} is defined by way of itself ({binding.place})",
                    received=f"{key} = {binding.value!r}",
                )
            if macro not in seen:
                seen.add(macro)
                queue += definitions[macro].macros


def _check_used(bindings: Sequence[gin_files.Binding], classes: Mapping[str, type]) -> None:
    used = {macro for binding in bindings for macro in binding.macros}
    for binding in bindings:
        if binding.parameter or binding.key in used:
            continue
        hint = errors.did_you_mean(binding.key, used)
        if hint is None:
            keys = [f"{n}.{f}" for n, cls in classes.items() for f in value_types.field_types(cls)]
            same = [key for key in keys if key.rpartition(".")[2] == binding.key]
            hint = f"Did you mean {same[0]!r}?" if same else None
            hint = hint or errors.did_you_mean(binding.key, classes)
        raise errors.ConfigError(
            f"Nothing uses the macro {binding.key} ({binding.place})",
            expected=f"one of {', '.join(sorted(used))}" if used else "CLASS.PARAMETER = VALUE",
            hint=hint,
        )
