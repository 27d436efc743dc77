"""The run folder's record of its pretrained nets, `nets.json`.

With it a run can be loaded and resumed without the original files: the weights are in its
checkpoints, and everything else of the net is here.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from t2t_mm.modality.pretrained import declaration

Record = dict[str, Any]
"""`declared`, the fields of the declaration; `weights`, `{path, sha256}` or None; for a model
named by a path `architecture`; for embeddings `width`, and `own`, the ids of rows without a
pretrained value."""

_kept: contextvars.ContextVar[Mapping[str, Record] | None] = contextvars.ContextVar(
    "kept", default=None
)


@contextlib.contextmanager
def using(records: Mapping[str, Record]) -> Iterator[None]:
    """Builds models within the block from a run's records, by name of the net."""
    token = _kept.set(records)
    try:
        yield
    finally:
        _kept.reset(token)


def kept(name: str, net: declaration.Net) -> Record | None:
    """Returns the run's record of a net, if its declaration has not changed."""
    recorded = (_kept.get() or {}).get(name)
    if recorded is None or _lasting(recorded["declared"]) != _lasting(_fields(net)):
        return None
    return recorded


def of(net: declaration.Net, kept: Record | None, **made: Any) -> Record:
    """Returns the record of a net.

    Args:
      net: its declaration.
      kept: an earlier record.
      **made: other values from its files.
    """
    return {"declared": _fields(net), "weights": kept and kept.get("weights"), **made}


def lasting(record: Record) -> dict[str, Any]:
    """Returns what a checkpoint of such a net must fit, as JSON values."""
    architecture = record.get("architecture")
    values = _lasting(record["declared"])
    if architecture is not None:  # the path may have changed
        values["model"] = hashlib.sha256(
            json.dumps(architecture, sort_keys=True).encode()
        ).hexdigest()
    return {**values, "sha256": (record["weights"] or {}).get("sha256")}


def _fields(net: declaration.Net) -> dict[str, Any]:
    return dict(json.loads(json.dumps({"kind": type(net).__name__, **dataclasses.asdict(net)})))


def _lasting(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that weights depend on, without those of their training."""
    free = ("learning_rate_multiplier", "names", "weights", "tokens", "tensor")
    return {name: value for name, value in fields.items() if name not in free}
