"""A mixture of experts: against a dense layer of equal work, memory, and the layers of others."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks import context, rows

_GOALS = {60: 1.15, 240: 1.4}
_SHAPE = "2,048 positions, D 256, F 1,024, K 4, noisy gate, both losses, forward and backward"


@dataclasses.dataclass(frozen=True)
class Other:
    """A layer of another library, as it ships it.

    Args:
      name: for the table.
      environment: of the peers.
      script: that measures it.
      library: its name there.
      most: experts at most that fit into little memory.
    """

    name: str
    environment: str
    script: str
    library: str
    most: int = 240


_OTHERS = (
    Other("hugging face mixtral grouped", "torch", "moe_torch.py", "hf_mixtral_grouped"),
    Other("hugging face qwen2", "torch", "moe_torch.py", "hf_qwen2moe"),
    Other("keras hub mixtral", "tf", "moe_keras.py", "mixtral", most=60),
)


def measure(here: context.Context) -> None:
    """Measures ours with 60 and 240 experts, the growth between, and the others."""
    counts = (6, 12) if here.options.quick else tuple(_GOALS)
    for precision in here.precisions:
        found: dict[int, dict[str, list[float]]] = {}
        for experts in counts:
            here.case(
                f"{experts} experts against dense, {precision}",
                functools.partial(_ours, here, experts, precision, found),
            )
        if len(found) == len(counts):
            here.case(
                f"growth from {counts[0]} to {counts[1]} experts, {precision}",
                functools.partial(_growth, here, precision, found),
            )
        for experts in counts:
            here.case(
                f"{experts} experts in blocks, {precision}",
                functools.partial(_in_blocks, here, experts, precision),
            )
    for other in _OTHERS:
        for experts in counts:
            here.case(
                f"{other.name}, {experts} experts",
                functools.partial(_other, here, other, experts),
            )


def _ours(
    here: context.Context, experts: int, precision: str, all_found: dict
) -> Sequence[rows.Row]:
    found = _found(here, experts, precision)
    all_found[experts] = found
    rate = statistics.median(found["product_per_s"])
    least_ms = found["operations"] / rate * 1e3
    name = f"{experts} experts against dense, {precision}"
    return [
        here.row(
            name,
            "ms",
            found["mixture"],
            other=found["dense"],
            versus="dense layer of equal operations",
            goal=_GOALS.get(experts),
            at_least=False,
            note=f"{_SHAPE}; products alone at the machine's best rate {least_ms:.0f} ms",
        ),
        here.row(
            f"{name}, with Adam",
            "ms",
            found["mixture_update"],
            other=found["dense_update"],
            versus="dense layer, with Adam over its own weights",
            note=f"the weights' bytes at the measured bandwidth: {_moving_ms(found, True):.0f} ms",
        ),
    ]


def _in_blocks(here: context.Context, experts: int, precision: str) -> Sequence[rows.Row]:
    """What a GPU would do, on this processor: the price of blocks that are filled up."""
    found = _found(here, experts, precision, in_blocks=True)
    return [
        here.row(
            f"{experts} experts in blocks, {precision}",
            "ms",
            found["mixture_in_blocks"],
            other=found["mixture"],
            versus="a product for each expert",
            note=f"{_SHAPE}; blocks are what GPUs take, here on the processor",
        )
    ]


def _found(here: context.Context, experts: int, precision: str, **more: bool) -> dict[str, Any]:
    quick = {"positions": 64, "width": 16, "filter": 32} if here.options.quick else {}
    return here.worker(
        "experts",
        experts=experts,
        precision=precision,
        seconds=here.options.seconds / 2,
        rounds=here.options.rounds,
        **quick,
        **more,
    )


def _moving_ms(found: dict, with_optimizer: bool) -> float:
    """Returns the least time to move the experts' weights, gradients and moments."""
    moved = found["bytes_update" if with_optimizer else "bytes"]
    return float(moved / statistics.median(found["bytes_per_s"]) * 1e3)


def _growth(here: context.Context, precision: str, found: dict) -> Sequence[rows.Row]:
    """More experts with as many operations: only more bytes, so that is the floor."""
    few, many = sorted(found)
    made = []
    for label, side, update in (("", "mixture", False), (", with Adam", "mixture_update", True)):
        grown = [b - a for a, b in zip(found[few][side], found[many][side], strict=True)]
        key = "bytes_update" if update else "bytes"
        more = found[many][key] - found[few][key]
        floor = [more / rate * 1e3 for rate in found[many]["bytes_per_s"]]
        made.append(
            here.row(
                f"growth from {few} to {many} experts, {precision}{label}",
                "ms",
                grown,
                other=floor,
                versus="bytes of the added weights over bandwidth",
                at_least=False,
                note=f"{more / 1e6:,.0f} MB more to move",
            )
        )
    return made


def _other(here: context.Context, other: Other, experts: int) -> Sequence[rows.Row]:
    case = f"{other.name}, {experts} experts"
    if experts > other.most:
        reason = f"it runs every expert on every position: some 15 GB with {experts}"
        return [rows.Row(here.name, case, skipped=reason)]
    arguments = [other.library, str(experts), "float32"]
    arguments += ["0"] if other.script == "moe_keras.py" else []  # without its compiler
    arguments.append(str(here.options.seconds))
    found = [
        here.peers.script(other.environment, other.script, *arguments)
        for _ in range(here.options.peer_rounds)
    ]
    failed = [one["error"] for one in found if "error" in one]
    if failed:
        return [rows.Row(here.name, case, skipped=failed[0])]
    return [
        here.row(
            case,
            "ms",
            [one["moe_ms"] for one in found],
            other=[one["dense_ms"] for one in found],
            versus="its own dense layer of equal operations",
            note="theirs, not ours: what ours is to be compared with",
        )
    ]


if __name__ == "__main__":
    context.main("experts", measure, __doc__ or "")
