"""How pictures are shown: as half blocks in a terminal, and what their files say of them."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
from typing import Any

from t2t_mm import errors
from t2t_mm.modality import view

_COLUMNS = 32
"""Of a picture in a terminal, at most."""

_BOARD_PIXELS = 256
"""The longer side of a picture in TensorBoard, at most."""
_SMALLER = (480, 240, 120)
"""Pixels of the longer side of a picture that must take fewer bytes: the first that fits."""


class ImageView(view.View):
    """Shows pictures."""

    is_picture = True
    unit = "pixels (shorter side)"

    def size(self, data: bytes) -> int:
        found = about(data)
        return min(found.width, found.height)

    def describe(self, data: bytes) -> dict[str, Any]:
        return dataclasses.asdict(about(data))

    def summary(self, data: bytes) -> str:
        return about(data).summary()

    def drawing(self, data: bytes, *, columns: int, colour: bool) -> Any:
        return half_blocks(data, columns=min(columns, _COLUMNS)) if colour else None

    def suffix(self, data: bytes) -> str:
        return ".jpg" if about(data).mime == "image/jpeg" else f".{about(data).format.lower()}"

    def page(self, data: bytes) -> str:
        return self._picture(data, about(data).mime, data)

    def compact(self, data: bytes, *, most_bytes: int) -> str:
        if len(data) * 4 / 3 < most_bytes:
            return self.page(data)
        for side in _SMALLER:
            smaller = _jpeg(data, side)
            if len(smaller) * 4 / 3 < most_bytes:
                return self._picture(data, "image/jpeg", smaller)
        return view.View.page(self, data)

    def _picture(self, data: bytes, mime: str, shown: bytes) -> str:
        """Returns an image of the bytes shown, and what the picture is."""
        source = f"data:{mime};base64,{base64.b64encode(shown).decode('ascii')}"
        said = html.escape(self.summary(data))
        return f'<img alt="{said}" src="{html.escape(source)}">{view.View.page(self, data)}'

    def to_board(self, data: bytes, board: view.Board) -> None:
        import numpy as np
        from PIL import Image as pillow
        from PIL import ImageOps

        with pillow.open(io.BytesIO(data)) as picture:
            small = ImageOps.exif_transpose(picture).convert("RGB")
            small.thumbnail((_BOARD_PIXELS, _BOARD_PIXELS))
        board.picture(np.asarray(small))


@dataclasses.dataclass(frozen=True)
class About:
    """What a picture's head says, without decoding the pixels."""

    format: str
    mode: str
    width: int
    height: int
    size_bytes: int

    @property
    def mime(self) -> str:
        # An MPO, of some phones and cameras, is a JPEG with more pictures after it.
        return "image/jpeg" if self.format == "MPO" else f"image/{self.format.lower()}"

    def summary(self) -> str:
        kind = {"L": "grey", "RGB": "colour"}.get(self.mode, self.mode)
        return f"{self.format}, {kind}, {self.width} x {self.height}, {self.size_bytes:,} bytes"


def about(data: bytes) -> About:
    """Returns what the picture in `data` is.

    Raises:
      DataError: when it is none that can be read.
    """
    from PIL import Image as pillow

    try:
        with pillow.open(io.BytesIO(data)) as picture:
            return About(str(picture.format), picture.mode, *picture.size, len(data))
    except (OSError, SyntaxError, ValueError) as error:
        raise errors.DataError(
            "A picture in the records cannot be read", received=f"{type(error).__name__}: {error}"
        ) from error


def _jpeg(data: bytes, side: int) -> bytes:
    """Returns a picture as JPEG whose longer side has so many pixels at most."""
    from PIL import Image as pillow

    with pillow.open(io.BytesIO(data)) as picture:
        picture.draft("RGB", (side, side))
        small = picture.convert("RGB")
    small.thumbnail((side, side))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=80)
    return written.getvalue()


def half_blocks(data: bytes, *, columns: int = 32) -> Any:
    """Returns the picture as coloured half blocks: a `rich.text.Text`.

    A character cell is about twice as high as wide, so it shows two pixels: the
    upper one as the colour of "▀", the lower one as that of its ground.

    Args:
      data: encoded picture.
      columns: width of the longer side, in cells.
    """
    from PIL import Image as pillow
    from rich import color, style, text

    with pillow.open(io.BytesIO(data)) as picture:
        small = picture.convert("RGB")
        small.thumbnail((columns, columns))
    width, height = small.size
    blocks = text.Text(no_wrap=True)
    values = small.tobytes()

    def at(x: int, y: int) -> color.Color:
        place = 3 * (y * width + x)
        return color.Color.from_rgb(*values[place : place + 3])

    for y in range(0, height, 2):
        for x in range(width):
            upper = at(x, y)
            lower = at(x, y + 1) if y + 1 < height else None
            blocks.append("▀", style.Style(color=upper, bgcolor=lower))
        blocks.append("\n")
    blocks.rstrip()
    return blocks
