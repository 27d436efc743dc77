"""Charts as SVG: Vega-Lite, rendered by vl-convert.

Chosen because a page of SVG needs no script, so that its content security policy can forbid all
of them; it prints, and its text can be searched. The colours are the page's CSS variables, which
Vega passes on as they are, so one SVG serves light and dark. A chart takes about 8 KB; Altair's
page with its JavaScript takes 1 MB, and cannot be read where scripts are switched off.
"""

from __future__ import annotations

import dataclasses
import html
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm.reports.run_report import blocks, training_log

_WIDTH, _HEIGHT = 336, 190
_DRAWN = 240
"""Points of a line at most: more than these cannot be told apart."""

_INK, _QUIET, _LINE = "var(--ink)", "var(--quiet)", "var(--line)"
_ROLES = re.compile(
    r' (?:aria-roledescription|aria-hidden|pointer-events|role|stroke-miterlimit)="[^"]*"'
)
_COORDINATES = re.compile(r' (?:d|transform|x2|y2|x|y|width|height)="[^"]*"')
_DECIMALS = re.compile(r"\d+\.\d\d+")
_NOTHING = re.compile(r'<path class="(?:background|foreground)" [^>]*/>')


@dataclasses.dataclass(frozen=True)
class Line:
    """A series of a chart.

    Attributes:
      name: in the legend; lines of one name and colour share an entry.
      points: its course.
      colour: the number of its colour.
      style: "faint" for raw values behind their mean, "points" for few values.
    """

    name: str
    points: training_log.Points
    colour: int = 0
    style: str = ""


def lines(
    title: str,
    series: Sequence[Line],
    *,
    unit: str = "",
    along: str = "step",
    logarithmic: bool = False,
    from_zero: bool = False,
    note: str = "",
) -> blocks.Chart | None:
    """Returns a chart of lines, over steps or what else they have; None without any point.

    Args:
      title: of the chart.
      series: from the back to the front.
      unit: of the values.
      along: what the lines run over.
      logarithmic: whether equal factors have equal distances.
      from_zero: whether the scale begins at 0.
      note: below.
    """
    layers = []
    for line in series:
        values = _rows(line.points, positive=logarithmic)
        if not values:
            continue
        mark: dict[str, Any] = {"type": "line", "aria": False, "strokeWidth": 2}
        if line.style == "faint":
            mark |= {"strokeWidth": 1, "opacity": 0.4}
        elif line.style == "points" or len(values) == 1:
            mark |= {"strokeDash": [5, 3], "strokeWidth": 1.5}
            mark["point"] = {"filled": True, "size": 28, "fill": colour(line.colour)}
        mark["stroke"] = colour(line.colour)
        layers.append({"data": {"values": values}, "mark": mark})
    if not layers:
        return None
    y: dict[str, Any] = {"field": "y", "type": "quantitative", "title": unit or None}
    y["scale"] = {"zero": from_zero, "nice": True}
    y["axis"] = {"tickCount": 5, "format": ",~g"}
    if logarithmic:
        shown = [row["y"] for layer in layers for row in layer["data"]["values"]]
        y["scale"] = {"type": "log", "domain": [min(shown), max(shown)], "nice": False}
        y["axis"]["values"] = _round_values(min(shown), max(shown))
    last = max(row["x"] for layer in layers for row in layer["data"]["values"])
    x = {
        "field": "x",
        "type": "quantitative",
        "title": along,
        "scale": {"domain": [0, last], "nice": False},
        "axis": {"tickCount": 5, "labelOverlap": True},
    }
    specification = {"layer": layers, "encoding": {"x": x, "y": y}}
    legend = list(
        dict.fromkeys((s.name, s.colour, s.style) for s in series if s.style != "faint" and s.name)
    )
    return blocks.Chart(title, svg(specification, title), legend, note)


def areas(title: str, edges: np.ndarray, shares: dict[str, np.ndarray]) -> blocks.Chart | None:
    """Returns shares of a whole over steps, one above the other.

    Args:
      title: of the chart.
      edges: [N + 1], steps between which the shares are.
      shares: float [N] of each name, fractions of 1.
    """
    values = [
        {"x": float(start), "x2": float(stop), "y": round(float(share), 4), "n": name, "o": order}
        for order, (name, own) in enumerate(shares.items())
        for start, stop, share in zip(edges[:-1], edges[1:], own, strict=True)
        if math.isfinite(share) and share > 0
    ]
    if not values:
        return None
    specification = {
        "data": {"values": values},
        "mark": {"type": "bar", "aria": False, "binSpacing": 0, "strokeWidth": 0},
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "bin": {"binned": True},
                "title": "step",
                "scale": {"domain": [float(edges[0]), float(edges[-1])], "nice": False},
                "axis": {"tickCount": 5, "labelOverlap": True},
            },
            "x2": {"field": "x2"},
            "y": {
                "field": "y",
                "type": "quantitative",
                "stack": "zero",
                "title": None,
                "scale": {"domain": [0, 1], "clamp": True},
                "axis": {"format": "%", "tickCount": 5},
            },
            "order": {"field": "o", "type": "quantitative"},
            "color": {
                "field": "n",
                "type": "nominal",
                "legend": None,
                "scale": {
                    "domain": list(shares),
                    "range": [colour(place) for place in range(len(shares))],
                },
            },
        },
    }
    legend = [(name, place, "area") for place, name in enumerate(shares)]
    return blocks.Chart(title, svg(specification, title), legend)


def colour(number: int) -> str:
    """Returns the CSS variable of a series' colour."""
    return f"var(--c{number % blocks.COLOURS})"


def svg(specification: dict[str, Any], title: str) -> blocks.Html:
    """Returns a Vega-Lite specification as SVG that reads well and is small."""
    import vl_convert

    quiet = {"labelColor": _QUIET, "titleColor": _QUIET, "labelFontSize": 11, "titleFontSize": 11}
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "padding": {"left": 8, "right": 6, "top": 4, "bottom": 2},
        "config": {
            "view": {"stroke": None},
            "axis": {
                **quiet,
                "titleFontWeight": "normal",
                "gridColor": _LINE,
                "domainColor": _LINE,
                "tickColor": _LINE,
                "ticks": False,
                "labelPadding": 4,
            },
            "axisX": {"grid": False},
            "axisY": {"domain": False},
        },
        **specification,
    }
    drawn = vl_convert.vegalite_to_svg(whole)
    drawn = _NOTHING.sub("", _ROLES.sub("", drawn))
    drawn = _COORDINATES.sub(lambda found: _DECIMALS.sub(_rounded, found[0]), drawn)
    said = html.escape(title, quote=True)
    return blocks.Html(drawn.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1))


def _round_values(low: float, high: float) -> list[float]:
    """Returns round numbers within a range, for a logarithmic axis: a few of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [value for value in values if low <= value <= high]
    return inside if len(inside) <= 6 else [10.0**power for power in powers]


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}"


def _rows(points: training_log.Points, *, positive: bool) -> list[dict[str, float]]:
    """Returns the points of a line as Vega takes them, evenly spread where there are many."""
    steps, values = points
    if positive:
        steps, values = steps[values > 0], values[values > 0]
    if len(steps) > _DRAWN:
        places = np.unique(np.linspace(0, len(steps) - 1, _DRAWN).round().astype(int))
        steps, values = steps[places], values[places]
    return [
        {"x": float(step), "y": float(f"{value:.4g}")}
        for step, value in zip(steps, values, strict=True)
    ]
