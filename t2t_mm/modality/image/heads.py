"""Heads of picture files in the graph: format, size and orientation, before any pixel.

Everything here is of one file, string `[]`. Reading past its end fails, as decoding would.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from t2t_mm.modality import checks

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
"""Those of `encoding.FORMATS`, in an order of their own."""
JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM, JPEG2000 = range(len(FORMATS))
DECODED = WEBP + 1
"""TensorFlow decodes those before."""

MOST_SEGMENTS = 4_096
"""Of a JPEG, or chunks of a PNG, before its size is known; so a head cannot keep a server busy."""

_SOF = [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF]
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_EXTENSION = 0x21
_ANIMATION = 0x02
_ORIENTATION = 0x0112
_AS_PNG = "Expected: a JPEG or PNG file. Convert it: magick FILE OUT.png (ImageMagick)."
_ENTRY = 12
_SHORT, _LONG = 3, 4


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
    depth, colour = _number(data, 24, 1), _number(data, 25, 1)
    none = tf.constant(-1, tf.int64)
    size = tf.cast(tf.strings.length(data), tf.int64)

    def goes_on(place: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
        return (place + 12 <= size) & (exif < 0)

    def look(place: tf.Tensor, exif: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_exif = _text(data, place + 4, 4) == b"eXIf"
        return place + 12 + _number(data, place, 4), tf.where(is_exif, place + 8, exif)

    _, exif = tf.while_loop(
        goes_on, look, (tf.constant(8, tf.int64), none), maximum_iterations=MOST_SEGMENTS
    )
    return _head(
        _number(data, 16, 4),
        _number(data, 20, 4),
        orientation=_orientation(data, exif),
        is_deep=(depth == 16) & (colour == 0),
    )


def first_frame(gif: tf.Tensor) -> tf.Tensor:
    """Returns a GIF that ends after its first frame, string `[]`.

    TensorFlow reads all frames before it takes one, and a small file may hold many large ones.
    """
    place = _frame(gif)
    data = place + 10 + _colours(gif, place + 9) + 1  # behind descriptor, colours, size of codes
    end, _ = _blocks_end(gif, data, tf.constant(True))
    return tf.strings.join([_text(gif, 0, end), b";"])


def _gif(data: tf.Tensor) -> Head:
    """Of a GIF, whose first frame has to fill it: what lies around a smaller one is not settled."""
    width, height = _number(data, 6, 2, big=False), _number(data, 8, 2, big=False)
    place = _frame(data)
    frame = [_number(data, place + 1 + 2 * n, 2, big=False) for n in range(4)]
    is_whole = (frame[0] == 0) & (frame[1] == 0) & (frame[2] == width) & (frame[3] == height)
    said = f"The first frame of a GIF does not fill it. {_AS_PNG}"
    refusal = tf.where(is_whole, checks.GOOD, said)
    return _head(width, height, is_converted=True, refusal=refusal)


def _frame(gif: tf.Tensor) -> tf.Tensor:
    """Returns where the descriptor of a GIF's first frame begins, behind extensions: int64 `[]`."""
    place, _ = _blocks_end(gif, 13 + _colours(gif, tf.constant(10, tf.int64)), tf.constant(False))
    return place


