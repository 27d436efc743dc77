"""Pictures in the graph become what `Image.encode` makes of them, to the last pixel."""

import io
import struct
import types
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

from t2t_mm import errors
from t2t_mm.modality import Image, checks, features

DECLARED = Image(size=32)
FEATURES = features.build(DECLARED, types.SimpleNamespace(name="pictures", vocabularies={}))
DRAW = np.random.default_rng(0)


def picture(width=45, height=35):
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 7 + y / 11), np.cos(x / 13), DRAW.normal(size=x.shape) / 2]
    return pillow.fromarray((np.stack(waves, -1) * 100 + 128).clip(0, 255).astype(np.uint8))


def file(image, form, **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def turned(orientation):
    exif = pillow.Exif()
    exif[0x0112] = orientation
    return exif


def png_of(width, height):
    """A PNG of some hundred bytes that claims a size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + check


PLAIN = picture()
GREY = PLAIN.convert("L")
SEE_THROUGH = PLAIN.copy()
SEE_THROUGH.putalpha(pillow.fromarray(DRAW.integers(0, 255, (35, 45)).astype(np.uint8)))
DEEP = pillow.fromarray(DRAW.integers(0, 65_535, (35, 45)).astype(np.uint16))
JPEG, PNG = file(PLAIN, "JPEG"), file(PLAIN, "PNG")
BROKEN = bytearray(PNG)
BROKEN[BROKEN.index(b"IDAT") + 60] ^= 255

GOOD = {
    "JPEG": JPEG,
    "JPEG, grey": file(GREY, "JPEG"),
    "JPEG, progressive": file(PLAIN, "JPEG", progressive=True),
    "JPEG with more behind it": JPEG + b"more",
    **{f"JPEG turned {n}": file(PLAIN, "JPEG", exif=turned(n)) for n in range(1, 9)},
    "JPEG, grey, turned": file(GREY, "JPEG", exif=turned(6)),
    **{f"PNG {mode}": file(PLAIN.convert(mode), "PNG") for mode in ("RGB", "L", "LA", "P", "1")},
    "PNG, see-through": file(SEE_THROUGH, "PNG"),
    "PNG, a colour see-through": file(PLAIN.convert("P"), "PNG", transparency=5),
    "PNG, 16 bits": file(DEEP, "PNG"),
    "PNG, 16 bits, turned": file(DEEP, "PNG", exif=turned(6)),
    "PNG turned": file(PLAIN, "PNG", exif=turned(8)),
    "GIF": file(PLAIN, "GIF"),
    "GIF, see-through": file(PLAIN.convert("P"), "GIF", transparency=3),
    "GIF of two frames": file(PLAIN, "GIF", save_all=True, append_images=[picture()]),
    "BMP": file(PLAIN, "BMP"),
    "BMP, grey": file(GREY, "BMP"),
    "BMP, see-through": file(SEE_THROUGH, "BMP"),
    "WEBP": file(PLAIN, "WEBP"),
    "WEBP, see-through": file(SEE_THROUGH, "WEBP", lossless=True),
    "WEBP turned": file(PLAIN, "WEBP", exif=turned(6)),
}
BAD = {
    "cut JPEG": JPEG[: len(JPEG) // 2],
    "cut PNG": PNG[: len(PNG) // 2],
    "broken PNG": bytes(BROKEN),
    "text": b"no picture",
    "nothing": b"",
    "beginnings": b"\xff\xd8\xff",
    "of a PNG": PNG[:20],
    "of a GIF": b"GIF89a",
    "of a WEBP": b"RIFF1234WEBP",
    "of a BMP": b"BM",
}
REFUSED = {
    "TIFF": (file(PLAIN, "TIFF"), "An export does not decode TIFF."),
    "PPM": (file(PLAIN, "PPM"), "An export does not decode PPM."),
    "JPEG of four colours": (file(PLAIN.convert("CMYK"), "JPEG"), "A picture is printed"),
    "BMP with a palette": (file(PLAIN.convert("P"), "BMP"), "A BMP has a palette"),
    "WEBP of two frames": (
        file(PLAIN, "WEBP", save_all=True, append_images=[picture()]),
        "A WEBP has several frames",
    ),
}
"""What `encode` takes, and the graph does not."""


@pytest.fixture(scope="module")
def check():
    made = checks.build(DECLARED, FEATURES)
    return tf.function(
        lambda raw: tuple(made.check(raw)),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


def pixels(data):
    return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()


def assert_encoded_alike(check, files):
    values, said = check(tf.constant(list(files.values())))
    assert dict(zip(files, said.numpy().tolist(), strict=True)) == dict.fromkeys(files, b"")
    for name, data, value in zip(files, files.values(), values, strict=True):
        np.testing.assert_array_equal(pixels(value), pixels(DECLARED.encode(data)), err_msg=name)


def test_pictures_become_the_records_that_encode_makes(check):
    assert_encoded_alike(check, GOOD)


@pytest.mark.slow
def test_large_pictures_are_scaled_down_as_encode_does(check):
    large = {
        "PNG": file(picture(2_600, 2_000), "PNG", compress_level=1),
        "JPEG, turned": file(picture(2_600, 2_000), "JPEG", exif=turned(8)),
        "JPEG, decoded at half its size": file(picture(5_000, 4_100), "JPEG", quality=80),
        "PNG, wide": file(picture(17_000, 20), "PNG"),
        "JPEG, tall": file(picture(20, 17_000), "JPEG"),
    }
    assert_encoded_alike(check, large)


def test_damaged_files_are_refused_and_spoil_no_others(check):
    _, said = check(tf.constant([JPEG, *BAD.values(), PNG]))
    first, *found, last = said.numpy()
    assert first == last == b""
    for data, error in zip(BAD.values(), found, strict=True):
        assert error.endswith(b".")
        with pytest.raises(errors.BadExampleError):
            DECLARED.encode(data)


def test_a_size_is_refused_before_it_is_decoded(check):
    values, said = check(tf.constant([png_of(70_000, 70_000), PNG]))
    wanted = b"A picture has too many pixels to be decoded. Received: 70000 x 70000. Expected: 67,"
    assert said.numpy()[0].startswith(wanted)
    assert values.numpy().tolist() == [b"", PNG]


def test_what_the_graph_cannot_decode_alike_is_refused_with_advice(check):
    _, said = check(tf.constant([data for data, _ in REFUSED.values()]))
    for (data, words), error in zip(REFUSED.values(), said.numpy(), strict=True):
        DECLARED.encode(data)
        assert error.decode().startswith(words)
        assert b"Convert it: magick" in error


def test_no_rows(check):
    values, said = check(tf.constant([], tf.string))
    assert values.shape == said.shape == (0,)
