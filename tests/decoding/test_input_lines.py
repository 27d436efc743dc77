import dataclasses
import io

import pytest

from t2t_mm import errors
from t2t_mm.cli import stream
from t2t_mm.decoding import input_lines
from t2t_mm.modality.image import declaration as image


@pytest.fixture
def of_pictures(task):
    return dataclasses.replace(task, inputs={"image": image.Image(size=32)})


def lines(task, text, *, objects=False):
    chunks = input_lines.read(task, io.BytesIO(text), "in.txt", objects=objects)
    return [line for chunk in chunks for line in chunk]


def test_lines_are_texts_and_keep_their_place(task):
    found = lines(task, "\ufeffein Hund\r\n\nzwei \n".encode())
    assert [(line.place, line.given) for line in found] == [
        ("in.txt line 1", "ein Hund"),
        ("in.txt line 2", ""),
        ("in.txt line 3", "zwei "),
    ]


def test_a_line_that_is_not_utf8_is_named(task):
    good, bad, last = lines(task, b"good\nb\xffd\nlast")
    assert (good.given, last.given) == ("good", "last")
    assert (bad.given, bad.shown) == (None, "b\ufffdd")
    assert "in.txt line 2 is not UTF-8" in str(bad.error) and "0xff" in str(bad.error)


@pytest.mark.parametrize(
    ("name", "data"), [("x.png", b"\x89PNG\r\n\x1a\n"), ("x.wav", b"RIFF\x24\0\0\0WAVE")]
)
def test_a_picture_or_sound_in_place_of_a_list_of_them_is_told(of_pictures, tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(errors.DataError) as caught:
        stream.lines(of_pictures, str(path))
    assert f"{path} line 1 is no text" in str(caught.value)
    assert f"echo {path} | mm-decoder ... --input=-" in str(caught.value)


def test_a_folder_in_place_of_a_file_is_told(of_pictures, tmp_path):
    with pytest.raises(errors.DataError, match=r"is a folder, and no file.* the path of a file"):
        stream.lines(of_pictures, str(tmp_path))


@pytest.mark.parametrize("line", [b"[1]", b'{"inputs": 3}', b"{", b"[" * 100_000])
def test_a_line_that_is_no_object_is_named(task, line):
    (line,) = lines(task, line, objects=True)
    assert line.given is None and "in.txt line 1 is not" in str(line.error)
