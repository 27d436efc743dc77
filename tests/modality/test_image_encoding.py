"""Pictures of every kind: what records hold of them, and what is refused.

Whatever is accepted must decode in TensorFlow's graph, to what Pillow shows.
"""

import io
import random
import struct
import zlib
from concurrent import futures

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow
from PIL import ImageOps
from PIL import PngImagePlugin as png

from t2t_mm import errors
from t2t_mm.modality import Image, features
from t2t_mm.modality.image import encoding

ORIENTATION = 0x0112


def photo(height=40, width=60):
    """A picture of soft colours that tells left from right and top from bottom."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, 128 + 0 * x], -1)
    return pillow.fromarray(pixels.astype(np.uint8))


def save(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def shown(record):
    """Returns a record's format and pixels `[H, W, 3]`, having decoded it in the graph too."""
    with pillow.open(io.BytesIO(record)) as picture:
        kind = picture.format
        pixels = np.asarray(picture.convert("RGB"))
    in_graph = tf.io.decode_image(record, channels=3, expand_animations=False).numpy()
    assert in_graph.shape == pixels.shape
    # TensorFlow's transform of a JPEG is the quick one, which is a little off.
    assert np.abs(in_graph.astype(int) - pixels).mean() <= (0 if kind == "PNG" else 2)
    made = features.build(Image(size=32), None)
    assert made.featurize(tf.constant([record]), training=False).shape == (1, 32, 32, 3)
    seed = tf.constant([1, 2], tf.int64)
    assert made.featurize(tf.constant([record]), training=True, seed=seed).shape == (1, 32, 32, 3)
    return kind, pixels


def encode(data):
    return Image().encode(data)


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "RGB", {"subsampling": "4:2:0", "quality": 30}),
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("PNG", "L", {"transparency": 0}),
    ],
)
def test_plain_pictures_are_kept_as_they_came(kind, mode, options):
    data = save(photo().convert(mode), kind, **options)
    assert encode(data) == data
    assert shown(data)[1].shape == (40, 60, 3)


def test_deep_colour_is_kept():
    deep = tf.io.encode_png(tf.constant(np.asarray(photo()).astype(np.uint16) * 257)).numpy()
    assert encode(deep) == deep
    np.testing.assert_array_equal(shown(deep)[1], np.asarray(photo()))


def near(pixels, colour):
    return np.abs(pixels.astype(int) - colour).max() <= 6


