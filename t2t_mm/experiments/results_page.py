"""The page of results, made from the tables of experiments.

    python -m t2t_mm.experiments.results_page EXPERIMENT_DIR... > docs/results.md

What is to be said of an experiment in words is `notes.md` in its folder, and stands above its
tables.
"""

from __future__ import annotations

import math
import pathlib
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from t2t_mm import errors, plugins
from t2t_mm.evaluation import base
from t2t_mm.experiments import folder as folder_lib
from t2t_mm.experiments import tables
from t2t_mm.reports.run_report import overview

_HEAD = """\
# What it learns

This page is made from the tables of [experiments](experiments.md), by
`python -m t2t_mm.experiments.results_page EXPERIMENT_DIR... > docs/results.md`; it has no figure of
another origin. A value is the mean over seeds, ± their standard deviation; n is their number. Of a
difference, paired by seed, the first brackets hold the 95 % interval over seeds (Student's t), the
second that over examples (paired bootstrap); it is better or worse where none of them holds 0.
Times are seconds in steps of training, without evaluations.
"""
_TRIALS = 5
_FOLDERS = {"--data_dir": "DATA", "--manual_dir": "CORPORA", "--output_dir": "OUT"}


def page(folders: Sequence[pathlib.Path]) -> str:
    """Returns the page, Markdown: a section for each experiment.

    Args:
      folders: of experiments.

    Raises:
      ConfigError: a folder holds no experiment, or one without tables.
    """
    return "\n".join([_HEAD, *map(_section, folders)])


def _section(path: pathlib.Path) -> str:
    folder = folder_lib.ExperimentFolder(path)
    held = folder.held() if folder.path.is_dir() else None
    if held is None or not (folder.tables / "means.csv").is_file():
        raise errors.ConfigError(
            f"{path} holds no experiment with tables",
            expected="the --output_dir of mm-experiment",
        )
    found = {file.stem: tables.read(file) for file in sorted(folder.tables.glob("*.csv"))}
    parts = [f"## `{held['experiment']}`\n", _facts(held, found["runs"])]
    notes = folder.path / "notes.md"
    if notes.is_file():
        parts.append(notes.read_text(encoding="utf-8").strip() + "\n")
    parts += [_means(found["means"]), _differences(found["differences"])]
    parts += [
        _plain(found[name], title, most)
        for name, title, most in (
            ("transfer", "Gain of a problem (row) by company (column), in its main metric", None),
            ("published", "Published figures, and ours", None),
            ("trials", f"The best {_TRIALS} trials", _TRIALS),
        )
        if name in found and found[name].rows
    ]
    parts.append(_cost(found["means"]))
    return "\n".join(part for part in parts if part)


def _facts(held: dict[str, Any], runs: tables.Table) -> str:
    done = [row for row in runs.rows if row["status"] == "done"]
    bad = [row for row in runs.rows if row["status"] not in ("done", "pruned")]
    seeds = sorted({int(row["seed"]) for row in runs.rows})
    seconds = math.fsum(float(row["seconds"] or 0) for row in runs.rows)
    machines = dict.fromkeys(row["machine"] for row in done if row["machine"])
    lines = [
        f"{len(done)} of {len(runs.rows)} runs, seeds {', '.join(map(str, seeds))}; "
        f"{overview.duration(seconds)} in steps; {'; '.join(machines) or 'no machine yet'}.",
        f"Budget of a run: {_budget(held)}.",
    ]
    for row in bad:
        why = f", {row['why']}" if row["why"] else ""
        lines.append(f"Not done: {row['name']}, seed {row['seed']}: {row['status']}{why}.")
    return "\n".join([*lines, "", "```", _command(held["command"]), "```", ""])


