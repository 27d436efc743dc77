"""mm-inspect: look at generated records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2t_mm import cli, errors
from t2t_mm.reports import inspection
from t2t_mm.runs import folders

_COMMAND = cli.Command(
    "mm-inspect",
    "Shows generated records of one problem: how many there are, how long their texts, how large "
    "their pictures and how frequent their classes are, and some examples; in the terminal, or "
    "with --html as one page that needs no other file.",
    example="mm-inspect --problem=wmt_ende --data_dir=data --html=wmt_ende.html",
)
_COMMAND.problems()
_DATA_DIR = _COMMAND.path("data_dir", None, "folder of generated data", shown=folders.DATA_DEFAULT)
_SPLIT = _COMMAND.string("split", None, "the split", shown="that of training")
_EXAMPLES = _COMMAND.integer("examples", 5, "examples to show")
_HTML = _COMMAND.path(
    "html", None, "write a page to this file instead of the terminal", shown="none"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_inspect, argv)


def _inspect() -> dict[str, Any]:
    names = _COMMAND.problem_names()
    if len(names) != 1:
        raise errors.ConfigError(
            "mm-inspect looks at one problem at a time",
            received=", ".join(names),
            expected="--problem=NAME",
        )
    found = inspection.inspect(
        names[0], _DATA_DIR.value, split=_SPLIT.value, examples=_EXAMPLES.value
    )
    if _HTML.value is not None:
        from t2t_mm.files import atomic
        from t2t_mm.reports import inspect_html

        atomic.write_text(_HTML.value, inspect_html.page(found))
        cli.info(f"mm-inspect: wrote {_HTML.value}")
    elif not _COMMAND.json:
        from t2t_mm.reports import inspect as inspect_view

        inspect_view.show(found, console=cli.console())
    return found.describe()


if __name__ == "__main__":
    raise SystemExit(main())
