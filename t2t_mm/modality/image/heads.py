"""Heads of picture files in the graph: format, size and orientation, before any pixel.

Everything here is of one file, string `[]`. Reading past its end fails, as decoding would.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from t2t_mm.modality import checks
from t2t_mm.modality.image import exif, frames, octets

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
"""Those of `encoding.FORMATS`, in an order of their own."""
JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM, JPEG2000 = range(len(FORMATS))
DECODED = WEBP + 1
"""TensorFlow decodes those before."""

MOST_SEGMENTS = 4_096
"""Of a JPEG, or chunks of a PNG, before its size is known; so a head cannot keep a server busy."""

_SOF = [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF]
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_ANIMATION = 0x02
_AS_PNG = "Expected: a JPEG or PNG file. Convert it: magick FILE OUT.png (ImageMagick)."


class Head(NamedTuple):
    """What a head says.

    Attributes:
      width: int64 `[]`, in pixels.
      height: int64 `[]`.
      orientation: int32 `[]`, of EXIF: 1 to 8, 0 for none.
      is_deep: bool `[]`, grey of 16 bits.
      is_converted: bool `[]`, whether a record keeps it in another form.
      refusal: string `[]`, why an export does not take it; empty for none.
    """

    width: tf.Tensor
    height: tf.Tensor
    orientation: tf.Tensor
    is_deep: tf.Tensor
    is_converted: tf.Tensor
    refusal: tf.Tensor


def kind(data: tf.Tensor) -> tf.Tensor:
    """Returns the place of a file's format in `FORMATS`, int32 `[]`; their number for none."""
    size = tf.strings.length(data)

    def begins(mark: bytes, place: int = 0) -> tf.Tensor:
        return tf.strings.substr(data, tf.minimum(place, size), len(mark)) == mark

    signs = [
        begins(b"\xff\xd8\xff"),
        begins(b"\x89PNG\r\n\x1a\n"),
        begins(b"GIF87a") | begins(b"GIF89a"),
        begins(b"BM"),
        begins(b"RIFF") & begins(b"WEBP", 8),
        begins(b"II*\0") | begins(b"MM\0*"),
        tf.reduce_any([begins(f"P{n}".encode()) for n in range(1, 7)]),
        begins(b"\0\0\0\x0cjP  ") | begins(b"\xff\x4f\xff\x51"),
    ]
    return tf.argmax(tf.stack([*signs, tf.constant(True)]), output_type=tf.int32)


def read(data: tf.Tensor, which: tf.Tensor) -> Head:
    """Returns the head of a file whose format is one of the first `DECODED`."""
    readers = {JPEG: _jpeg, PNG: _png, GIF: _gif, BMP: _bmp, WEBP: _webp}
    return Head(
        *tf.switch_case(which, {n: (lambda r=r: tuple(r(data))) for n, r in readers.items()})
    )


def _head(
    width: tf.Tensor,
    height: tf.Tensor,
    *,
    orientation: tf.Tensor | int = 0,
    is_deep: tf.Tensor | bool = False,
    is_converted: tf.Tensor | bool = False,
    refusal: tf.Tensor | str = checks.GOOD,
) -> Head:
    return Head(
        tf.maximum(width, 1),
        tf.maximum(height, 1),
        tf.cast(orientation, tf.int32),
        tf.cast(is_deep, tf.bool),
        tf.cast(is_converted, tf.bool) | tf.cast(is_deep, tf.bool),
        tf.convert_to_tensor(refusal),
    )


