"""Results of jobs as JSON, for workers that share nothing but a folder."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.data import manifest
from t2t_mm.datagen import encode, shuffle


def pack(result: encode.EncodedPart | shuffle.Written | None) -> dict[str, Any]:
    """Returns a result as JSON values."""
    if isinstance(result, encode.EncodedPart):
        values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        bad = [[*one.place, one.key, one.message, one.reason] for one in result.bad]
        return {"part": {**values, "bad": bad}}
    if isinstance(result, shuffle.Written):
        return {"shard": dataclasses.asdict(result.shard), "checksum": result.checksum}
    return {}


def unpack(values: Mapping[str, Any]) -> encode.EncodedPart | shuffle.Written | None:
    """Inverts `pack`."""
    if "part" in values:
        part = dict(values["part"])
        part["bad"] = [
            encode.BadExample((number, index), key, message, reason)
            for number, index, key, message, reason in part["bad"]
        ]
        classes = part["classes"].items()
        part["classes"] = {name: collections.Counter(counts) for name, counts in classes}
        for name in ("answers", "filtered"):
            part[name] = collections.Counter(part[name])
        return encode.EncodedPart(**part)
    if "shard" in values:
        return shuffle.Written(manifest.Shard(**values["shard"]), values["checksum"])
    return None


def examples(values: Mapping[str, Any]) -> int:
    """Returns how many examples a packed result is of; 0 unless they were encoded."""
    return int(values.get("part", {}).get("examples", 0))


def pack_error(error: errors.UserError) -> dict[str, str]:
    """Returns an error as JSON values."""
    return {"kind": type(error).__name__, "text": str(error)}


def error(values: Mapping[str, str]) -> errors.UserError:
    """Inverts `pack_error`; the kinds of plugins become their base."""
    kind = getattr(errors, values["kind"], errors.UserError)
    is_error = isinstance(kind, type) and issubclass(kind, errors.UserError)
    return (kind if is_error else errors.UserError)(values["text"])
