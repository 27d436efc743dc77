"""What a run folder keeps of its nets from elsewhere, in `nets.json`.

With it a run is read, and gone on with, where the files are no longer at hand: the weights
are in its checkpoints, and what else made the net is here.
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
"""`declared`, the fields of the declaration; `weights`, `{path, sha256}` or None; and for a
model that was named by a path `architecture`, for embeddings `width` and `own`, the numbers of
the rows that no token gave."""

_kept: contextvars.ContextVar[Mapping[str, Record] | None] = contextvars.ContextVar(
    "kept", default=None
)


@contextlib.contextmanager
def using(records: Mapping[str, Record]) -> Iterator[None]:
    """Makes models within the block of what a run has kept, by name of the net."""
    token = _kept.set(records)
    try:
        yield
    finally:
        _kept.reset(token)


def kept(name: str, net: declaration.Net) -> Record | None:
    """Returns what the run has kept of a net, if it is declared as it was then."""
    found = (_kept.get() or {}).get(name)
    if found is None or _lasting(found["declared"]) != _lasting(_fields(net)):
        return None
    return found


def of(net: declaration.Net, kept: Record | None, **made: Any) -> Record:
    """Returns what is to be kept of a net.

    Args:
      net: its declaration.
      kept: what was kept of it before.
      **made: what else its files gave.
    """
    return {"declared": _fields(net), "weights": kept and kept.get("weights"), **made}


def lasting(record: Record) -> dict[str, Any]:
    """Returns what a checkpoint of such a net must fit, as JSON values."""
    architecture = record.get("architecture")
    values = _lasting(record["declared"])
    if architecture is not None:  # the path may be another
        values["model"] = hashlib.sha256(
            json.dumps(architecture, sort_keys=True).encode()
        ).hexdigest()
    return {**values, "sha256": (record["weights"] or {}).get("sha256")}


def _fields(net: declaration.Net) -> dict[str, Any]:
    return dict(json.loads(json.dumps({"kind": type(net).__name__, **dataclasses.asdict(net)})))


def _lasting(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that weights depend on: not how they are trained."""
    free = ("learning_rate_multiplier", "names", "weights", "tokens", "tensor")
    return {name: value for name, value in fields.items() if name not in free}
