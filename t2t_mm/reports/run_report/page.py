"""Sections as one HTML page: `page.html.j2` with `style.css` in it."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence
from typing import Any

from t2t_mm import version
from t2t_mm.reports.run_report import blocks

_FOLDER = pathlib.Path(__file__).resolve().parent


def render(title: str, sections: Sequence[blocks.Section], *, notes: Sequence[str] = ()) -> str:
    """Returns the page.

    Args:
      title: of it.
      sections: in their order.
      notes: what a reader must know first, such as what is missing.
    """
    import jinja2

    # All is escaped but what blocks declare as HTML (`Html`), marked `safe` in the template.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = _breakable
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        title=title,
        style=style,
        sections=[(section, _rows(section.blocks)) for section in sections],
        notes=notes,
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        version=version.__version__,
    )


def _breakable(name: str) -> Any:
    """Returns a name, escaped, that may go on in a new line after each of its words."""
    import markupsafe

    return markupsafe.escape(name).replace("_", markupsafe.Markup("_<wbr>"))


def _rows(made: Sequence[blocks.Block]) -> list[list[blocks.Block]]:
    """Returns blocks in groups, each to be laid out as a grid: a heading begins a new one."""
    rows: list[list[blocks.Block]] = [[]]
    for block in made:
        if block.kind == "heading" and rows[-1]:
            rows.append([])
        rows[-1].append(block)
    return [row for row in rows if row]
