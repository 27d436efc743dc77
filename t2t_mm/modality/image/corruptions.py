"""Corruptions of pictures, as in ImageNet-C; with NumPy and Pillow.

They act on what the model sees, a square of `Image.size` pixels, as ImageNet-C's do on 224. The
severities are its own (Hendrycks and Dietterich 2019; the authors' `corruptions.py`); lengths in
pixels, of blurs, are scaled by `size / 224`. `shift` and `occlusion` are not among its kinds: the
first is the translation of ImageNet-P, as far as a fifth of the side, the second a grey square
(Cutout, DeVries and Taylor 2017).

    strength            1      2      3      4      5
    gaussian_noise    .08    .12    .18    .26    .38   deviation, of 1 for white
    shot_noise         60     25     12      5      3   photons of a white pixel (Poisson)
    impulse_noise     .03    .06    .09    .17    .27   share of values that are black or white
    gaussian_blur       1      2      3      4      6   deviation, pixels of 224
    defocus_blur        3      4      6      8     10   radius of the disk, pixels of 224
    motion_blur      10,3   15,5   15,8  15,12  20,15   radius and deviation, pixels of 224
    contrast           .4     .3     .2     .1    .05   factor of the distance from the mean
    brightness         .1     .2     .3     .4     .5   added to the value of HSV
    jpeg               25     18     15     10      7   quality
    pixelate           .6     .5     .4     .3    .25   factor of the side
    shift             .04    .08    .12    .16    .20   of the side, in any direction; black behind
    occlusion         .05    .10    .20    .30    .40   share of the area under a grey square
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image as pillow

from t2t_mm.modality import corruption
from t2t_mm.modality.image import declaration

REFERENCE = 224
"""The side, in pixels, for which ImageNet-C gives its lengths."""

GREY = 0.5
_FINER = 8
"""Samples along each side of a kernel's pixel."""

