"""Encodes picture files of any format as JPEG or PNG bytes, for records.

Files that TensorFlow decodes identically are kept: JPEG and PNG, grey or RGB, upright and
of a moderate size. All others are converted once, at data generation: JPEG to JPEG of high
quality, the rest to PNG.
"""

from __future__ import annotations

import contextlib
import io
import math
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

from t2t_mm import errors
from t2t_mm.files import content, limits
from t2t_mm.modality import media

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
"""The supported formats, by Pillow's names (an MPO of a phone counts as JPEG). Not all of
Pillow's, some of which run another program."""

LARGEST_PIXELS = 2**22
LARGEST_SIDE = 2**14
"""Larger pictures are scaled down: models see at most 299 pixels a side, and a pipeline
that decodes many large pictures at once would run out of memory."""

MOST_PIXELS = 2**26
PIXELS_VARIABLE = "T2T_MM_MAX_PIXELS"
"""Environment variable for the largest number of pixels to decode, instead of that number: a
file of some kB may claim enough to fill the memory. For a JPEG, which is decoded at a reduced
size, that size counts."""

_JPEG = ("JPEG", "MPO")
QUALITY = 95
_SCAN_OF_JPEG, _END_OF_JPEG = b"\xff\xda", b"\xff\xd9"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112


def encode(data: bytes, name: str) -> bytes:
    """Returns the bytes for a record; the whole picture is decoded as a check.

    Pictures are rotated by their EXIF orientation. Of an animation the first frame is
    taken. Alpha is dropped, as in TensorFlow; 16-bit grey is scaled to 8 bits.

    Args:
      data: a file's bytes.
      name: of the picture, for errors.

    Raises:
      BadExampleError: when it is no picture, damaged, or too large to decode.
    """
    from PIL import Image as pillow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # all relevant properties are checked here
            return _encode(data, name)
    except errors.UserError:
        raise
    except pillow.UnidentifiedImageError:
        foreign = media.foreign(data)
        raise errors.BadExampleError(
            f"A file is not a picture: {name}",
            received=f"{len(data):,} bytes, which begin with {data[:12]!r}" if data else "0 bytes",
            expected=f"one of {', '.join(FORMATS)}",
            hint=foreign and f"It is {foreign}. Convert it: magick {name} OUT.png (ImageMagick)",
        ) from None
    except Exception as error:  # A damaged file can make Pillow raise anything.
        raise errors.BadExampleError(
            f"A picture does not decode: {name}", received=f"{type(error).__name__}: {error}"
        ) from error


def from_array(pixels: Any) -> bytes:
    """Encodes pixels as PNG.

    Args:
      pixels: a Pillow image, in any mode that files have; or `[H, W]` or `[H, W, C]` with C
        of 1 (grey), 3 (RGB) or 4 (RGBA, whose alpha is dropped), uint8, or float from 0
        to 1.

    Raises:
      BadExampleError: for an array of another type or shape, or with other values.
    """
    from PIL import Image as pillow

    if isinstance(pixels, pillow.Image):
        picture: Any = _from_pillow(pixels)
    else:
        checked = _eight_bit_array(pixels)
        picture = pillow.fromarray(checked[..., 0] if checked.shape[2:] == (1,) else checked)
        picture = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _from_pillow(picture: Any) -> Any:
    """Returns a Pillow image converted to RGB or grey, like that of a file."""
    name = "a picture of Pillow's"
    if picture.mode == "I" and picture.format is None:
        raise errors.BadExampleError(
            f"A picture has pixels of 32 bits: {name}",
            expected="8 bits a channel, as picture.convert('L') has",
            hint="Nothing in it says what is black and what is white",
        )
    try:
        turn = _turn(picture)
        converted = _eight_bits(picture, name)
        return converted if turn is None else converted.transpose(turn)
    except errors.BadExampleError:
        raise
    except Exception as error:  # lazily read, so the file may be damaged or closed
        raise errors.BadExampleError(
            f"A picture does not decode: {name}", received=f"{type(error).__name__}: {error}"
        ) from error


def _eight_bit_array(pixels: Any) -> Any:
    """Returns uint8 `[H, W]` or `[H, W, C]`; raises for any other array."""
    import numpy as np

    shape, dtype, hint = pixels.shape, pixels.dtype, None
    is_float = np.issubdtype(dtype, np.floating)
    is_shaped = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    if 0 in shape or not is_shaped or not (is_float or dtype == np.uint8):
        if len(shape) == 3 and shape[0] in (1, 3, 4):
            hint = "Put the channels last: np.moveaxis(pixels, 0, -1)"
        elif len(shape) == 4:
            hint = "Give the pictures of a batch one by one"
        elif is_shaped and not is_float:
            hint = "pixels.astype('uint8') where its values are 0 to 255"
        raise errors.BadExampleError(
            "An array is not a picture",
            received=f"{dtype} {list(shape)}",
            expected="uint8, or float from 0 to 1: [height, width], or with 1, 3 or 4 channels as "
            "the last axis",
            hint=hint,
        )
    if not is_float:
        return pixels
    if not np.isfinite(pixels).all():
        wrong = int((~np.isfinite(pixels)).sum())
        raise errors.BadExampleError(
            "An array has pixels that are no finite numbers",
            received=f"{wrong:,} of {pixels.size:,}",
            expected="values from 0 to 1",
        )
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > 1:
        raise errors.BadExampleError(
            "The pixels of an array in floating point are out of range",
            received=f"{low:.6g} to {high:.6g}",
            expected="values from 0 to 1",
            hint="pixels.astype('uint8') where 255 is white" if low >= 0 and high <= 255 else None,
        )
    return (pixels.astype(np.float64) * 255).round().astype(np.uint8)


