"""mm-report: one page on one run or several."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

from t2t_mm import cli
from t2t_mm.runs import folders

_COMMAND = cli.Command(
    "mm-report",
    "Writes one HTML file about a run, or about several side by side: what was trained on what, "
    "learning curves, metrics with intervals beside baselines, the best and worst outputs with "
    "their pictures and sounds, breakdowns of errors, the use of experts. It reads what the run "
    "folder holds and decodes nothing: run mm-eval before it, for the outputs that it keeps.",
    example="mm-report --output_dir=runs/demo --html=demo.html",
)
_OUTPUT_DIRS = _COMMAND.multi(
    "output_dir",
    "folder of a training; repeatable, to compare runs with the first",
    shown=folders.OUTPUT_DEFAULT,
)
_HTML = _COMMAND.path("html", None, "the file to write", shown="report.html in the first run's")
_MAX_MB = _COMMAND.number("max_mb", 5.0, "size of the file at most, in MiB", least=0.0)
_DATA_DIR = _COMMAND.path(
    "data_dir", None, "folder of generated data", shown=folders.DATA_OF_RUN_DEFAULT
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_report, argv)


def _report() -> dict[str, Any]:
    from t2t_mm.reports.run_report import report

    given: list[str | pathlib.Path] = list(_OUTPUT_DIRS.value or ())
    if not given:
        given = [folders.trained_run(say=_COMMAND.say).path]
    answer = report.report(
        given,
        html=_HTML.value,
        max_mb=_MAX_MB.value,
        data_dir=folders.known_data_dir(_DATA_DIR.value),
    )
    for note in answer["notes"]:
        _COMMAND.say(note)
    if not _COMMAND.json:
        print(f"{answer['report']} ({answer['bytes'] / 2**20:.2f} MiB)")
    return answer


if __name__ == "__main__":
    raise SystemExit(main())