def _png(data: tf.Tensor) -> Head:
    depth, colour = octets.number(data, 24, 1), octets.number(data, 25, 1)
    none = tf.constant(-1, tf.int64)
    size = tf.cast(tf.strings.length(data), tf.int64)

    def goes_on(place: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
        return (place + 12 <= size) & (block < 0)

    def look(place: tf.Tensor, block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_exif = octets.text(data, place + 4, 4) == b"eXIf"
        return place + 12 + octets.number(data, place, 4), tf.where(is_exif, place + 8, block)

    _, block = tf.while_loop(
        goes_on, look, (tf.constant(8, tf.int64), none), maximum_iterations=MOST_SEGMENTS
    )
    return _head(
        octets.number(data, 16, 4),
        octets.number(data, 20, 4),
        orientation=exif.orientation(data, block),
        is_deep=(depth == 16) & (colour == 0),
    )


def _gif(data: tf.Tensor) -> Head:
    """Of a GIF, whose first frame has to fill it: what lies around a smaller one is not settled."""
    width, height = octets.number(data, 6, 2, big=False), octets.number(data, 8, 2, big=False)
    place = frames.first(data)
    frame = [octets.number(data, place + 1 + 2 * n, 2, big=False) for n in range(4)]
    is_whole = (frame[0] == 0) & (frame[1] == 0) & (frame[2] == width) & (frame[3] == height)
    said = f"The first frame of a GIF does not fill it. {_AS_PNG}"
    refusal = tf.where(is_whole, checks.GOOD, said)
    return _head(width, height, is_converted=True, refusal=refusal)


def _bmp(data: tf.Tensor) -> Head:
    """Of a BMP without palette, or with one of greys: TensorFlow passes over all others."""
    width, height = octets.number(data, 18, 4, big=False), octets.number(data, 22, 4, big=False)
    height = tf.where(height >= 2**31, 2**32 - height, height)  # from the top down
    bits, packed = octets.number(data, 28, 2, big=False), octets.number(data, 30, 4, big=False)
    palette = octets.text(data, 14 + octets.number(data, 14, 4, big=False), 4 * 256)
    is_grey = (bits == 8) & (palette == b"".join(bytes([n, n, n, 0]) for n in range(256)))
    is_plain = (packed == 0) & ((bits == 24) | (bits == 32) | is_grey)
    said = f"A BMP has a palette, or is packed. {_AS_PNG}"
    refusal = tf.where(is_plain, checks.GOOD, said)
    return _head(width, height, is_converted=True, refusal=refusal)


def _webp(data: tf.Tensor) -> Head:
    name = octets.text(data, 12, 4)

    def lossy() -> Head:
        width, height = octets.number(data, 26, 2, big=False), octets.number(data, 28, 2, big=False)
        return _head(width & 0x3FFF, height & 0x3FFF, is_converted=True)

    def lossless() -> Head:
        bits = octets.number(data, 21, 4, big=False)
        width, height = (
            (bits & 0x3FFF) + 1,
            (tf.bitwise.right_shift(bits, tf.constant(14, tf.int64)) & 0x3FFF) + 1,
        )
        return _head(width, height, is_converted=True)

    def extended() -> Head:
        width, height = (
            octets.number(data, 24, 3, big=False) + 1,
            octets.number(data, 27, 3, big=False) + 1,
        )
        is_moving = (octets.number(data, 20, 1) & _ANIMATION) > 0
        said = f"A WEBP has several frames. {_AS_PNG}"
        return _head(
            width,
            height,
            orientation=exif.orientation(data, _webp_exif(data)),
            is_converted=True,
            refusal=tf.where(is_moving, said, checks.GOOD),
        )

    return Head(
        *tf.cond(
            name == b"VP8 ",
            lambda: tuple(lossy()),
            lambda: tf.cond(name == b"VP8L", lambda: tuple(lossless()), lambda: tuple(extended())),
        )
    )


def _webp_exif(data: tf.Tensor) -> tf.Tensor:
    """Returns where the EXIF block of a WEBP begins, int64 `[]`; -1 for none."""
    size = tf.cast(tf.strings.length(data), tf.int64)

    def goes_on(place: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
        return (place + 8 <= size) & (block < 0)

    def look(place: tf.Tensor, block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = octets.number(data, place + 4, 4, big=False)
        block = tf.where(octets.text(data, place, 4) == b"EXIF", place + 8, block)
        return place + 8 + count + count % 2, block

    first, none = tf.constant(12, tf.int64), tf.constant(-1, tf.int64)
    _, block = tf.while_loop(goes_on, look, (first, none), maximum_iterations=MOST_SEGMENTS)
    begin = tf.maximum(block, 0)
    # Some programs write a name before it.
    is_named = (block >= 0) & (octets.text(data, begin, 6) == b"Exif\0\0")
    return tf.where(is_named, block + 6, block)


def _jpeg(data: tf.Tensor) -> Head:
    size = tf.cast(tf.strings.length(data), tf.int64)
    none = tf.constant(-1, tf.int64)

    def goes_on(place: tf.Tensor, frame: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
        del block
        return (place + 4 <= size) & (frame < 0)

    def look(
        place: tf.Tensor, frame: tf.Tensor, block: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        mark, code = octets.number(data, place, 1), octets.number(data, place + 1, 1)
        is_fill = (mark != 0xFF) | (code == 0xFF)  # some files have fill bytes between segments
        is_frame = ~is_fill & tf.reduce_any(code == tf.constant(_SOF, tf.int64))
        is_exif = ~is_fill & (code == _APP1) & (octets.text(data, place + 4, 6) == b"Exif\0\0")
        is_end = ~is_fill & ((code == _SOS) | (code == _EOI))
        alone = ((code >= 0xD0) & (code <= 0xD8)) | (code == 0x01)
        behind = tf.where(alone, tf.zeros_like(place), octets.number(data, place + 2, 2))
        step = tf.where(is_fill, tf.ones_like(place), 2 + behind)
        return (
            tf.where(is_end, size, place + step),
            tf.where(is_frame, place, frame),
            tf.where(is_exif & (block < 0), place + 10, block),
        )

    _, frame, block = tf.while_loop(
        goes_on, look, (tf.constant(2, tf.int64), none, none), maximum_iterations=MOST_SEGMENTS
    )
    frame = tf.where(frame < 0, size, frame)  # none: reading it fails
    parts = octets.number(data, frame + 9, 1)
    is_cmyk = parts == 4
    is_open = ~_ends_well(data)
    refusal = tf.where(
        is_cmyk,
        "A picture is printed in four colours. Received: CMYK. Expected: RGB or grey. "
        "Convert it: magick FILE -colorspace sRGB OUT.png (ImageMagick).",
        tf.where(
            is_open,
            "A picture is cut short: it has no end marker. Expected: a whole JPEG file.",
            checks.GOOD,
        ),
    )
    return _head(
        octets.number(data, frame + 7, 2),
        octets.number(data, frame + 5, 2),
        orientation=exif.orientation(data, block),
        refusal=refusal,
    )


def _ends_well(data: tf.Tensor) -> tf.Tensor:
    """Says whether the last part of a JPEG, behind its last scan, has an end marker."""
    scans = tf.strings.split(data, b"\xff\xda")
    last = scans[-1]
    return tf.size(tf.strings.split(last, b"\xff\xd9")) > 1
