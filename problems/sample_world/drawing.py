"""Draws a scene as a small photo, with light, texture, shadows and noise.

The subject of the first clause stands in the foreground; what else the clause
names lies around it, partly hidden or cut off by the edge. Shapes are drawn as
masks at twice the size and made smaller, which smooths their edges.
"""

from __future__ import annotations

import functools
import io
import math
import random

import numpy as np
from PIL import Image, ImageDraw

from t2t_mm.problems.sample_world import picture as picture_lib
from t2t_mm.problems.sample_world import scene

_SIZE = picture_lib.SIZE
_SCALE = 2
_CANVAS = _SIZE * _SCALE

_RGB = {
    "red": (206, 44, 40), "blue": (46, 84, 200), "green": (44, 150, 64),
    "yellow": (236, 204, 52), "black": (28, 28, 32), "white": (240, 240, 236),
    "grey": (132, 134, 138), "brown": (124, 78, 42), "purple": (132, 56, 168),
}  # fmt: skip
_SIZES = {"tiny": 0.72, "small": 0.85, "": 1.0, "big": 1.15, "huge": 1.3}
_SIDES = {
    "above": (0, 1), "below": (0, -1), "to the left of": (1, 0), "to the right of": (-1, 0),
    "behind": (0, -0.4), "in front of": (0, 0.5), "next to": (1, 0.2), "near": (-0.8, -0.4),
}  # fmt: skip
"""Where the landmark lies, seen from the subject: x to the right, y downwards."""
_WHOLE_SIDES = {**_SIDES, "behind": (0, 0.7), "in front of": (0, -0.7)}
"""The same where nothing is to be hidden: what is farther away stands higher."""

_FAINT = [value // 3 for value in range(256)]

Outline = list[tuple[list[tuple[float, float]], bool]]
"""Polygons in a square of -1 to 1, each one added (True) or cut out (False)."""


def draw(what: scene.Scene, dice: random.Random, *, whole: bool = False) -> bytes:
    """Returns the JPEG of a scene; the arguments are those of `picture.draw`."""
    noise = np.random.default_rng(dice.getrandbits(64))
    picture = _background(dice, noise)
    clause = what.first
    nearest, farthest = (0.32, 0.38) if whole else (0.42, 0.55)
    large, small = (0.75, 0.55) if whole else (1.0, 0.6)
    x, y = (_CANVAS * dice.uniform(0.4, 0.6) for _ in range(2))
    sides = _WHOLE_SIDES if whole else _SIDES
    last = whole and clause.landmark is not None and clause.relation == "behind"
    if clause.target:
        angle = dice.uniform(0, 2 * math.pi)
        if whole and clause.landmark:
            right, down = sides[clause.relation]
            angle = math.atan2(-down, -right) + (angle - math.pi) / 3
        far = _CANVAS * dice.uniform(nearest, farthest)
        right, down = math.cos(angle), math.sin(angle)
        if whole and not clause.landmark:
            x, y = x - far * right / 2, y - far * down / 2
        _put(picture, clause.target, x + far * right, y + far * down, small, dice)
    if clause.landmark:
        right, down = sides[clause.relation]
        far = _CANVAS * dice.uniform(nearest, farthest)
        if whole and not clause.target:
            x, y = x - far * right / 2, y - far * down / 2
        if last:
            _put(picture, clause.subject, x, y, large, dice)
        _put(picture, clause.landmark, x + far * right, y + far * down, small, dice)
    if not last:
        _put(picture, clause.subject, x, y, large, dice)
    return _photograph(picture, dice, noise)


def _background(dice: random.Random, noise: np.random.Generator) -> Image.Image:
    """A slope between two muted colours, with soft blotches."""
    ends = np.array([[dice.uniform(60, 200) for _ in range(3)] for _ in range(2)])
    ends = 0.5 * ends + 0.5 * ends.mean(axis=1, keepdims=True)
    angle = dice.uniform(0, 2 * math.pi)
    line = np.linspace(-0.5, 0.5, _SIZE)
    slope = np.clip(0.5 + line[None] * math.cos(angle) + line[:, None] * math.sin(angle), 0, 1)
    pixels = ends[0] + slope[..., None] * (ends[1] - ends[0])
    cells = dice.choice((4, 8, 16))
    blotches = Image.fromarray(noise.integers(0, 255, (cells, cells), dtype=np.uint8))
    soft = np.asarray(blotches.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC), np.float32)
    pixels += (soft[..., None] - 128) * dice.uniform(0.05, 0.3)
    small = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return small.resize((_CANVAS, _CANVAS), Image.Resampling.NEAREST)


