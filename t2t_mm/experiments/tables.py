"""The tables of an experiment: runs, means over seeds, paired differences, the matrix of transfer.

Each is a file of comma-separated values, and the rows from which the report is made.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import pathlib
import shlex
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import registry
from t2t_mm.experiments import examples as examples_lib
from t2t_mm.experiments import intervals, plan
from t2t_mm.experiments import results as results_lib
from t2t_mm.files import atomic

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
      name: of its file.
      columns: in their order.
      rows: values by column; None, NaN and "" are empty cells.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Row]

    def text(self) -> str:
        """Returns comma-separated values, with a head of the columns."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, self.columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([{n: _shown(row.get(n)) for n in self.columns} for row in self.rows])
        return stream.getvalue()

    def write(self, folder: pathlib.Path) -> str:
        """Writes the file, and returns its path."""
        path = folder / f"{self.name}.csv"
        atomic.write_text(path, self.text())
        return str(path)


def read(path: pathlib.Path) -> Table:
    """Reads a file that `write` made; its values are texts."""
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return Table(path.stem, tuple(reader.fieldnames or ()), list(reader))


def runs(results: results_lib.Results) -> Table:
    """Returns a row for each run: what it was, how it ended, and its commands."""
    rows = []
    for run in results.runs:
        found = results.outcomes[run.key]
        rows.append(
            {
                **dataclasses.asdict(found),
                "problems": " ".join(run.problems),
                "examples": math.fsum(found.examples.values()) if found.examples else None,
                "command": shlex.join(found.commands[0]) if found.commands else "",
                "measured_by": shlex.join(found.commands[1]) if found.commands[1:] else "",
            }
        )
    columns = ("name", "seed", "variation", "group", "problems", "status", "why", "step")
    more = ("seconds", "examples", "machine", "command", "measured_by", "log")
    return Table("runs", (*columns, *more), rows)


def means(results: results_lib.Results) -> Table:
    """Returns mean and spread over seeds of each metric of each problem in each arm."""
    rows = []
    for problem in results.problems:
        for metric in results.metrics(problem):
            for arm in results.arms(problem):
                values = results.values(problem, arm, metric)
                if not values:
                    continue
                spread = intervals.spread(list(values.values()))
                row: Row = {"problem": problem, "metric": metric, "run": arm}
                row |= {"mean": spread.mean, "sd": spread.sd, "seeds": spread.size}
                row |= {"low": spread.low, "high": spread.high}
                row["values"] = " ".join(f"{value:.6g}" for value in values.values())
                row["own_steps"] = results.mean(problem, arm, "steps")
                row["steps"] = results.mean(problem, arm, "step")
                row["examples"] = results.mean(problem, arm, "examples")
                row["seconds"] = results.mean(problem, arm, "seconds")
                rows.append(row)
    columns = ("problem", "metric", "run", "mean", "sd", "low", "high", "seeds", "values")
    return Table("means", (*columns, "own_steps", "steps", "examples", "seconds"), rows)


def differences(results: results_lib.Results, examples: examples_lib.Examples) -> Table:
    """Returns paired differences with their intervals, over seeds and over examples."""
    compared = plan.comparisons(results.runs)
    rows = []
    for problem in results.problems:
        for metric in results.metrics(problem):
            for arm, other in compared.get(problem, ()):
                row = _difference(results, examples, problem, metric, arm, other)
                if row is not None:
                    rows.append(row)
    columns = ("problem", "metric", "run", "less", "difference", "relative", "seeds")
    more = ("seeds_low", "seeds_high", "examples_low", "examples_high", "verdict")
    return Table("differences", (*columns, *more), rows)


