"""What a benchmark has at hand: options, peers, and where its rows go."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import machine, options, peers, processes, rows


class Context:
    """One benchmark that is being run.

    Args:
      name: of the benchmark.
      chosen: the options.
    """

    def __init__(self, name: str, chosen: options.Options) -> None:
        self.name, self.options = name, chosen
        self.log = chosen.output_dir / "logs" / f"{name}.log"
        self.peers = peers.Peers(chosen, self.log)
        self.rows: list[rows.Row] = []
        self._tried: list[str] = []

    @property
    def precisions(self) -> list[str]:
        """The arithmetics to measure."""
        return machine.precisions(self.options.precisions)

    @property
    def data_dir(self) -> pathlib.Path:
        """The folder of generated data."""
        return self.options.output_dir / "data"

    def worker(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Runs a worker; see `processes.worker`."""
        return processes.worker(name, self.log, **arguments)

    def case(self, name: str, measure: Callable[[], Sequence[rows.Row]]) -> None:
        """Measures one case, unless it was not asked for.

        What cannot be measured, since a peer is missing or has failed, becomes a row that
        says so: one case never costs another.
        """
        if not self.options.wants(name):
            return
        self._tried.append(name)
        print(f"{self.name}: {name} ...", file=sys.stderr, flush=True)
        try:
            found = list(measure())
        except (peers.MissingError, processes.FailedError) as error:
            found = [rows.Row(self.name, name, skipped=" ".join(str(error).split()))]
        self.rows += found
        for row in found:
            print(line(row), flush=True)

    def with_earlier(self, earlier: Sequence[rows.Row]) -> list[rows.Row]:
        """Returns the rows, after those of an earlier run whose cases were not tried again."""
        measured = {row.case for row in self.rows}
        kept = [
            row
            for row in earlier
            if row.case not in measured and not row.case.startswith(tuple(self._tried))
        ]
        return [*kept, *self.rows]

    def row(self, case: str, unit: str, ours: Sequence[float], **rest: Any) -> rows.Row:
        """Returns a row of this benchmark."""
        rest["other"] = tuple(rest.get("other", ()))
        return rows.Row(self.name, case, unit, tuple(ours), **rest)


def line(row: rows.Row) -> str:
    """Returns a row as one line for a terminal."""
    if row.skipped:
        return f"{row.benchmark}: {row.case}: not measured: {row.skipped}"
    text = f"{row.benchmark}: {row.case}: {rows.number(row.our_median)} {row.unit}"
    if row.other:
        other = rows.number(row.other_median)
        text += f", {row.versus} {other}: ratio {row.ratio_in_words}"
    if row.goal is not None:
        verdict = {True: "reached", False: "not reached", None: "open"}[row.is_reached]
        bound = "at least" if row.at_least else "at most"
        text += f" (goal: {bound} {rows.number(row.goal)}, {verdict})"
    return text


def main(name: str, measure: Callable[[Context], None], doc: str) -> None:
    """Runs one benchmark as a program: measures, and writes its rows."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    options.add_flags(parser)
    chosen = options.from_flags(parser.parse_args())
    context = Context(name, chosen)
    measure(context)
    path = chosen.output_dir / "rows" / f"{name}.jsonl"
    rows.write(path, context.with_earlier(rows.read(path)))