def _put(
    picture: Image.Image, thing: scene.Thing, x: float, y: float, share: float, dice: random.Random
) -> None:
    """Draws all of a thing's shapes around a point, `share` of the foreground's size."""
    radius = 0.27 * _CANVAS * share * _SIZES[thing.size] * dice.uniform(0.9, 1.1)
    if thing.count > 1:
        radius *= 0.75
    start = dice.uniform(0, 2 * math.pi)
    for number in range(thing.count):
        angle = start + 2 * math.pi * number / thing.count
        away = radius * dice.uniform(0.95, 1.25) if thing.count > 1 else 0.0
        mask = _mask(
            thing.shape, radius=radius, turn=dice.gauss(0, 0.15), stretch=dice.uniform(0.9, 1.1)
        )
        left = round(x + away * math.cos(angle) - mask.width / 2)
        top = round(y + away * math.sin(angle) - mask.height / 2)
        shadow = (left + dice.randint(1, 3), top + dice.randint(2, 5))
        picture.paste((16, 16, 20), shadow, mask.point(_FAINT))
        colour = _shift(_RGB[thing.colour], dice, 18)
        picture.paste(colour, (left, top), mask)
        if thing.pattern:
            dark = sum(colour) < 300
            other = tuple(min(255, value + 90) if dark else value // 2 for value in colour)
            cut = _pattern(thing.pattern).crop((0, 0, *mask.size))
            picture.paste(other, (left, top), Image.composite(mask, _black(mask.size), cut))


def _shift(colour: tuple[int, ...], dice: random.Random, most: int) -> tuple[int, ...]:
    return tuple(min(255, max(0, value + dice.randint(-most, most))) for value in colour)


def _mask(shape: str, *, radius: float, turn: float, stretch: float) -> Image.Image:
    """Returns white where the shape is, black around it; just large enough."""
    side = math.ceil(3 * radius)
    mask = _black((side, side))
    pen = ImageDraw.Draw(mask)
    cos, sin = radius * math.cos(turn), radius * math.sin(turn)
    for points, added in _outline(shape):
        placed = []
        for u, v in points:
            u, v = u * stretch, v / stretch
            placed.append((side / 2 + u * cos - v * sin, side / 2 + u * sin + v * cos))
        pen.polygon(placed, fill=255 if added else 0)
    return mask


def _black(size: tuple[int, int]) -> Image.Image:
    return Image.new("L", size)


@functools.cache
def _pattern(name: str) -> Image.Image:
    """Returns stripes, dots or checks over the whole canvas."""
    step = _CANVAS // 14
    pattern = Image.new("1", (_CANVAS, _CANVAS))
    pen = ImageDraw.Draw(pattern)
    for row in range(0, _CANVAS, step):
        if name == "striped":
            pen.line([(0, row), (_CANVAS, row)], fill=1, width=step // 2)
            continue
        for column in range(0, _CANVAS, step):
            even = (row // step + column // step) % 2 == 0
            if name == "checked" and even:
                pen.rectangle([column, row, column + step - 1, row + step - 1], fill=1)
            elif name == "dotted" and even:
                pen.ellipse([column, row, column + step * 0.8, row + step * 0.8], fill=1)
    return pattern


def _photograph(picture: Image.Image, dice: random.Random, noise: np.random.Generator) -> bytes:
    """Adds light from one side and grain, and presses the shutter."""
    small = picture.resize((_SIZE, _SIZE), Image.Resampling.BOX)
    angle, depth = dice.uniform(0, 2 * math.pi), dice.uniform(0, 0.5)
    line = np.linspace(-0.5, 0.5, _SIZE, dtype=np.float32)
    light = 1 + depth * (line[None] * math.cos(angle) + line[:, None] * math.sin(angle))
    pixels = np.asarray(small, np.float32) * light[..., None] * dice.uniform(0.75, 1.15)
    grain = noise.standard_normal((_SIZE, _SIZE, 3), dtype=np.float32)
    pixels += grain * dice.uniform(2, 10)
    shot = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    shot.save(file, "JPEG", quality=dice.randint(75, 95))
    return file.getvalue()


@functools.cache
def _outline(shape: str) -> Outline:
    return _OUTLINES[shape]()


def _round(x: float = 0, y: float = 0, radius: float = 1, wave: float = 0) -> list:
    """A circle as a polygon; with `wave`, five petals."""
    points = []
    for step in range(40):
        angle = 2 * math.pi * step / 40
        r = radius * (1 - wave + wave * math.cos(5 * angle))
        points.append((x + r * math.cos(angle), y + r * math.sin(angle)))
    return points


def _star() -> list:
    points = []
    for step in range(10):
        angle, r = math.pi * (step / 5 - 0.5), 0.45 if step % 2 else 1.1
        points.append((r * math.cos(angle), r * math.sin(angle)))
    return points


def _heart() -> list:
    points = []
    for step in range(40):
        t = 2 * math.pi * step / 40
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((math.sin(t) ** 3, -y / 16))
    return points


def _cross() -> list:
    a, b = 0.32, 1.0
    return [
        (-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a),
        (a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a),
    ]  # fmt: skip


_OUTLINES = {
    "circle": lambda: [(_round(), True)],
    "square": lambda: [([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)], True)],
    "triangle": lambda: [([(0, -1.05), (1.05, 0.85), (-1.05, 0.85)], True)],
    "star": lambda: [(_star(), True)],
    "heart": lambda: [(_heart(), True)],
    "moon": lambda: [(_round(), True), (_round(0.45, -0.2, 0.85), False)],
    "ring": lambda: [(_round(), True), (_round(radius=0.55), False)],
    "cross": lambda: [(_cross(), True)],
    "diamond": lambda: [([(0, -1.15), (0.75, 0), (0, 1.15), (-0.75, 0)], True)],
    "arrow": lambda: [
        ([(-1.1, -0.22), (0.1, -0.22), (0.1, 0.22), (-1.1, 0.22)], True),
        ([(0.0, -0.75), (1.1, 0), (0.0, 0.75)], True),
    ],
    "flower": lambda: [(_round(wave=0.3), True), (_round(radius=0.22), False)],
    "cloud": lambda: [
        (_round(-0.6, 0.15, 0.5), True),
        (_round(0.05, -0.2, 0.65), True),
        (_round(0.65, 0.15, 0.45), True),
        ([(-0.6, 0.15), (0.65, 0.15), (0.65, 0.6), (-0.6, 0.65)], True),
    ],
}