def test_cmyk():
    # Photoshop's, and so Pillow's, JPEGs hold inverted CMYK.
    data = save(pillow.new("RGB", (40, 30), (200, 40, 60)).convert("CMYK"), "JPEG", quality=95)
    assert pillow.open(io.BytesIO(data)).mode == "CMYK"
    kind, pixels = shown(encode(data))
    assert kind == "JPEG"
    assert near(pixels, (200, 40, 60))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_dropped(kind):
    picture = photo().convert("RGBA")
    picture.putalpha(pillow.new("L", picture.size, 7))
    data = save(picture, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    kind, pixels = shown(encode(data))
    assert kind == "PNG"
    np.testing.assert_array_equal(pixels, np.asarray(photo()))


@pytest.mark.parametrize("transparency", [3, bytes(range(255, -1, -1))])
def test_palette_with_transparency(transparency):
    picture = photo().quantize(256)
    data = save(picture, "PNG", transparency=transparency)
    np.testing.assert_array_equal(shown(encode(data))[1], np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("mode", ["1", "LA", "I;16"])
def test_odd_grey(mode):
    grey = photo().convert("L")
    if mode == "I;16":
        picture = pillow.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        picture = grey.convert(mode)
    kind, pixels = shown(encode(save(picture, "PNG")))
    assert kind == "PNG"
    expected = np.asarray((grey if mode == "I;16" else picture).convert("RGB"))
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind):
    red, blue = (pillow.new("RGB", (40, 30), colour) for colour in ((250, 0, 0), (0, 0, 250)))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = save(red, kind, save_all=True, append_images=[blue, red], **options)
    assert pillow.open(io.BytesIO(data)).n_frames == 3
    assert near(shown(encode(data))[1], (250, 0, 0))


def test_mpo():
    other = pillow.new("RGB", (60, 40))
    data = save(photo(), "MPO", save_all=True, append_images=[other])
    assert pillow.open(io.BytesIO(data)).format == "MPO"
    assert encode(data) == data
    assert np.abs(shown(data)[1].astype(int) - np.asarray(photo())).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB")])
def test_pictures_are_turned_upright(kind, mode, orientation):
    exif = pillow.Exif()
    exif[ORIENTATION] = orientation
    data = save(photo().convert(mode), kind, exif=exif)
    record = encode(data)
    assert (record == data) == (orientation == 1)
    found, pixels = shown(record)
    assert found == kind
    expected = np.asarray(ImageOps.exif_transpose(pillow.open(io.BytesIO(data))).convert("RGB"))
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 8
    assert encode(record) == record  # upright now


def test_exif_data_that_is_damaged_is_no_reason():
    data = save(photo(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff nonsense")
    assert encode(data) == data


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (2, 3)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_the_smallest(size, kind):
    assert shown(encode(save(pillow.new("RGB", size, (9, 9, 9)), kind)))[1].shape[:2] == size[::-1]


@pytest.mark.parametrize(
    ("size", "stored"),
    [
        ((20_000, 50), (16_384, 40)),
        ((50, 20_000), (40, 16_384)),
        ((3_000, 2_000), (2_508, 1_672)),
        ((2_048, 2_048), (2_048, 2_048)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_pictures_are_scaled_down(size, stored, kind):
    data = save(photo().resize(size, pillow.Resampling.BILINEAR), kind)
    record = encode(data)
    found, pixels = shown(record)
    assert found == kind
    assert pixels.shape == (stored[1], stored[0], 3)
    assert (record == data) == (size == stored)
    # Still red to the right and green below, within a step of what a small one shows.
    corner = pixels[-1, -1].astype(int)
    assert np.abs(corner - (251, 248, 128)).max() <= 8


def test_a_tall_phone_photo_is_scaled_and_turned():
    exif = pillow.Exif()
    exif[ORIENTATION] = 6
    data = save(photo().resize((4_000, 3_000)), "JPEG", exif=exif)
    _, pixels = shown(encode(data))
    assert pixels.shape == (2_364, 1_773, 3)


def claiming(width, height):
    """A PNG whose head says that it is of some size."""
    data = bytearray(save(photo(), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


TEXT = b"<!DOCTYPE html><title>404 Not Found</title>"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "A file is not a picture: bytes. Received: 0 bytes"),
        (TEXT, "A file is not a picture: bytes.*43 bytes, which begin with b'<!DOCTYPE ht'.*JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "A file is not a picture"),
        (
            claiming(20_000, 20_000),
            "A picture has too many pixels to be decoded: bytes.*Expected: 67,108,864",
        ),
        (claiming(90, 90), "A picture does not decode"),
        (save(photo(), "JPEG")[:-100], "A picture does not decode"),
        (save(photo(), "PNG")[:-100], "A picture does not decode"),
        (save(photo().convert("F"), "TIFF"), "A picture has floating-point pixels"),
        (save(photo().convert("I"), "TIFF"), "A picture has pixels of 32 bits.*8 or 16 bits a"),
    ],
)
def test_what_is_refused(data, words):
    with pytest.raises(errors.BadExampleError, match=words):
        encode(data)


def test_the_same_words_for_the_same_file():
    # Messages are compared and counted: none may hold an address in memory.
    said = set()
    for _ in range(2):
        with pytest.raises(errors.BadExampleError) as raised:
            encode(bytes(TEXT))
        said.add(str(raised.value))
    assert len(said) == 1
    assert "0x" not in said.pop()


def test_paths(tmp_path):
    path = tmp_path / "wrong suffix.png"
    path.write_bytes(save(photo(), "JPEG"))
    assert encode(path) == path.read_bytes()
    for missing, reason in ((tmp_path / "none.jpg", "No such file"), (tmp_path, "directory")):
        with pytest.raises(errors.BadExampleError, match=f"cannot be read: {missing}.*{reason}"):
            encode(missing)
    with pytest.raises(errors.BadExampleError, match="cannot be read: .*null byte"):
        encode(tmp_path / "a\0.jpg")


def test_whatever_has_bytes_to_read():
    class Member:
        def read_bytes(self):
            return save(photo(), "PNG")

        def __str__(self):
            return "photo.png of photos.tar"

    assert encode(Member()) == save(photo(), "PNG")


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3), (9, 7, 4)])
def test_pixels(shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    expected = np.broadcast_to(pixels.reshape(9, 7, -1)[..., :3], (9, 7, 3))
    np.testing.assert_array_equal(shown(encode(pixels))[1], expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P", "CMYK"])
def test_pictures_of_pillows(mode):
    picture = photo(9, 7).convert(mode)
    _, pixels = shown(encode(picture))
    np.testing.assert_array_equal(pixels, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((9, 7), np.int64), np.zeros((9, 7, 2), np.uint8), np.zeros((0, 7), np.uint8)]
    + [np.zeros((1, 9, 7, 3), np.uint8), np.zeros((3, 9, 7)), np.zeros((9, 7), bool)],
)
def test_arrays_that_are_no_picture(pixels):
    with pytest.raises(errors.BadExampleError, match=r"An array is not a picture.*\[.*uint8"):
        encode(pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("harm", ["cut", "flip"])
def test_what_damage_leaves_acceptable_decodes_in_the_graph(kind, harm):
    whole = save(photo(), kind)
    dice = random.Random(0)
    accepted = 0
    for number in range(120):
        data = bytearray(whole)
        if harm == "cut":
            del data[len(data) - number :]
        else:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        try:
            record = encode(bytes(data))
        except errors.BadExampleError:
            continue
        accepted += 1
        assert tf.io.decode_image(record, channels=3, expand_animations=False).shape[-1] == 3
    assert 0 < accepted < 120


def test_a_png_without_its_end_is_written_anew():
    data = save(photo(), "PNG")
    record = encode(data[:-12])
    assert record != data[:-12]
    np.testing.assert_array_equal(shown(record)[1], np.asarray(photo()))


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.full((9, 7, 3), np.nan), "no finite numbers.*189 of 189"),
        (np.full((9, 7), 1.5), "out of range.*1.5 to 1.5.*255 is white"),
        (np.full((9, 7), -0.1), "out of range.*values from 0 to 1"),
        (np.zeros((3, 9, 7), np.uint8), r"np.moveaxis\(pixels, 0, -1\)"),
        (np.zeros((1, 9, 7, 3), np.uint8), "one by one"),
        (np.zeros((9, 7), np.int32), r"astype\('uint8'\)"),
        (pillow.new("F", (7, 9)), "floating-point pixels"),
        (pillow.new("I", (7, 9)), "32 bits"),
    ],
)
def test_an_array_says_what_is_wrong_with_it(pixels, said):
    with pytest.raises(errors.BadExampleError, match=said):
        encoding.from_array(pixels)


def test_pixels_in_floating_point_are_those_in_eight_bits():
    eight = np.arange(63, dtype=np.uint8).reshape(9, 7) * 4
    for dtype in (np.float16, np.float32, np.float64):
        assert encoding.from_array((eight / 255).astype(dtype)) == encoding.from_array(eight)


def test_alpha_is_dropped_as_that_of_files_is():
    rgb = np.arange(9 * 7 * 3, dtype=np.uint8).reshape(9, 7, 3)
    rgba = np.dstack([rgb, np.zeros((9, 7), np.uint8)])
    assert encoding.from_array(rgba) == encoding.from_array(rgb)


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_head(monkeypatch):
    file = io.BytesIO()
    pillow.new("1", (8200, 8200)).save(file, "PNG")  # 8,200 x 8,200 = 67,240,000 > 2**26
    with pytest.raises(errors.BadExampleError, match=r"8,200 x 8,200.*T2T_MM_MAX_PIXELS"):
        encoding.encode(file.getvalue(), "large.png")
    monkeypatch.setenv(encoding.PIXELS_VARIABLE, "100")
    small = io.BytesIO()
    pillow.new("L", (11, 10)).save(small, "PNG")
    with pytest.raises(errors.BadExampleError, match="100 pixels at most"):
        encoding.encode(small.getvalue(), "small.png")
    monkeypatch.setenv(encoding.PIXELS_VARIABLE, "110")
    assert encoding.encode(small.getvalue(), "small.png") == small.getvalue()


def test_pillows_own_limit_is_lifted_only_while_a_picture_is_read(monkeypatch):
    """Four threads read; the limit is what it was when all have."""
    monkeypatch.setattr(pillow, "MAX_IMAGE_PIXELS", 7)
    file = io.BytesIO()
    pillow.new("L", (40, 40)).save(file, "PNG")
    with futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: encoding.encode(file.getvalue(), "a"), range(40)))
    assert set(made) == {file.getvalue()}
    assert pillow.MAX_IMAGE_PIXELS == 7