SEVERITIES: dict[str, tuple[float, ...]] = {
    "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "shot_noise": (60, 25, 12, 5, 3),
    "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
    "gaussian_blur": (1, 2, 3, 4, 6),
    "defocus_blur": (3, 4, 6, 8, 10),
    "motion_blur": (1, 2, 3, 4, 5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "jpeg": (25, 18, 15, 10, 7),
    "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
    "shift": (0.04, 0.08, 0.12, 0.16, 0.2),
    "occlusion": (0.05, 0.1, 0.2, 0.3, 0.4),
}
"""By kind, at strengths 1 to 5; of `motion_blur` the strength itself."""

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
"""Pixels, float `[size, size, 3]` from 0 to 1, a severity and random numbers to pixels."""


def corruptions(size: int, fit: str) -> tuple[corruption.Corruption, ...]:
    """Returns the corruptions of pictures that a model sees at `size` x `size` pixels.

    Args:
      size: of the square.
      fit: how a picture becomes a square (`Image.fit`).
    """
    found = []
    for kind, (family, change) in _KINDS.items():
        apply = functools.partial(_apply, size, fit, change, SEVERITIES[kind])
        found.append(corruption.Corruption(kind, family, apply))
    return tuple(found)


def seen(data: bytes, size: int, fit: str = declaration.CROP) -> np.ndarray:
    """Returns a record's picture as the model sees it: uint8 `[size, size, 3]`.

    As `ImageFeatures` in evaluation, but for the rounding of decoders.
    """
    with pillow.open(io.BytesIO(data)) as picture:
        pixels = picture.convert("RGB")
    if fit == declaration.PAD:
        return _padded(pixels, size)
    side = min(pixels.size)
    left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
    pixels = pixels.crop((left, top, left + side, top + side))
    if side != size:
        pixels = pixels.resize((size, size), pillow.Resampling.BILINEAR)
    return np.asarray(pixels)


def _padded(picture: pillow.Image, size: int) -> np.ndarray:
    """Returns the whole picture in a square of its mean colour: uint8 `[size, size, 3]`."""
    longest = max(picture.size)
    width, height = (max(1, round(side * size / longest)) for side in picture.size)
    small = np.asarray(picture.resize((width, height), pillow.Resampling.BILINEAR))
    square = np.empty((size, size, 3), np.uint8)
    square[:] = small.mean((0, 1)).round()
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def _apply(
    size: int,
    fit: str,
    change: Change,
    severities: tuple[float, ...],
    data: bytes,
    strength: int,
    rng: np.random.Generator,
) -> bytes:
    """Returns the changed picture as PNG."""
    pixels = seen(data, size, fit).astype(np.float64) / 255
    changed = np.clip(change(pixels, severities[strength - 1], rng), 0, 1)
    file = io.BytesIO()
    pillow.fromarray((changed * 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _gaussian_noise(x: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    return x + rng.normal(0, deviation, x.shape)


def _shot_noise(x: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(x * photons) / photons


def _impulse_noise(x: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    draws = rng.random(x.shape)
    return np.where(draws < share / 2, 0.0, np.where(draws < share, 1.0, x))


def _gaussian_blur(x: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    deviation *= len(x) / REFERENCE
    reach = math.ceil(4 * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return convolved(x, np.outer(weights, weights))


def _defocus_blur(x: np.ndarray, radius: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    radius *= len(x) / REFERENCE
    reach = math.ceil(radius)
    fine = (np.arange((2 * reach + 1) * _FINER) + 0.5) / _FINER - reach - 0.5
    disk = (fine[:, None] ** 2 + fine[None] ** 2 <= (radius + 0.5) ** 2).astype(np.float64)
    cells = 2 * reach + 1
    return convolved(x, disk.reshape(cells, _FINER, cells, _FINER).sum((1, 3)))


_MOTIONS = {1: (10, 3), 2: (15, 5), 3: (15, 8), 4: (15, 12), 5: (20, 15)}


def _motion_blur(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Blurs along a line to one side of each pixel, up to 45 degrees from the horizontal."""
    radius, deviation = (n * len(x) / REFERENCE for n in _MOTIONS[int(strength)])
    angle = rng.uniform(-math.pi / 4, math.pi / 4)
    reach = math.ceil(2 * radius)
    along = np.arange(0, 2 * radius, 1 / _FINER)
    weights = np.exp(-0.5 * (along / deviation) ** 2)
    rows = np.rint(reach + along * math.sin(angle)).astype(int)
    columns = np.rint(reach + along * math.cos(angle)).astype(int)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    np.add.at(kernel, (rows, columns), weights)
    return convolved(x, kernel)


def _contrast(x: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    mean = x.mean((0, 1), keepdims=True)
    return mean + (x - mean) * factor


def _brightness(x: np.ndarray, added: float, rng: np.random.Generator) -> np.ndarray:
    """Adds to the value of HSV, the greatest channel; hue and saturation stay."""
    del rng
    value = x.max(-1, keepdims=True)
    raised = np.minimum(value + added, 1)
    return np.where(value > 0, x * raised / np.where(value > 0, value, 1), raised)


def _jpeg(x: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    file = io.BytesIO()
    pillow.fromarray((x * 255).round().astype(np.uint8)).save(file, "JPEG", quality=int(quality))
    with pillow.open(file) as picture:
        return np.asarray(picture, np.float64) / 255


def _pixelate(x: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    del rng
    picture = pillow.fromarray((x * 255).round().astype(np.uint8))
    fewer = max(1, int(len(x) * factor))
    small = picture.resize((fewer, fewer), pillow.Resampling.BOX)
    return np.asarray(small.resize(picture.size, pillow.Resampling.BOX), np.float64) / 255


def _shift(x: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * math.pi)
    down = round(share * len(x) * math.sin(angle))
    right = round(share * len(x) * math.cos(angle))
    moved = np.zeros_like(x)
    size = len(x)
    moved[max(down, 0) : size + min(down, 0), max(right, 0) : size + min(right, 0)] = x[
        max(-down, 0) : size - max(down, 0), max(-right, 0) : size - max(right, 0)
    ]
    return moved


def _occlusion(x: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    side = round(math.sqrt(share) * len(x))
    top, left = rng.integers(0, len(x) - side + 1, 2)
    covered = x.copy()
    covered[top : top + side, left : left + side] = GREY
    return covered


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Returns each channel of `[H, W, C]` convolved with a square kernel of sum 1 after scaling.

    The picture goes on behind its edges as in a mirror.
    """
    reach = len(kernel) // 2
    padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)), "symmetric")
    shape = padded.shape[:2]
    waves = (
        np.fft.rfft2(padded, axes=(0, 1)) * np.fft.rfft2(kernel / kernel.sum(), shape)[..., None]
    )
    result = np.fft.irfft2(waves, shape, axes=(0, 1))
    return result[2 * reach :, 2 * reach :]


_KINDS: dict[str, tuple[str, Change]] = {
    "gaussian_noise": ("noise", _gaussian_noise),
    "shot_noise": ("noise", _shot_noise),
    "impulse_noise": ("noise", _impulse_noise),
    "gaussian_blur": ("blur", _gaussian_blur),
    "defocus_blur": ("blur", _defocus_blur),
    "motion_blur": ("blur", _motion_blur),
    "contrast": ("light", _contrast),
    "brightness": ("light", _brightness),
    "jpeg": ("digital", _jpeg),
    "pixelate": ("digital", _pixelate),
    "shift": ("geometry", _shift),
    "occlusion": ("geometry", _occlusion),
}
