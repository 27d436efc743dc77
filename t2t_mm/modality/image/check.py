"""The check of pictures in the graph: `encoding.encode` without Pillow.

A picture that `encode` keeps is kept. What it converts is converted alike: deep grey to 8 bits,
large pictures to smaller ones, those on their side by their EXIF orientation; a JPEG is encoded
as JPEG again, all else as PNG. What the graph cannot decode as Pillow does is refused.
"""

from __future__ import annotations

import tensorflow as tf

from t2t_mm.files import limits
from t2t_mm.modality import checks
from t2t_mm.modality.image import encoding, frames, heads, resizing

_DAMAGED = "A picture does not decode. Expected: a whole JPEG, PNG, GIF, BMP or WEBP file."
_CONVERT = "Convert it: magick FILE OUT.png (ImageMagick)."
_RATIOS = (1, 2, 4, 8)
"""By which a JPEG is decoded at a reduced size, as Pillow's `draft` does."""

Answer = tuple[tf.Tensor, tf.Tensor]
"""The value and the error of a picture: string `[]` each, one of them empty."""


class ImageCheck(checks.RawCheck):
    """Checks pictures, and encodes them for records, as `Image.encode` does."""

    def check(self, raw: tf.Tensor) -> checks.Checked:
        most = limits.most(encoding.PIXELS_VARIABLE, encoding.MOST_PIXELS, "pixels")
        (values, errors), decodes = checks.attempt(lambda data: _encode(data, most), raw)
        return checks.Checked(values, tf.where(decodes, errors, _DAMAGED))


def _encode(data: tf.Tensor, most: int) -> Answer:
    """Returns what `encoding.encode` makes of a picture; fails for a damaged one.

    Args:
      data: string `[]`.
      most: pixels that are decoded.
    """
    kind = heads.kind(data)
    is_known = kind < heads.DECODED
    names = tf.constant([*heads.FORMATS, "none of these"])
    is_picture = kind < len(heads.FORMATS)
    shown = tf.strings.join([tf.strings.as_string(tf.strings.length(data)), " bytes"])
    wanted = f"Expected: one of {', '.join(heads.FORMATS[: heads.DECODED])}."
    unknown = tf.where(
        is_picture,
        tf.strings.join(
            ["An export does not decode ", tf.gather(names, kind), f". {wanted} {_CONVERT}"]
        ),
        tf.strings.join(["A file is not a picture. Received: ", shown, f". {wanted}"]),
    )
    return tf.cond(is_known, lambda: _known(data, kind, most), lambda: _refused(unknown))


def _known(data: tf.Tensor, kind: tf.Tensor, most: int) -> Answer:
    """Encodes a picture of a format that the graph decodes."""
    head = heads.read(data, kind)
    width, height = resizing.smaller(head.width, head.height)
    is_large = width < head.width
    is_jpeg = kind == heads.JPEG
    times = tf.minimum(head.width // width, head.height // height)
    place = tf.reduce_sum(tf.cast(times >= tf.constant(_RATIOS[1:], tf.int64), tf.int32))
    place = tf.where(is_jpeg & is_large, place, 0)
    ratio = tf.gather(tf.constant(_RATIOS, tf.int64), place)
    decoded = -(-head.width // ratio), -(-head.height // ratio)
    size = tf.strings.join(
        [tf.strings.as_string(decoded[0]), " x ", tf.strings.as_string(decoded[1])]
    )
    too_many = tf.strings.join(
        [
            "A picture has too many pixels to be decoded. Received: ",
            size,
            f". Expected: {most:,} pixels at most. Scale it down.",
        ]
    )
    is_too_large = decoded[0] * decoded[1] > most
    # Beyond, Pillow first takes the mean of whole pixels.
    is_too_long = is_large & ((decoded[0] >= 4 * width) | (decoded[1] >= 4 * height))
    too_long = tf.strings.join(
        ["A picture is too long to be scaled down. Received: ", size, ". Scale it down."]
    )
    is_kept = ~(is_large | head.is_converted | (head.orientation > 1))

    def converted() -> tf.Tensor:
        pixels = _decoded(data, kind, place, is_deep=head.is_deep)
        pixels = tf.cond(is_large, lambda: resizing.bicubic(pixels, width, height), lambda: pixels)
        pixels = _turned(pixels, head.orientation)
        return tf.cond(
            is_jpeg,
            lambda: tf.io.encode_jpeg(
                pixels, quality=encoding.QUALITY, chroma_downsampling=False, format=""
            ),
            lambda: tf.io.encode_png(pixels, compression=1),
        )

    def kept() -> tf.Tensor:
        pixels = tf.io.decode_image(data, channels=3, expand_animations=False)
        # Read, since TensorFlow leaves out what nothing reads.
        return tf.where(tf.size(pixels) > 0, data, "")

    def good() -> Answer:
        return tf.cond(is_kept, kept, converted), tf.constant(checks.GOOD)

    refusal = checks.first(
        head.refusal,
        tf.where(is_too_large, too_many, checks.GOOD),
        tf.where(is_too_long, too_long, checks.GOOD),
    )
    return tf.cond(refusal == checks.GOOD, good, lambda: _refused(refusal))


def _refused(error: tf.Tensor) -> Answer:
    return tf.constant(""), error


def _decoded(
    data: tf.Tensor, kind: tf.Tensor, ratio: tf.Tensor, *, is_deep: tf.Tensor
) -> tf.Tensor:
    """Decodes a picture to uint8 `[H, W, C]`, C of 1 or 3; a JPEG at one of `_RATIOS`."""

    def jpeg(times: int) -> tf.Tensor:
        # The method of Pillow; features decode by the faster one, of records too.
        return tf.io.decode_jpeg(data, channels=0, ratio=times, dct_method="INTEGER_ACCURATE")

    def deep() -> tf.Tensor:
        levels = tf.cast(tf.io.decode_png(data, channels=1, dtype=tf.uint16), tf.float64) / 257
        return tf.cast(tf.round(levels), tf.uint8)

    def gif() -> tf.Tensor:
        frame = frames.only_first(data)
        return tf.ensure_shape(tf.io.decode_gif(frame)[0], [None, None, None])

    def webp() -> tf.Tensor:
        return tf.io.decode_webp(data, channels=0)[0, :, :, :3]

    def other() -> tf.Tensor:
        shallow = tf.io.decode_image(data, channels=3, expand_animations=False)
        return tf.ensure_shape(shallow, [None, None, None])

    jpegs = [lambda times=times: jpeg(times) for times in _RATIOS]
    ways = {
        heads.JPEG: lambda: tf.switch_case(ratio, jpegs),
        heads.PNG: lambda: tf.cond(is_deep, deep, other),
        heads.GIF: gif,
        heads.BMP: other,
        heads.WEBP: webp,
    }
    return tf.switch_case(kind, ways)


def _turned(pixels: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Puts pixels `[H, W, C]` upright by an EXIF orientation, 0 to 8."""

    def across(p: tf.Tensor) -> tf.Tensor:
        return tf.transpose(p, [1, 0, 2])

    upright = [lambda: tf.identity(pixels)] * 2
    ways = [
        lambda: pixels[:, ::-1],
        lambda: pixels[::-1, ::-1],
        lambda: pixels[::-1],
        lambda: across(pixels),
        lambda: across(pixels)[:, ::-1],
        lambda: across(pixels)[::-1, ::-1],
        lambda: across(pixels)[::-1],
    ]
    return tf.switch_case(orientation, [*upright, *ways])
