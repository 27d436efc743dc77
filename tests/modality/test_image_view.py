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
