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
    """A picture, resized to a square for the model; records keep it as it came.

    Args:
      size: height and width for the model, in pixels, 32 to 299.
      augment: in training, random crops and left-right flips.
    """

    kind: ClassVar[str] = "image"
    features_class: ClassVar[str] = "t2t_mm.modality.image.features:ImageFeatures"
    net_class: ClassVar[str] = "t2t_mm.modality.image.net:ImageNet"

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
        else that Pillow reads is converted to an RGB PNG.
        """
        from PIL import Image as pillow

        name = str(value) if isinstance(value, pathlib.Path) else "bytes"
        try:
            data = value.read_bytes() if isinstance(value, pathlib.Path) else bytes(value)
            with pillow.open(io.BytesIO(data)) as picture:
                picture.load()
                if picture.format in ("JPEG", "PNG") and picture.mode in ("L", "RGB"):
                    return data
                converted = io.BytesIO()
                picture.convert("RGB").save(converted, "PNG")
                return converted.getvalue()
        except Exception as error:
            raise errors.BadExampleError(
                f"A picture does not decode: {name}", received=f"{type(error).__name__}: {error}"
            ) from error
