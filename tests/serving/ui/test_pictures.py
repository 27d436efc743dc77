"""Attention and experts are drawn to scale, and nothing in them is HTML of others."""

import io
import re

import numpy as np
from PIL import Image

from t2t_mm.serving.ui import declarations, pictures

TEXT = declarations.Input("inputs", "text")


def test_cells_tell_their_weights():
    # Weights below a fiftieth of the greatest are left out.
    weights = np.array([[0.75, 0.25, 0.0], [0.005, 0.995, 0.0]])
    drawn = pictures.matrix(weights, ["Hund", "."], ["the", "dog", "<b>"])
    assert re.findall(r"<title>(.*?)</title>", drawn) == [
        "Hund, the: 0.750",
        "Hund, dog: 0.250",
        "., dog: 0.995",
    ]
    assert "fill-opacity='0.75'" in drawn  # 0.75 / 0.995
    assert "<b>" not in drawn
    assert "Darkest: 0.99" in drawn or "Darkest: 1.00" in drawn


def test_a_large_matrix_is_cut():
    drawn = pictures.matrix(np.ones([500, 500]), ["t"] * 500, ["s"] * 500)
    assert f"The first {pictures.MOST_ROWS} x {pictures.MOST_COLUMNS} of 500 x 500" in drawn


def test_nothing_to_draw():
    assert pictures.matrix(np.zeros([0, 0]), [], []).startswith("<div")
    assert pictures.explanation({}, [TEXT], {}) == ""


def test_padding_is_not_drawn():
    outputs = {
        "tokens": np.array([[b"Hund", b"", b""]], object),
        "source_tokens": np.array([[b"a", b"dog", b""]], object),
        "origins": np.array([[[0, 0], [0, 1], [-1, -1]]]),
        "attention": np.array([[[0.4, 0.6, 0], [0, 0, 0], [0, 0, 0]]]),
        "experts": np.array([[[0.5, 0.5, 0], [0, 0, 0], [0, 0, 0]]]),
    }
    drawn = pictures.explanation(outputs, [TEXT], {})
    titles = re.findall(r"<title>(.*?)</title>", drawn)
    assert titles == [
        "Hund, a: 0.400",
        "Hund, dog: 0.600",
        "expert 1, Hund: 0.500",
        "expert 2, Hund: 0.500",
    ]


def test_attention_to_a_picture_is_drawn_on_it():
    file = io.BytesIO()
    Image.new("RGB", (64, 32), (0, 0, 255)).save(file, "PNG")
    outputs = {
        "tokens": np.array([[b"sky"]], object),
        "origins": np.array([[[0, i] for i in range(4)]]),
        "attention": np.array([[[0.1, 0.2, 0.3, 0.4]]]),
    }
    one = declarations.Input("image", "picture")
    drawn = pictures.explanation(outputs, [one], {"image": file.getvalue()})
    veils = re.findall(r"<rect x='(\d)' y='(\d)' .*?fill-opacity='([\d.]+)'", drawn)
    # Of the strongest nothing is hidden: 0.8 (1 - weight / 0.4).
    assert veils == [
        ("0", "0", "0.60"),
        ("1", "0", "0.40"),
        ("0", "1", "0.20"),
        ("1", "1", "0.00"),
    ]
    assert "data:image/jpeg;base64," in drawn


def test_experts_of_a_picture_are_drawn_on_it():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    gates = np.array([[[1.0, 0, 0], [0, 0, 1.0], [1.0, 0, 0], [0.5, 0, 0.5]]])
    outputs = {"origins": np.array([[[0, i] for i in range(4)]]), "source_experts": gates}
    one = declarations.Input("image", "picture")
    drawn = pictures.explanation(outputs, [one], {"image": file.getvalue()})
    assert re.findall("<figcaption>(.*?)</figcaption>", drawn) == ["expert 1", "expert 3"]


def test_bytes_of_a_vocabulary_are_read():
    assert [pictures._piece(t) for t in (b"<0x53>", b"<0x0A>", b"<0xC3>", b"</s>")] == [
        "S",
        "<0x0A>",
        "<0xC3>",
        "</s>",
    ]


def test_a_sound_is_told_by_seconds():
    outputs = {
        "tokens": np.array([[b"two"]], object),
        "origins": np.array([[[0, 0], [0, 1]]]),
        "attention": np.array([[[0.5, 0.5]]]),
    }
    one = declarations.Input("audio", "sound", {"sample_rate": 8000})
    wav = bytes(44 + 2 * 8000)  # one second
    drawn = pictures.explanation(outputs, [one], {"audio": wav})
    assert re.findall(r"<title>(.*?)</title>", drawn) == [
        "two, 0.00 s: 0.500",
        "two, 0.50 s: 0.500",
    ]
