"""What it costs that steps repeat bit for bit, and that each is looked at for finite values."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from benchmarks import context, rows

_GOAL = 1.03  # more would not be worth it as a default
_LENGTH = 32
_OTHERS = {
    "any_order": ("gradients summed in order", "summed in any order"),
    "unchecked": ("finite checks", "without them"),
}


def measure(here: context.Context) -> None:
    """Measures `small` of both models on text of a fixed shape."""
    for name in ("multi_model", "transformer"):
        here.case(f"{name} small", functools.partial(_one, here, name))


def _one(here: context.Context, name: str) -> Sequence[rows.Row]:
    batch = 4 if here.options.quick else 32
    found = here.worker(
        "exact",
        gin_file=f"{name}_{'tiny' if here.options.quick else 'small'}",
        rows=batch,
        length=_LENGTH,
        seconds=here.options.seconds,
        rounds=here.options.rounds,
    )
    return [
        here.row(
            f"{name} small, {what}",
            "ms",
            found["as_is"],
            other=found[kind],
            versus=versus,
            goal=_GOAL,
            at_least=False,
            note=f"{batch} x ({_LENGTH} + {_LENGTH}) tokens, float32; "
            f"{found['weights'] / 1e6:.1f} M weights; steps taken in turn, in one process",
        )
        for kind, (what, versus) in _OTHERS.items()
    ]


if __name__ == "__main__":
    context.main("exact", measure, __doc__ or "")
