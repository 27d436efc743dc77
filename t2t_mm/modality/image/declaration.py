"""Image: a picture, stored in records as JPEG or PNG bytes."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from t2t_mm import errors
from t2t_mm.config import ranges
from t2t_mm.modality import arrays, base, corruption, media

SMALLEST, LARGEST = 32, 299
_SIZES = ranges.numbers(SMALLEST, LARGEST, words=f"{SMALLEST} to {LARGEST} pixels")

CROP, PAD = FITS = ("crop", "pad")
"""Ways to make a square of a picture that is none."""
_FITS = ranges.rule(f"one of {', '.join(FITS)}", FITS.__contains__)


@dataclasses.dataclass(frozen=True)
class Image(base.Modality):
    """A picture, of which the model sees a square; only as an input.

    By default that is the *central* square of the picture, resized to `size`: what lies outside of
    it (the title of an upright page, the sides of a wide photo) is not seen. `fit="pad"` shows
    all. In training, `augment` draws a part of the picture instead, which may lie anywhere.

    Records keep the file's bytes and so the whole picture, unless TensorFlow would decode them
    differently or not at all.

    Args:
      size: height and width for the model, in pixels, 32 to 299.
      augment: in training, random crops of 60 to 100 % of the area, and left-right flips if
        `mirror`.
      mirror: whether a mirrored picture has the same targets; not if they depend on left
        and right, or on text in the picture.
      fit: "crop", the central square; or "pad", the whole picture, whose shorter side is
        padded with its mean colour.
    """

    kind: ClassVar[str] = "image"
    features_class: ClassVar[str] = "t2t_mm.modality.image.features:ImageFeatures"
    check_class: ClassVar[str] = "t2t_mm.modality.image.check:ImageCheck"
    net_class: ClassVar[str] = "t2t_mm.modality.image.net:ImageNet"
    view_class: ClassVar[str] = "t2t_mm.modality.image.view:ImageView"
    raw_form: ClassVar[base.RawForm] = "picture"
    has_planes: ClassVar[bool] = True
    has_grid: ClassVar[bool] = True
    unit: ClassVar[str] = "pictures"

    size: int = 224
    augment: bool = True
    mirror: bool = True
    fit: str = CROP

    def __post_init__(self) -> None:
        ranges.require("Image.size", self.size, _SIZES)
        ranges.require("Image.fit", self.fit, _FITS)

    def label(self) -> str:
        return f"{self.kind} {self.size}"

    def corruptions(self) -> tuple[corruption.Corruption, ...]:
        from t2t_mm.modality.image import corruptions

        return corruptions.corruptions(self.size, self.fit)

    def augmentations(self) -> tuple[str, ...]:
        return (
            "gaussian_noise",
            "impulse_noise",
            "gaussian_blur",
            "contrast",
            "brightness",
            "jpeg",
            "pixelate",
            "shift",
            "occlusion",
        )

    def attack(self) -> corruption.Attack:
        """Returns a ball of all pixels, in the 256 levels of a file."""
        return corruption.Attack("linf", (1, 2, 4, 8, 16), low=0, high=255)

    def encode(self, value: Any) -> bytes:
        """Encodes a picture file's path or bytes, or pixels; all are decoded as a check.

        A path may be anything with `read_bytes()`; pixels are an array `[H, W]` or
        `[H, W, C]`, uint8 or float from 0 to 1, or a Pillow image. Upright 8-bit JPEG and
        PNG files of a moderate size are kept; others are converted, see `encoding`.
        """
        from t2t_mm.modality.image import encoding

        file = media.read(value, "A picture")
        if arrays.is_picture(value):
            file = "an array", encoding.from_array(value)
        elif arrays.is_array(value):
            file = "an array", encoding.from_array(arrays.to_numpy(value))
        if file is None:
            raise errors.BadExampleError(
                "A picture is neither a path nor encoded bytes",
                received=f"{type(value).__name__} {errors.shortened(str(value), 60)!r}",
                expected="a pathlib.Path, the bytes of a picture file, or an array of pixels",
            )
        name, data = file
        return encoding.encode(data, name)