@pytest.mark.parametrize("kind", ["tEXt of 1 byte", "zTXt", "iTXt"])
def test_a_text_in_a_png_that_would_fill_the_memory(kind):
    """99 MB of text are 99 kB packed; Pillow takes 1 MiB of one, 64 MiB of all."""
    notes = png.PngInfo()
    if kind == "iTXt":
        notes.add_itxt("note", "x" * 99_000_000, zip=True)
    else:
        notes.add_text("note", "x" * (99_000_000 if kind == "zTXt" else 1), zip=kind == "zTXt")
    file = io.BytesIO()
    pillow.new("L", (4, 4)).save(file, "PNG", pnginfo=notes)
    assert len(file.getvalue()) < 200_000
    if kind == "tEXt of 1 byte":
        assert encoding.encode(file.getvalue(), "a.png") == file.getvalue()
        return
    with pytest.raises(errors.BadExampleError, match="does not decode: a.png.*MAX_TEXT_CHUNK"):
        encoding.encode(file.getvalue(), "a.png")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_taken(kind):
    first, second = pillow.new("RGB", (8, 8), (250, 0, 0)), pillow.new("RGB", (8, 8), (0, 0, 250))
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=[second] * 3)
    made = pillow.open(io.BytesIO(encoding.encode(file.getvalue(), "a")))
    red, _, blue = made.convert("RGB").getpixel((4, 4))
    assert red > 200
    assert blue < 50
