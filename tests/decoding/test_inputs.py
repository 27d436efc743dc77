import dataclasses
import io
import json

import pytest
from PIL import Image

from t2t_mm import errors
from t2t_mm.decoding import inputs
from t2t_mm.modality.image import declaration as image
from t2t_mm.modality.language import declaration as language


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "dot.png"
    Image.new("RGB", (4, 4)).save(path)
    return path


@pytest.fixture
def of_pictures(task):
    return dataclasses.replace(task, inputs={"image": image.Image(size=32)})


@pytest.fixture
def of_both(task):
    both = {"image": image.Image(size=32), "question": language.Language(vocab="letters")}
    return dataclasses.replace(task, inputs=both)


def read(task, text, *, objects=False):
    return list(inputs.read(task, io.BytesIO(text), "in.txt", objects=objects))


def test_lines_are_texts_and_keep_their_place(task):
    found = read(task, "\ufeffein Hund\r\n\nzwei \n".encode())
    assert found == [
        ("in.txt line 1", "ein Hund"),
        ("in.txt line 2", ""),
        ("in.txt line 3", "zwei "),
    ]
    requests = [inputs.request(task, value, place) for place, value in found]
    raw = [request.raw for request in requests]
    assert raw == [{"inputs": b"ein Hund"}, None, {"inputs": b"zwei "}]
    assert [request.shown for request in requests] == ["ein Hund", "", "zwei "]


def test_a_line_that_is_not_utf8_is_named(task):
    with pytest.raises(errors.DataError, match=r"in.txt line 2 is not UTF-8.*0xff"):
        read(task, b"good\nb\xffd\n")


def test_lines_of_pictures_are_paths(of_pictures, picture):
    request = inputs.request(of_pictures, str(picture), "line 1")
    assert request == inputs.Request(str(picture), {"image": picture.read_bytes()})
    assert inputs.request(of_pictures, picture.read_bytes(), "Input 0").raw == request.raw


def test_a_picture_that_is_missing_or_damaged_is_named(of_pictures, picture, tmp_path):
    with pytest.raises(errors.DataError, match=r"in.txt line 3: there is no file .*nowhere.png"):
        inputs.request(of_pictures, str(tmp_path / "nowhere.png"), "in.txt line 3")
    picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises(errors.DataError, match=r"in.txt line 4: .*is not a picture: .*dot.png"):
        inputs.request(of_pictures, str(picture), "in.txt line 4")


@pytest.mark.parametrize(
    ("name", "data"), [("x.png", b"\x89PNG\r\n\x1a\n"), ("x.wav", b"RIFF\x24\0\0\0WAVE")]
)
def test_a_picture_or_sound_in_place_of_a_list_of_them_is_told(of_pictures, tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(errors.DataError) as caught:
        inputs.read_file(of_pictures, str(path))
    assert f"{path} line 1 is no text" in str(caught.value)
    assert f"echo {path} | mm-decoder ... --input=-" in str(caught.value)


def test_a_folder_in_place_of_a_file_is_told(of_pictures, tmp_path):
    with pytest.raises(errors.DataError, match=r"is a folder, and no file.* the path of a file"):
        inputs.read_file(of_pictures, str(tmp_path))


def test_what_can_be_known_at_once_is_checked_before_the_work(of_both, picture, tmp_path):
    good = {"image": str(picture), "question": "what?"}
    inputs.check(of_both, good, "line 1")
    inputs.check(of_both, "", "line 2")
    picture.write_bytes(b"damaged")  # shows when it is decoded
    inputs.check(of_both, good, "line 1")
    with pytest.raises(errors.DataError, match=r"line 3: there is no file .*nowhere.png"):
        inputs.check(of_both, {**good, "image": str(tmp_path / "nowhere.png")}, "line 3")
    with pytest.raises(errors.DataError, match="line 4: no look at a+"):
        inputs.check(of_both, {**good, "image": "a" * 5_000}, "line 4")
    with pytest.raises(errors.BadExampleError, match=r"line 5: .*control character"):
        inputs.check(of_both, {**good, "question": "\x1b"}, "line 5")
    with pytest.raises(errors.ConfigError, match="line 6 does not have the inputs"):
        inputs.check(of_both, {"question": "what?"}, "line 6")


def test_a_file_that_may_not_be_read_is_told_before_the_work(of_pictures, picture, monkeypatch):
    monkeypatch.setattr(inputs.os, "access", lambda path, mode: False)  # tests may run as root
    with pytest.raises(errors.DataError, match=r"line 1: no permission to read .*dot.png"):
        inputs.check(of_pictures, str(picture), "line 1")


def test_several_inputs_come_as_objects(of_both, picture):
    given = {"image": str(picture), "question": "what\nis it?"}
    ((place, value),) = read(of_both, json.dumps(given).encode(), objects=True)
    request = inputs.request(of_both, value, place)
    assert request.shown == given
    assert request.raw == {"image": picture.read_bytes(), "question": b"what\nis it?"}


def test_objects_serve_one_input_too(task):
    ((_, value),) = read(task, b'{"inputs": "two\\nlines"}\n', objects=True)
    assert inputs.request(task, value, "line 1").raw == {"inputs": b"two\nlines"}


@pytest.mark.parametrize("line", [b"[1]", b'{"inputs": 3}', b"{", b"[" * 100_000])
def test_a_line_that_is_no_object_is_named(task, line):
    with pytest.raises(errors.DataError, match=r"in\.txt line 1 is not"):
        read(task, line, objects=True)


def test_to_a_language_model_the_beginnings_of_texts_are_given(task):
    lm = dataclasses.replace(task, inputs={})
    found = [inputs.request(lm, value, place) for place, value in read(lm, b"A dog\n\n")]
    assert [request.raw for request in found] == [{"prefix": b"A dog"}, {"prefix": b""}]
    assert [request.shown for request in found] == ["A dog", ""]
    objects = read(lm, b'{"prefix": "A dog"}\n{}\n', objects=True)
    assert [inputs.request(lm, value, place).raw for place, value in objects] == [
        {"prefix": b"A dog"},
        {"prefix": b""},
    ]
    with pytest.raises(errors.ConfigError, match="Did you mean 'prefix'"):
        inputs.request(lm, {"prefx": "A"}, "line 1")


def test_names_that_are_no_inputs_are_refused_with_a_suggestion(of_both):
    with pytest.raises(errors.ConfigError, match="Did you mean 'question'"):
        inputs.request(of_both, {"image": "a.png", "questoin": "?"}, "line 1")
    with pytest.raises(errors.ConfigError, match="does not have the inputs"):
        inputs.request(of_both, {"image": "a.png"}, "line 1")


def test_one_value_for_several_inputs_is_refused(of_both):
    with pytest.raises(errors.ConfigError, match="several inputs"):
        inputs.request(of_both, "a.png", "line 1")


def test_a_text_in_place_of_a_list_is_refused(task):
    with pytest.raises(errors.ConfigError, match="takes a list"):
        list(inputs.requests(task, "a text"))
