"""mm-list: what is registered, and what became of each plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2t_mm import cli, plugins, registry
from t2t_mm.reports import listing, registered

_COMMAND = cli.Command(
    "mm-list",
    "Lists the problems with their inputs, targets, splits and sources, the models, modalities, "
    "metrics, mixture schedules, optimizers and decays of the learning rate, each with the plugin "
    "that it comes from, and the plugins themselves: which loaded, and why another did not.",
    example="mm-list --problem='wmt_*' --json",
)
_COMMAND.problems(required=False, shown="all")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_list, argv)


def _list() -> dict[str, Any]:
    patterns = _COMMAND.problem_patterns()
    answer: dict[str, Any] = {
        "problems": registered.describe_problems(
            patterns, warn=lambda line: cli.info(f"mm-list: {line}")
        )
    }
    for kind in ("models", "modalities", "metrics", "schedules", "optimizers", "decays"):
        others = registry.ALL[kind].entries()
        answer[kind] = [{"name": entry.name, "plugin": entry.plugin} for entry in others]
    answer["plugins"] = [report.describe() for report in plugins.reports()]
    if not _COMMAND.json:
        listing.show(answer, console=cli.console())
    return answer


if __name__ == "__main__":
    raise SystemExit(main())
