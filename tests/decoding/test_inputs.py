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


def test_several_inputs_come_as_objects(of_both, picture):
    given = {"image": str(picture), "question": "what\nis it?"}
    ((place, value),) = read(of_both, json.dumps(given).encode(), objects=True)
    request = inputs.request(of_both, value, place)
    assert request.shown == given
    assert request.raw == {"image": picture.read_bytes(), "question": b"what\nis it?"}


def test_objects_serve_one_input_too(task):
    ((_, value),) = read(task, b'{"inputs": "two\\nlines"}\n', objects=True)
    assert inputs.request(task, value, "line 1").raw == {"inputs": b"two\nlines"}


@pytest.mark.parametrize("line", [b"[1]", b'{"inputs": 3}', b"{"])
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
