"""Draws attention and experts as SVG within HTML, without anything from elsewhere."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from t2t_mm.serving.ui import declarations

MOST_ROWS, MOST_COLUMNS = 60, 120
_MOST_THUMBS = 40
_CELL = 18
_LETTER = 7.2
_LONGEST = 14
_FAINTEST = 0.02
_THUMB = 112


def explanation(
    outputs: Mapping[str, np.ndarray],
    inputs: Sequence[declarations.Input],
    values: Mapping[str, bytes],
) -> str:
    """Returns HTML of the first row of what a signature `explain` gave.

    Args:
      outputs: of it: `tokens` `[B, T]`, `source_tokens` `[B, S]`, `origins` `[B, S, 2]` (number
        of the input, position in it), `attention` `[B, T, S]`, `experts` `[B, T, E]` and
        `source_experts` `[B, S, E]`; any of these may be missing.
      inputs: of the problem, in the order by which `origins` counts them.
      values: what was sent, by name of input.
    """
    row = {name: value[0] for name, value in outputs.items()}
    tokens = [_piece(token) for token in row.get("tokens", [])]
    count = len(tokens) - next((i for i, t in enumerate(reversed(tokens)) if t), len(tokens))
    tokens, parts = tokens[:count], []
    origins = row.get("origins")
    if origins is None and "source_tokens" in row:
        size = len(row["source_tokens"])
        origins = np.stack([np.zeros(size, int), np.arange(size)], -1)
    if origins is None:
        origins = np.zeros([0, 2], int)
    for number, one in enumerate(inputs):
        places = np.flatnonzero(origins[:, 0] == number)
        if not len(places):
            continue
        labels = _labels(one, row, places, values.get(one.name, b""))
        side = math.isqrt(len(places))
        has_plane = one.kind == "picture" and side * side == len(places) and values.get(one.name)
        if "attention" in row and count:
            weights = row["attention"][:count, places]
            if has_plane:
                shown = thumbs(values[one.name], weights.reshape(-1, side, side), tokens)
            else:
                shown = matrix(weights, tokens, labels)
            of = f" to “{one.name}”" if len(inputs) > 1 else " to the input"
            parts.append(_section(f"Attention{of}", "of each output token", shown))
        if "source_experts" in row:
            gates = row["source_experts"][places].T  # [E, positions]
            used = np.flatnonzero(gates.any(1))
            if has_plane:
                maps = gates[used].reshape(-1, side, side)
                shown = thumbs(values[one.name], maps, [f"expert {e + 1}" for e in used])
            else:
                shown = matrix(gates, _numbers(gates), labels)
            parts.append(_section(f"Experts of “{one.name}”", "weights by position", shown))
    if "experts" in row and count:
        gates = row["experts"][:count].T
        shown = matrix(gates, _numbers(gates), tokens)
        parts.append(_section("Experts of the output", "weights by token", shown))
    return f"<div class='mm-pictures'>{''.join(parts)}</div>" if parts else ""


def _labels(
    one: declarations.Input, row: Mapping[str, np.ndarray], places: np.ndarray, value: bytes
) -> list[str]:
    """Returns what the positions of one input are called."""
    if one.kind == "picture":
        side = max(1, math.isqrt(len(places)))
        return [f"row {i // side + 1}, {i % side + 1}" for i in range(len(places))]
    if one.kind == "sound":
        seconds = max(len(value) - 44, 0) / 2 / float(one.about.get("sample_rate") or 16_000)
        return [f"{i * seconds / len(places):.2f} s" for i in range(len(places))]
    tokens = row.get("source_tokens")
    if tokens is None:
        return [str(i + 1) for i in range(len(places))]
    return [_piece(tokens[place]) for place in places]


def _piece(token: bytes) -> str:
    """Returns a token as people read it: SentencePiece writes rare characters as their bytes."""
    text = token.decode("utf-8", "replace")
    found = re.fullmatch("<0x([2-7][0-9A-F])>", text)
    return chr(int(found[1], 16)) if found else text


def _numbers(gates: np.ndarray) -> list[str]:
    return [f"expert {i + 1}" for i in range(len(gates))]


def _section(title: str, how: str, shown: str) -> str:
    return (
        f"<section><h4>{html.escape(title)} <small>{html.escape(how)}</small></h4>{shown}</section>"
    )


def matrix(weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> str:
    """Returns a heat map of `[len(rows), len(columns)]`; each cell tells its value when pointed at.

    The strongest colour is the greatest weight. Of a large matrix the first part is shown.
    """
    shape = weights.shape
    weights = weights[:MOST_ROWS, :MOST_COLUMNS]
    rows, columns = rows[:MOST_ROWS], columns[:MOST_COLUMNS]
    most = float(weights.max(initial=0.0)) or 1.0
    left = _LETTER * (1 + max((min(len(r), _LONGEST) for r in rows), default=0))
    top = 0.87 * _LETTER * (1.5 + max((min(len(c), _LONGEST) for c in columns), default=0))
    right = 0.6 * top
    width, height = left + _CELL * len(columns) + right, top + _CELL * len(rows) + 1
    parts = []
    for i, label in enumerate(rows):
        y = top + _CELL * (i + 0.5)
        parts.append(f"<text x='{left - 5:.0f}' y='{y:.0f}' class='mm-row'>{_label(label)}</text>")
    for j, label in enumerate(columns):
        x = left + _CELL * (j + 0.5)
        parts.append(
            f"<text transform='translate({x:.0f} {top - 5:.0f}) rotate(-60)' class='mm-column'>"
            f"{_label(label)}</text>"
        )
    size = f"width='{_CELL * len(columns)}' height='{_CELL * len(rows)}'"
    parts.append(f"<rect x='{left:.0f}' y='{top:.0f}' {size} class='mm-frame'/>")
    for i, j in zip(*np.nonzero(weights > _FAINTEST * most), strict=True):
        weight = float(weights[i, j])
        parts.append(
            f"<rect x='{left + _CELL * j:.0f}' y='{top + _CELL * i:.0f}' width='{_CELL}' "
            f"height='{_CELL}' class='mm-cell' fill-opacity='{weight / most:.2f}'>"
            f"<title>{html.escape(rows[i])}, {html.escape(columns[j])}: {weight:.3f}</title></rect>"
        )
    note = f"<p>Darkest: {most:.2f}.{_part_of(shape, weights.shape)}</p>"
    drawn = "".join(parts)
    return (
        f"<div class='mm-scroll'><svg role='img' width='{width:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}'>{drawn}</svg></div>{note}"
    )


def _part_of(whole: Sequence[int], shown: Sequence[int]) -> str:
    if tuple(whole) == tuple(shown):
        return ""
    return f" The first {shown[0]} x {shown[1]} of {whole[0]:,} x {whole[1]:,} are shown."


def _label(text: str) -> str:
    return html.escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def thumbs(picture: bytes, weights: np.ndarray, tokens: Sequence[str]) -> str:
    """Returns the picture once for each token, dark where the token does not look.

    Args:
      picture: PNG or JPEG.
      weights: `[T, h, w]`.
      tokens: T.
    """
    source = _thumbnail(picture)
    figures = []
    for token, map_ in list(zip(tokens, weights, strict=True))[:_MOST_THUMBS]:
        most = float(map_.max()) or 1.0
        high, wide = map_.shape
        veil = "".join(
            f"<rect x='{x}' y='{y}' width='1' height='1' shape-rendering='crispEdges' "
            f"fill-opacity='{0.8 * (1 - map_[y, x] / most):.2f}'/>"
            for y in range(high)
            for x in range(wide)
        )
        figures.append(
            f"<figure><svg role='img' viewBox='0 0 {wide} {high}' "
            f"width='{_THUMB}' height='{_THUMB}'>"
            f"<image href='{source}' width='{wide}' height='{high}' preserveAspectRatio='none'/>"
            f"{veil}</svg><figcaption>{html.escape(token)}</figcaption></figure>"
        )
    left = len(tokens) - len(figures)
    note = f"<p>Of {len(tokens):,} tokens the first {len(figures)} are shown.</p>" if left else ""
    return f"<div class='mm-thumbs'>{''.join(figures)}</div>{note}"


def _thumbnail(picture: bytes) -> str:
    """Returns the picture as a small square in a data URL, as the model sees it: stretched."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as opened:
        small = opened.convert("RGB").resize((2 * _THUMB, 2 * _THUMB))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
