"""Image: JPEG or PNG bytes."""

from __future__ import annotations

import dataclasses
import io
import pathlib
from typing import Any, ClassVar

from t2t_mm import errors
from t2t_mm.modality import base

SMALLEST, LARGEST = 32, 299


@dataclasses.dataclass(frozen=True)
class Image(base.Modality):
    """A picture, resized to a square for the model; only as an input.

    Records keep it as it came.

    Args:
      size: height and width for the model, in pixels, 32 to 299.
      augment: in training, random crops and left-right flips.
    """

    kind: ClassVar[str] = "image"
    features_class: ClassVar[str] = "t2t_mm.modality.image.features:ImageFeatures"
    net_class: ClassVar[str] = "t2t_mm.modality.image.net:ImageNet"
    can_be_target: ClassVar[bool] = False

    size: int = 224
    augment: bool = True

    def __post_init__(self) -> None:
        if not SMALLEST <= self.size <= LARGEST:
            raise errors.ConfigError(
                "The image size is out of range",
                received=f"Image(size={self.size})",
                expected=f"{SMALLEST} to {LARGEST} pixels",
            )

    def encode(self, value: Any) -> bytes:
        """Takes a path or encoded bytes; the whole picture is decoded as a check.

        JPEG and PNG with 8-bit grey or RGB pixels are kept as they are, anything
        else that Pillow reads is converted to a PNG: grey where it is 16-bit grey,
        else RGB.
        """
        from PIL import Image as pillow

        if not isinstance(value, pathlib.Path | bytes | bytearray | memoryview):
            raise errors.BadExampleError(
                "A picture is neither a path nor encoded bytes",
                received=f"{type(value).__name__} {str(value)[:60]!r}",
                expected="a pathlib.Path, or the bytes of a JPEG or PNG file",
            )
        name = str(value) if isinstance(value, pathlib.Path) else "bytes"
        try:
            data = value.read_bytes() if isinstance(value, pathlib.Path) else bytes(value)
            with pillow.open(io.BytesIO(data)) as picture:
                picture.load()
                if picture.format in ("JPEG", "PNG") and picture.mode in ("L", "RGB"):
                    return data
                converted = io.BytesIO()
                _eight_bits(picture).save(converted, "PNG")
                return converted.getvalue()
        except Exception as error:
            raise errors.BadExampleError(
                f"A picture does not decode: {name}", received=f"{type(error).__name__}: {error}"
            ) from error


def _eight_bits(picture: Any) -> Any:
    """Returns a picture in RGB; deep grey ones scaled to 8 bits, which Pillow would clip."""
    from PIL import Image as pillow

    if not picture.mode.startswith("I"):
        return picture.convert("RGB")
    import numpy as np

    levels = np.asarray(picture).astype(np.float64).clip(0, 65_535) / 257
    return pillow.fromarray(levels.round().astype(np.uint8))
