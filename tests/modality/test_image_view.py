"""Pictures for people."""

import io
import types

import numpy as np
from PIL import Image as pillow

from t2t_mm.modality import Image
from t2t_mm.modality.image import view


def test_half_blocks_show_two_pixels_a_cell():
    pixels = np.array([[[255, 0, 0]], [[0, 0, 255]], [[0, 255, 0]]], np.uint8)
    data = io.BytesIO()
    pillow.fromarray(pixels).save(data, "PNG")
    blocks = view.half_blocks(data.getvalue())
    assert blocks.plain == "▀\n▀"
    styles = [span.style for span in blocks.spans]
    assert tuple(styles[0].color.triplet) == (255, 0, 0)
    assert tuple(styles[0].bgcolor.triplet) == (0, 0, 255)
    assert tuple(styles[1].color.triplet) == (0, 255, 0)
    assert styles[1].bgcolor is None


def test_a_picture_fits_the_columns_that_there_are():
    data = io.BytesIO()
    pillow.new("RGB", (100, 50)).save(data, "PNG")
    shown = Image().view()
    lines = shown.drawing(data.getvalue(), columns=20, colour=True).split()
    assert [len(line) for line in lines] == [20] * 5  # 100 x 50 to 20 x 10, two rows a line
    assert shown.drawing(data.getvalue(), columns=20, colour=False) is None


def test_tensorboard_gets_a_small_picture_the_right_way_up():
    data = io.BytesIO()
    turned = pillow.Exif()
    turned[0x0112] = 6  # the orientation: to be turned by 90 degrees
    pillow.new("L", (1000, 500), 255).save(data, "JPEG", exif=turned)
    shown = []
    board = types.SimpleNamespace(picture=shown.append)
    Image().view().to_board(data.getvalue(), board)
    (pixels,) = shown
    assert (pixels.shape, pixels.dtype) == ((256, 128, 3), np.uint8)
    assert pixels.min() > 250


def test_a_page_of_few_bytes_has_a_smaller_picture():
    noise = np.random.default_rng(0).integers(0, 255, [600, 800, 3], np.uint8)
    data = io.BytesIO()
    pillow.fromarray(noise).save(data, "PNG")
    shown = Image().view()
    for most in (150_000, 30_000):
        small = shown.compact(data.getvalue(), most_bytes=most)
        assert len(small) < most + 300
        assert 'src="data:image/jpeg;base64,' in small and "800 x 600" in small
    assert "<img" not in shown.compact(data.getvalue(), most_bytes=1_000)
    tiny = io.BytesIO()
    pillow.new("L", (4, 4)).save(tiny, "PNG")
    whole = shown.compact(tiny.getvalue(), most_bytes=10_000)
    assert whole == shown.page(tiny.getvalue()) and 'alt="PNG, grey, 4 x 4' in whole
