"""The page of all gin parameters, made from the dataclasses that gin sets.

python -m t2t_mm.reports.gin_reference > docs/gin_parameters.md
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from typing import Any

from t2t_mm import config
from t2t_mm.config import ranges as config_ranges
from t2t_mm.config import value_types

_ARGUMENT = re.compile(r"(\w+): (.*)")
_HEAD = """\
# All gin parameters

Set one as `CLASS.FIELD = VALUE`, in a `.gin` file or by `--gin_param`. A value of the wrong type
or out of range is an error before any work begins, and says what is taken. This page is made by
`python -m t2t_mm.reports.gin_reference > docs/gin_parameters.md`.
"""


def page() -> str:
    """Returns the page, Markdown: a table for each class, in the order of their names."""
    return "\n".join([_HEAD, *(_section(cls) for cls in config.classes())])


def _section(cls: type) -> str:
    told, ranges, types = (
        dict(_arguments(cls)),
        config_ranges.of(cls),
        value_types.field_types(cls),
    )
    rows = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        allowed = ranges[field.name].words if field.name in ranges else ""
        cells = (_kind(types[field.name]), allowed, _default(field), told.get(field.name, ""))
        texts = " | ".join(cell.replace("|", "\\|") for cell in cells)
        rows.append(f"| `{field.name}` | {texts} |\n")
    summary = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
    table = (
        "| field | type | range | default | |\n|---|---|---|---|---|\n" + "".join(rows)
        if rows
        else ""
    )
    return f"## {cls.__name__}\n\n{summary}\n\n{table}"


def _kind(annotation: Any) -> str:
    """Returns a type as Python has it, without the modules of its parts."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    text = str(annotation) if typing.get_origin(annotation) else text
    return text.replace("typing.", "").replace("collections.abc.", "")


def _default(field: dataclasses.Field) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    factory = field.default_factory
    return "needed" if factory is dataclasses.MISSING else f"`{factory()!r}`"


def _arguments(cls: type) -> Iterator[tuple[str, str]]:
    """Yields name and text of every field that a class's docstring describes.

    One class may take fields over from another, whose docstring then describes them.
    """
    for base in reversed(cls.__mro__):
        _, _, text = inspect.cleandoc(base.__doc__ or "").partition("\nArgs:\n")
        lines = text.split("\n\n")[0].splitlines()
        name, parts = "", list[str]()
        for line in lines:
            begins = line.startswith("  ") and line[2:3] != " " and _ARGUMENT.match(line.strip())
            if not begins:
                parts.append(line.strip())
                continue
            if name:
                yield name, " ".join(parts)
            name, parts = begins[1], [begins[2]]
        if name:
            yield name, " ".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