def _colours(gif: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Returns the bytes of the table of colours that the flags at a place tell of: int64 `[]`."""
    flags = _number(gif, place, 1)
    return tf.where(flags >= 128, 3 * 2 ** ((flags & 7) + 1), tf.zeros_like(flags))


def _blocks_end(
    gif: tf.Tensor, place: tf.Tensor, is_inside: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Passes over blocks, and extensions behind them; returns the place of what follows.

    Args:
      gif: the file.
      place: of a block, or of an extension.
      is_inside: whether blocks begin there, which an empty one ends.
    """
    size = tf.cast(tf.strings.length(gif), tf.int64)

    def goes_on(place: tf.Tensor, is_inside: tf.Tensor) -> tf.Tensor:
        here = tf.minimum(place, size - 1)
        return (place < size) & (is_inside | (_number(gif, here, 1) == _EXTENSION))

    def look(place: tf.Tensor, is_inside: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = _number(gif, place, 1)
        step = tf.where(is_inside, 1 + count, 2 * tf.ones_like(place))
        return place + step, ~is_inside | (count > 0)

    found: tuple[tf.Tensor, tf.Tensor] = tf.while_loop(goes_on, look, (place, is_inside))
    return found


def _bmp(data: tf.Tensor) -> Head:
    """Of a BMP without palette, or with one of greys: TensorFlow passes over all others."""
    width, height = _number(data, 18, 4, big=False), _number(data, 22, 4, big=False)
    height = tf.where(height >= 2**31, 2**32 - height, height)  # from the top down
    bits, packed = _number(data, 28, 2, big=False), _number(data, 30, 4, big=False)
    palette = _text(data, 14 + _number(data, 14, 4, big=False), 4 * 256)
    is_grey = (bits == 8) & (palette == b"".join(bytes([n, n, n, 0]) for n in range(256)))
    is_plain = (packed == 0) & ((bits == 24) | (bits == 32) | is_grey)
    said = f"A BMP has a palette, or is packed. {_AS_PNG}"
    refusal = tf.where(is_plain, checks.GOOD, said)
    return _head(width, height, is_converted=True, refusal=refusal)


def _webp(data: tf.Tensor) -> Head:
    name = _text(data, 12, 4)

    def lossy() -> Head:
        width, height = _number(data, 26, 2, big=False), _number(data, 28, 2, big=False)
        return _head(width & 0x3FFF, height & 0x3FFF, is_converted=True)

    def lossless() -> Head:
        bits = _number(data, 21, 4, big=False)
        width, height = (
            (bits & 0x3FFF) + 1,
            (tf.bitwise.right_shift(bits, tf.constant(14, tf.int64)) & 0x3FFF) + 1,
        )
        return _head(width, height, is_converted=True)

    def extended() -> Head:
        width, height = _number(data, 24, 3, big=False) + 1, _number(data, 27, 3, big=False) + 1
        is_moving = (_number(data, 20, 1) & _ANIMATION) > 0
        said = f"A WEBP has several frames. {_AS_PNG}"
        return _head(
            width,
            height,
            orientation=_orientation(data, _webp_exif(data)),
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

    def goes_on(place: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
        return (place + 8 <= size) & (exif < 0)

    def look(place: tf.Tensor, exif: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = _number(data, place + 4, 4, big=False)
        exif = tf.where(_text(data, place, 4) == b"EXIF", place + 8, exif)
        return place + 8 + count + count % 2, exif

    first, none = tf.constant(12, tf.int64), tf.constant(-1, tf.int64)
    _, exif = tf.while_loop(goes_on, look, (first, none), maximum_iterations=MOST_SEGMENTS)
    begin = tf.maximum(exif, 0)
    is_named = (exif >= 0) & (_text(data, begin, 6) == b"Exif\0\0")  # as some programs write it
    return tf.where(is_named, exif + 6, exif)


def _jpeg(data: tf.Tensor) -> Head:
    size = tf.cast(tf.strings.length(data), tf.int64)
    none = tf.constant(-1, tf.int64)

    def goes_on(place: tf.Tensor, frame: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
        del exif
        return (place + 4 <= size) & (frame < 0)

    def look(
        place: tf.Tensor, frame: tf.Tensor, exif: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        mark, code = _number(data, place, 1), _number(data, place + 1, 1)
        is_fill = (mark != 0xFF) | (code == 0xFF)  # some files have fill bytes between segments
        is_frame = ~is_fill & tf.reduce_any(code == tf.constant(_SOF, tf.int64))
        is_exif = ~is_fill & (code == _APP1) & (_text(data, place + 4, 6) == b"Exif\0\0")
        is_end = ~is_fill & ((code == _SOS) | (code == _EOI))
        alone = ((code >= 0xD0) & (code <= 0xD8)) | (code == 0x01)
        behind = tf.where(alone, tf.zeros_like(place), _number(data, place + 2, 2))
        step = tf.where(is_fill, tf.ones_like(place), 2 + behind)
        return (
            tf.where(is_end, size, place + step),
            tf.where(is_frame, place, frame),
            tf.where(is_exif & (exif < 0), place + 10, exif),
        )

    _, frame, exif = tf.while_loop(
        goes_on, look, (tf.constant(2, tf.int64), none, none), maximum_iterations=MOST_SEGMENTS
    )
    frame = tf.where(frame < 0, size, frame)  # none: reading it fails
    parts = _number(data, frame + 9, 1)
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
        _number(data, frame + 7, 2),
        _number(data, frame + 5, 2),
        orientation=_orientation(data, exif),
        refusal=refusal,
    )


def _ends_well(data: tf.Tensor) -> tf.Tensor:
    """Says whether the last part of a JPEG, behind its last scan, has an end marker."""
    scans = tf.strings.split(data, b"\xff\xda")
    last = scans[-1]
    return tf.size(tf.strings.split(last, b"\xff\xd9")) > 1


def _orientation(data: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Returns the orientation in an EXIF block, int32 `[]`; 0 where there is none, or damage.

    Args:
      data: the file.
      place: int64 `[]`, where the block's TIFF head begins; -1 for none.
    """
    size = tf.cast(tf.strings.length(data), tf.int64)

    def found() -> tf.Tensor:
        order = _text(data, place, 2)
        big = order == b"MM"
        first = place + _number(data, place + 4, 4, big=big)
        first = tf.where((first >= place) & (first + 2 <= size), first, size - 2)
        count = _number(data, first, 2, big=big)
        count = tf.clip_by_value(count, 0, (size - first - 2) // _ENTRY)
        table = tf.io.decode_raw(_text(data, first + 2, count * _ENTRY), tf.uint8)
        entries = tf.cast(tf.reshape(table, [-1, _ENTRY]), tf.int64)

        def column(start: int, width: int) -> tf.Tensor:
            octets = entries[:, start : start + width]
            weights = tf.constant([256**n for n in range(width)], tf.int64)
            weights = tf.where(big, weights[::-1], weights)
            return tf.reduce_sum(octets * weights, 1)

        form = column(2, 2)
        value = tf.where(form == _LONG, column(8, 4), column(8, 2))
        is_it = (column(0, 2) == _ORIENTATION) & (column(4, 4) == 1)
        is_it &= ((form == _SHORT) | (form == _LONG)) & (value >= 1) & (value <= 8)
        is_it &= (order == b"MM") | (order == b"II")
        values = tf.concat([[tf.constant(0, tf.int64)], tf.boolean_mask(value, is_it)], 0)
        return tf.cast(values[-1], tf.int32)

    is_there = (place >= 0) & (place + 8 <= size)
    return tf.cond(is_there, found, lambda: tf.constant(0))


def _text(data: tf.Tensor, place: tf.Tensor | int, count: tf.Tensor | int) -> tf.Tensor:
    """Returns `count` bytes from `place` on; fails beyond the end."""
    place, count = tf.cast(place, tf.int64), tf.cast(count, tf.int64)
    return tf.strings.substr(data, place, count)


def _number(
    data: tf.Tensor, place: tf.Tensor | int, count: int, *, big: tf.Tensor | bool = True
) -> tf.Tensor:
    """Returns the unsigned number of `count` bytes, int64 `[]`; `big`-endian or not."""
    octets = tf.io.decode_raw(_text(data, place, count), tf.uint8)
    octets = tf.ensure_shape(octets, [count])  # fails where the file ends before
    weights = tf.constant([256**n for n in range(count)], tf.int64)
    weights = tf.where(tf.cast(big, tf.bool), weights[::-1], weights)
    return tf.reduce_sum(tf.cast(octets, tf.int64) * weights)
