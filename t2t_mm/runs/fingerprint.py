"""Compares the fingerprints of checkpoint and run, item by item, for exact errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from t2t_mm import errors

_ABSENT = "nothing"


def check(*, held: Mapping[str, Any], wanted: Mapping[str, Any], place: str) -> None:
    """Raises unless the two fingerprints are equal.

    Args:
      held: the checkpoint's.
      wanted: this run's.
      place: of the checkpoint, for the error.

    Raises:
      CheckpointError: names each item that differs, with both values.
    """
    differing = differences(held, wanted)
    if not differing:
        return
    raise errors.CheckpointError(
        f"The checkpoint ({place}) is of another run: "
        + errors.first_few(differing, 4, between="; "),
        hint="Give the configuration, problems and data that it was trained with, or "
        "another --output_dir",
    )


def differences(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Returns a phrase for each item that differs: "vocabularies.mm_8k is A there, B here"."""
    old, new = _flat(held), _flat(wanted)
    return [
        f"{name} is {_short(old.get(name, _ABSENT))} there, {_short(new.get(name, _ABSENT))} here"
        for name in sorted(set(old) | set(new))
        if old.get(name, _ABSENT) != new.get(name, _ABSENT)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in json.loads(json.dumps(dict(values))).items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    is_hash = len(text) == 64 and all(c in "0123456789abcdef" for c in text)
    return text[:12] if is_hash else errors.shortened(text)
