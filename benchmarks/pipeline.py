"""Input: what each problem's pipeline gives alone, against what a model takes of it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import context, processes, rows

_SIZE = 400
_TINY = 40


def measure(here: context.Context) -> None:
    """Measures one problem of each kind of the sample world."""
    for name in kinds():
        here.case(name, functools.partial(_problem, here, name))


def kinds() -> list[str]:
    """Returns the first problem of each kind: those with equal modalities compute alike."""
    from t2t_mm import plugins, registry

    plugins.load_all()
    found: dict[str, str] = {}
    for name in registry.problems.names():
        problem: Any = registry.problems.get(name)
        if "sample" in problem.sources:
            declared = [*problem.declared_inputs("sample").values(), problem.targets]
            found.setdefault(str([_kind(one.describe()) for one in declared]), name)
    return sorted(found.values())


def _kind(described: dict[str, Any]) -> dict[str, Any]:
    """Returns a declaration but for which classes and labels it names."""
    return {key: value for key, value in described.items() if key not in ("classes", "labels")}


def _problem(here: context.Context, name: str) -> Sequence[rows.Row]:
    size = _TINY if here.options.quick else _SIZE
    data_dir = here.options.output_dir / f"sample_{size}"
    command = [sys.executable, "-m", "t2t_mm.bin.datagen", f"--problem={name}"]
    arguments = ["--source=sample", f"--data_dir={data_dir}", f"--sample_size={size}"]
    processes.run([*command, *arguments], log=here.log)
    found = here.worker(
        "pipeline",
        problem=name,
        data_dir=data_dir,
        gin_file="multi_model_tiny" if here.options.quick else "multi_model_small",
        seconds=here.options.seconds / 3,
        rounds=here.options.rounds,
        pictures=True,
    )
    parts = ", ".join(
        f"{part} {ms:.2f} ms a picture" for part, ms in found.get("picture_ms", {}).items()
    )
    note = f"{found['processor_ms']:.1f} ms of processor time a batch; padding "
    return [
        here.row(
            name,
            "batches/s",
            found["batches_per_s"],
            other=found["steps_per_s"],
            versus="training steps of multi_model small",
            goal=3.0,
            note=f"{note}{found['padding']:.0%}" + (f"; {parts}" if parts else ""),
        )
    ]


if __name__ == "__main__":
    context.main("pipeline", measure, __doc__ or "")