def transfer(results: results_lib.Results, compared: Table) -> Table | None:
    """Returns the matrix of what a problem gains by company; None without pairs.

    Rows are problems, columns their company; a value is the difference of the main metric from
    the run alone, above 0 where it is for the better. Of several variations it is the first one's.
    """
    if not any(run.group == "pairs" for run in results.runs):
        return None
    problems = results.problems
    rows = []
    for problem in problems:
        metric = next(iter(results.metrics(problem)), "")
        sign = 1 if is_better_up(metric) else -1
        pairs = plan.company(results.runs, problem)
        own: Row = {"problem": problem, "metric": metric}
        for row in compared.rows:
            if (row["problem"], row["metric"]) == (problem, metric):
                other = pairs.get((row["run"], row["less"]))
                if other is not None:
                    own |= {other: sign * row["difference"], f"{other} verdict": row["verdict"]}
        rows.append(own)
    return Table("transfer", ("problem", "metric", *problems), rows)


def published(
    results: results_lib.Results, figures: Sequence[tuple[str, str, float, str]]
) -> Table:
    """Returns published figures beside ours of the first kind of run, where there is one.

    Args:
      results: of the runs.
      figures: problem, metric, value and source of each.
    """
    rows = []
    for problem, metric, value, source in figures:
        row: Row = {"problem": problem, "metric": metric, "published": value, "source": source}
        row |= dict.fromkeys(("run", "mean", "sd", "seeds"))
        for arm in results.arms(problem):
            values = list(results.values(problem, arm, metric).values())
            if values:
                spread = intervals.spread(values)
                row |= {"run": arm, "mean": spread.mean, "sd": spread.sd, "seeds": spread.size}
                break
        rows.append(row)
    columns = ("problem", "metric", "published", "run", "mean", "sd", "seeds", "source")
    return Table("published", columns, rows)


def is_better_up(metric: str) -> bool:
    """Returns whether higher values of a metric are better."""
    return metric not in registry.metrics or bool(registry.metrics.get(metric).higher_is_better)


def verdict(difference: float, metric: str, ends: Sequence[tuple[float, float]]) -> str:
    """Returns "better" or "worse" where no interval holds 0, else "unclear".

    An interval without width is none: two seeds can differ by the same one example.

    Args:
      difference: of a metric.
      metric: its name.
      ends: low and high of each interval that there is.
    """
    known = [(low, high) for low, high in ends if low < high and math.isfinite(high - low)]
    if not known or any(low <= 0 <= high for low, high in known):
        return "unclear"
    if len({low > 0 for low, _ in known}) > 1:
        return "unclear"
    return "better" if (difference > 0) == is_better_up(metric) else "worse"


def _difference(
    results: results_lib.Results,
    examples: examples_lib.Examples,
    problem: str,
    metric: str,
    arm: str,
    other: str,
) -> Row | None:
    ours, theirs = (results.values(problem, name, metric) for name in (arm, other))
    seeds = [seed for seed in ours if seed in theirs]
    if not seeds:
        return None
    spread = intervals.spread([ours[seed] - theirs[seed] for seed in seeds])
    mean = statistics.fmean(theirs[seed] for seed in seeds)
    over = examples.difference(
        [results.done[problem, arm][seed] for seed in seeds],
        [results.done[problem, other][seed] for seed in seeds],
        problem,
        metric,
    )
    low, high = (over.low, over.high) if over is not None else (math.nan, math.nan)
    return {
        "problem": problem,
        "metric": metric,
        "run": arm,
        "less": other,
        "difference": spread.mean,
        "relative": spread.mean / abs(mean) if mean else math.nan,
        "less_mean": mean,
        "seeds": spread.size,
        "seeds_low": spread.low,
        "seeds_high": spread.high,
        "examples_low": low,
        "examples_high": high,
        "verdict": verdict(spread.mean, metric, [(spread.low, spread.high), (low, high)])
        + ("" if spread.size > 1 else ", one seed"),
    }


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def every(results: results_lib.Results, examples: examples_lib.Examples) -> Mapping[str, Table]:
    """Returns all tables by name."""
    compared = differences(results, examples)
    made = [runs(results), means(results), compared, transfer(results, compared)]
    return {table.name: table for table in made if table is not None}