def _command(words: Sequence[str]) -> str:
    """Returns a command, folders of this machine by their kind: DATA, OUT."""
    return " \\\n    ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    flag, _, _ = word.partition("=")
    if flag in _FOLDERS:
        return f"{flag}={_FOLDERS[flag]}"
    # Values in gin have single quotes, which a shell takes as they are between double ones.
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def _budget(held: dict[str, Any]) -> str:
    """Returns what the configuration allows a run, but where steps or time are another one's."""
    said = []
    for name, values in held["variations"].items():
        limits = [f"{int(values.get('TrainSettings.train_steps', 0)):,} steps"]
        if (most := int(values.get("TrainSettings.train_seconds", 0))) > 0:
            limits.append(f"{most:,} s at most")
        said.append((name, ", ".join(limits)))
    if len({own for _, own in said}) == 1:
        return said[0][1]
    return "; ".join(f"{own} ({name})" for name, own in said)


def _means(found: tables.Table) -> str:
    arms = _unique(row["run"] for row in found.rows)
    rows = []
    for problem in _unique(row["problem"] for row in found.rows):
        own = [row for row in found.rows if row["problem"] == problem]
        for metric in _unique(row["metric"] for row in own):
            cells = {row["run"]: _mean(row) for row in own if row["metric"] == metric}
            rows.append([f"`{problem}`", metric, *(cells.get(arm, "") for arm in arms)])
    return _table(["problem", "metric", *(f"`{arm}`" for arm in arms)], rows)


def _differences(found: tables.Table) -> str:
    rows = [
        [
            f"`{row['problem']}`",
            row["metric"],
            f"`{row['run']}` less `{row['less']}`",
            f"{_number(row, 'difference', is_signed=True)} (n = {row['seeds']})",
            _interval(row, "seeds"),
            _interval(row, "examples"),
            row["verdict"],
        ]
        for row in found.rows
    ]
    columns = ["problem", "metric", "runs", "difference", "over seeds", "over examples", ""]
    return _table(columns, rows)


def _cost(found: tables.Table) -> str:
    """Returns the steps, examples and seconds of each kind of run of each problem."""
    rows, told = [], set()
    for row in found.rows:
        key = (row["problem"], row["run"])
        if key not in told:
            told.add(key)
            cost = [_whole(row[name]) for name in ("own_steps", "examples", "steps", "seconds")]
            rows.append([f"`{row['problem']}`", f"`{row['run']}`", *cost])
    columns = ["problem", "runs", "own steps", "own examples", "steps of the run", "its seconds"]
    return _table(columns, rows)


def _plain(found: tables.Table, title: str, most: int | None) -> str:
    rows = list(found.rows)
    if most is not None:
        rows = sorted((row for row in rows if row["gain"]), key=lambda row: -float(row["gain"]))
    cells = [[row[column] for column in found.columns] for row in rows[:most]]
    return f"{title}:\n\n{_table(list(found.columns), cells)}"


def _mean(row: tables.Row) -> str:
    spread = f" ± {base.shown(row['metric'], float(row['sd']))}" if row["sd"] else ""
    return f"{_number(row, 'mean')}{spread} (n = {row['seeds']})"


def _number(row: tables.Row, name: str, *, is_signed: bool = False) -> str:
    shown = base.shown(row["metric"], float(row[name]))
    return f"+{shown}" if is_signed and not shown.startswith("-") else shown


def _interval(row: tables.Row, over: str) -> str:
    ends = [f"{over}_low", f"{over}_high"]
    if not all(row[end] for end in ends):
        return ""
    return f"[{', '.join(_number(row, end, is_signed=True) for end in ends)}]"


def _whole(text: str) -> str:
    return f"{float(text):,.0f}" if text else ""


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main(folders: Sequence[str]) -> int:
    """Writes the page to standard output; returns the exit code."""
    try:
        if not folders:
            raise errors.ConfigError(
                "No experiment is named", expected="the folders of experiments, one or more"
            )
        plugins.load_all()
        sys.stdout.write(page([pathlib.Path(name) for name in folders]))
    except errors.UserError as error:
        sys.stderr.write(f"results_page: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
