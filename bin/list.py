"""mm-list: what is registered, and what became of each plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2t_mm import cli, plugins, registry
from t2t_mm.report import listing

_COMMAND = cli.Command(
    "mm-list",
    "Lists the problems with their inputs, targets, splits and sources, the models, modalities, "
    "metrics and schedules, each with the plugin that it comes from, and the plugins themselves: "
    "which loaded, and why another did not.",
    example="mm-list --problem='wmt_*' --json",
)
_COMMAND.problems(required=False, shown="all")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_list, argv)


def _list() -> dict[str, Any]:
    patterns = _COMMAND.problem_patterns()
    names = registry.problems.match(patterns) if patterns else registry.problems.names()
    entries = [entry for entry in registry.problems.entries() if entry.name in names]
    described = [_describe(entry) for entry in entries]
    answer: dict[str, Any] = {"problems": [problem for problem in described if problem]}
    for kind in ("models", "modalities", "metrics", "schedules"):
        others = registry.ALL[kind].entries()
        answer[kind] = [{"name": entry.name, "plugin": entry.plugin} for entry in others]
    answer["plugins"] = [report.describe() for report in plugins.reports()]
    if not _COMMAND.json:
        listing.show(answer, console=cli.console())
    return answer


def _describe(entry: registry.Entry) -> dict[str, Any] | None:
    try:
        return {**registry.problems.get(entry.name)().describe(), "plugin": entry.plugin}
    except Exception as error:
        # One problem that cannot describe itself must not hide the others.
        what = f"{type(error).__name__}: {error}"
        cli.info(f"mm-list: warning: problem {entry.name} ({entry.place}) is left out: {what}")
        return None


if __name__ == "__main__":
    raise SystemExit(main())
