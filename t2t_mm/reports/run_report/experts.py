"""The section of experts: how much each problem uses each, and how far problems share them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from t2t_mm.reports.run_report import blocks, held_run
from t2t_mm.runs import metrics_log

_LAST = 0.25
"""The part of the training whose mean is shown: its end."""

_WIDEST = 32
"""Experts that a table has a column for."""


def section(runs: Sequence[held_run.HeldRun]) -> blocks.Section | None:
    """Returns heat maps of each layer, and the overlap between problems; None without experts."""
    made: list[blocks.Block] = []
    for run in runs:
        loads = {name: load for name in run.log.totals if (load := _load(run, name)) is not None}
        if not loads:
            continue
        if len(runs) > 1:
            made.append(blocks.Heading(run.name))
        layers = max(len(load) for load in loads.values())
        made += [_layer(layer, layers, loads) for layer in range(layers)]
        if len(loads) > 1:
            made.append(_overlaps(loads))
    if not made:
        return None
    return blocks.Section(
        "experts",
        "Use of experts",
        made,
        f"Shares of a problem's tokens that each expert gets, the mean over the last "
        f"{_LAST:.0%} of the training. A row sums to 100. The more an expert is used the darker is "
        "its ground: half as dark as it may be where all are used alike.",
    )


def _load(run: held_run.HeldRun, problem: str) -> np.ndarray | None:
    """Returns the mean load of a problem: float [layers, E], a row sums to 1."""
    kept = run.log.of(metrics_log.TRAINING, problem).kept()
    begin = (1 - _LAST) * run.log.last_step
    loads = [(step, metrics["expert_load"]) for step, metrics in kept if "expert_load" in metrics]
    late = [load for step, load in loads if step >= begin] or [load for _, load in loads[-1:]]
    if not late:
        return None
    try:
        mean = np.mean(np.asarray(late, np.float64), axis=0)
    except (ValueError, TypeError):
        return None  # of lines that say something else
    return mean if mean.ndim == 2 and np.isfinite(mean).all() else None


def _layer(layer: int, layers: int, loads: dict[str, np.ndarray]) -> blocks.Table:
    own = {name: load[layer] for name, load in loads.items() if layer < len(load)}
    count = min(max(len(row) for row in own.values()), _WIDEST)
    rows = [
        [
            blocks.text(name),
            *(
                blocks.Cell(
                    f"{100 * share:.0f}", is_number=True, shade=min(1.0, share * len(row) / 2)
                )
                for share in row[:count]
            ),
            *([blocks.number(None)] * (count - len(row))),
        ]
        for name, row in own.items()
    ]
    columns = ("problem", *(str(expert) for expert in range(1, count + 1)))
    note = "" if count < _WIDEST else f"the first {_WIDEST} experts"
    title = f"Layer {layer + 1} of {layers} with experts, percent of tokens"
    return blocks.Table(title, columns, rows, note, is_wide=count > 12)


def _cell(share: float, experts: int) -> blocks.Cell:
    return blocks.Cell(f"{100 * share:.0f}", is_number=True, shade=min(1.0, share * experts / 2))


def _overlaps(loads: dict[str, np.ndarray]) -> blocks.Table:
    rows = []
    for name, own in loads.items():
        cells = [blocks.text(name)]
        for other in loads.values():
            share = overlap(own, other)
            cells.append(
                blocks.number(None)
                if share is None
                else blocks.Cell(f"{100 * share:.0f}", is_number=True, shade=share)
            )
        rows.append(cells)
    note = (
        "the share of tokens that two problems send to the same experts, sum of min(p, q) over "
        "experts, the mean over the layers that both have: 100 is the same use, 0 none in common"
    )
    columns = ("problem", *loads)
    return blocks.Table("Overlap between problems", columns, rows, note, is_wide=len(loads) > 6)


def overlap(one: np.ndarray, two: np.ndarray) -> float | None:
    """Returns the common part of two uses of experts, the mean over layers: 0 to 1.

    Args:
      one: float [layers, E], a row sums to 1.
      two: the same; a class problem uses the encoder's layers alone, which are the first.

    Returns:
      None where the layers have other experts.
    """
    layers = min(len(one), len(two))
    if one.shape[1] != two.shape[1] or not layers:
        return None
    return float(np.minimum(one[:layers], two[:layers]).sum(-1).mean())