def _encode(data: bytes, name: str) -> bytes:
    from PIL import Image as pillow

    with _own_limit(), pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
        smaller = _smaller(*picture.size)
        if smaller:
            picture.draft(None, smaller)  # decodes a JPEG at a reduced size
        _check_pixels(*picture.size, name)
        picture.load()
        jpeg = picture.format in _JPEG
        turn = _turn(picture)
        kept = _ends_well(data) if jpeg else picture.format == "PNG" and _is_whole_png(data)
        if kept and picture.mode in ("L", "RGB") and turn is None and not smaller:
            return data
        pixels: Any = _eight_bits(picture, name)
        if smaller:
            pixels = pixels.resize(smaller, pillow.Resampling.BICUBIC, reducing_gap=2.0)
        if turn is not None:
            pixels = pixels.transpose(turn)
        file = io.BytesIO()
        if jpeg:
            pixels.save(file, "JPEG", quality=QUALITY, subsampling="4:4:4")
        else:
            pixels.save(file, "PNG")
        return file.getvalue()


_lifting = threading.Lock()
_lifted: list[Any] = []


@contextlib.contextmanager
def _own_limit() -> Iterator[None]:
    """Disables Pillow's limit of pixels for the block, in favour of ours.

    Pillow's limit is global: the first thread disables it, and the last one restores it.
    """
    from PIL import Image as pillow

    with _lifting:
        _lifted.append(pillow.MAX_IMAGE_PIXELS)
        pillow.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lifting:
            was = _lifted.pop()  # the first thread's value is popped by the last one
            if not _lifted:
                pillow.MAX_IMAGE_PIXELS = was


def _ends_well(jpeg: bytes) -> bool:
    """Says whether a JPEG has an end marker, without which TensorFlow refuses it."""
    return jpeg.rfind(_END_OF_JPEG) > jpeg.rfind(_SCAN_OF_JPEG)


def _is_whole_png(png: bytes) -> bool:
    """Says whether all chunks are complete; Pillow checks only those of pixels."""
    place = len(_PNG_SIGNATURE)
    while place + 12 <= len(png):
        size, kind = struct.unpack_from(">I4s", png, place)
        check = png[place + 8 + size : place + 12 + size]
        if check != struct.pack(">I", zlib.crc32(png[place + 4 : place + 8 + size])):
            return False
        if kind == b"IEND":
            return True
        place += 12 + size
    return False


def _check_pixels(width: int, height: int, name: str) -> None:
    """Raises for a picture too large to decode, by its header alone."""
    most = limits.most(PIXELS_VARIABLE, MOST_PIXELS, "pixels")
    if width * height > most:
        raise errors.BadExampleError(
            f"A picture has too many pixels to be decoded: {name}",
            received=f"{width:,} x {height:,}",
            expected=f"{most:,} pixels at most, which take {content.mebibytes(3 * most)}",
            hint=f"Scale it down, or set {PIXELS_VARIABLE} in the environment",
        )


def _smaller(width: int, height: int) -> tuple[int, int] | None:
    """Returns the size for storing a picture; None for its own size."""
    scale = min(math.sqrt(LARGEST_PIXELS / (width * height)), LARGEST_SIDE / max(width, height))
    if scale >= 1:
        return None
    return max(1, int(width * scale)), max(1, int(height * scale))


def _turn(picture: Any) -> Any:
    """Returns the transposition that puts a picture upright, or None."""
    from PIL import Image as pillow

    way = pillow.Transpose
    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except Exception:  # Damaged EXIF data is no reason to refuse the pixels.
        return None
    return {
        2: way.FLIP_LEFT_RIGHT,
        3: way.ROTATE_180,
        4: way.FLIP_TOP_BOTTOM,
        5: way.TRANSPOSE,
        6: way.ROTATE_270,
        7: way.TRANSVERSE,
        8: way.ROTATE_90,
    }.get(orientation)


def _eight_bits(picture: Any, name: str) -> Any:
    """Returns a picture in RGB or 8-bit grey; deep grey is scaled, which Pillow would clip."""
    from PIL import Image as pillow

    if picture.mode == "F":
        raise errors.BadExampleError(
            f"A picture has floating-point pixels: {name}",
            expected="8 or 16 bits a channel",
            hint="Convert it: nothing in the file says what is black and what is white",
        )
    if picture.mode == "I" and picture.format == "TIFF":  # not unsigned 16 bits
        raise errors.BadExampleError(
            f"A picture has pixels of 32 bits, or with a sign: {name}",
            expected="8 or 16 bits a channel, without a sign",
            hint="Convert it: nothing in the file says what is black and what is white",
        )
    if picture.mode.startswith("I"):
        import numpy as np

        levels = np.asarray(picture).astype(np.float64).clip(0, 65_535) / 257
        return pillow.fromarray(levels.round().astype(np.uint8))
    if picture.mode in ("L", "RGB"):
        return picture
    # Via RGBA, since Pillow mishandles transparency in a palette.
    return (picture.convert("RGBA") if picture.mode == "P" else picture).convert("RGB")
