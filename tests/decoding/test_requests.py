import dataclasses
import errno
import io
import json
import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from t2t_mm import errors
from t2t_mm.decoding import input_lines
from t2t_mm.decoding import requests as requests_lib
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


def lines(task, text, *, objects=False):
    chunks = input_lines.read(task, io.BytesIO(text), "in.txt", objects=objects)
    return [line for chunk in chunks for line in chunk]


def read(task, text, *, objects=False):
    """Places and inputs; raises for the first line that is wrong."""
    found = lines(task, text, objects=objects)
    for line in found:
        if line.error is not None:
            raise line.error
    return [(line.place, line.given) for line in found]


def test_texts_keep_their_place(task):
    found = read(task, b"ein Hund\n\nzwei \n")
    requests = [requests_lib.request(task, value, place) for place, value in found]
    raw = [request.raw for request in requests]
    assert raw == [{"inputs": b"ein Hund"}, None, {"inputs": b"zwei "}]
    assert [request.shown for request in requests] == ["ein Hund", "", "zwei "]


def test_lines_of_pictures_are_paths(of_pictures, picture):
    request = requests_lib.request(of_pictures, str(picture), "line 1")
    assert request == requests_lib.Request(str(picture), {"image": picture.read_bytes()})
    assert requests_lib.request(of_pictures, picture.read_bytes(), "Input 0").raw == request.raw


def test_a_picture_that_is_missing_or_damaged_is_named(of_pictures, picture, tmp_path):
    with pytest.raises(errors.DataError, match=r"in.txt line 3: there is no file .*nowhere.png"):
        requests_lib.request(of_pictures, str(tmp_path / "nowhere.png"), "in.txt line 3")
    picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises(errors.DataError, match=r"in.txt line 4: .*is not a picture: .*dot.png"):
        requests_lib.request(of_pictures, str(picture), "in.txt line 4")


def test_what_can_be_known_at_once_is_checked_before_the_work(of_both, picture, tmp_path):
    good = {"image": str(picture), "question": "what?"}
    requests_lib.check(of_both, good, "line 1")
    requests_lib.check(of_both, "", "line 2")
    picture.write_bytes(b"damaged")  # shows when it is decoded
    requests_lib.check(of_both, good, "line 1")
    with pytest.raises(errors.DataError, match=r"line 3: there is no file .*nowhere.png"):
        requests_lib.check(of_both, {**good, "image": str(tmp_path / "nowhere.png")}, "line 3")
    with pytest.raises(errors.DataError, match="line 4: no look at a+"):
        requests_lib.check(of_both, {**good, "image": "a" * 5_000}, "line 4")
    with pytest.raises(errors.BadExampleError, match=r"line 5: .*control character"):
        requests_lib.check(of_both, {**good, "question": "\x1b"}, "line 5")
    with pytest.raises(errors.ConfigError, match="line 6 does not have the inputs"):
        requests_lib.check(of_both, {"question": "what?"}, "line 6")


@pytest.mark.parametrize("method", ["read_bytes", "is_file"])
def test_what_the_machine_hinders_ends_the_work(of_pictures, picture, monkeypatch, method):
    def refuse(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(pathlib.Path, method, refuse)
    (line,) = lines(of_pictures, str(picture).encode())
    with pytest.raises(errors.MachineError, match=os.strerror(errno.EIO)):
        requests_lib.request_or_error(of_pictures, line)


def test_a_file_that_may_not_be_read_is_told_before_the_work(of_pictures, picture, monkeypatch):
    monkeypatch.setattr(
        requests_lib.os, "access", lambda path, mode: False
    )  # tests may run as root
    with pytest.raises(errors.DataError, match=r"line 1: no permission to read .*dot.png"):
        requests_lib.check(of_pictures, str(picture), "line 1")


def test_several_inputs_come_as_objects(of_both, picture):
    given = {"image": str(picture), "question": "what\nis it?"}
    ((place, value),) = read(of_both, json.dumps(given).encode(), objects=True)
    request = requests_lib.request(of_both, value, place)
    assert request.shown == given
    assert request.raw == {"image": picture.read_bytes(), "question": b"what\nis it?"}


def test_objects_serve_one_input_too(task):
    ((_, value),) = read(task, b'{"inputs": "two\\nlines"}\n', objects=True)
    assert requests_lib.request(task, value, "line 1").raw == {"inputs": b"two\nlines"}


def test_to_a_language_model_the_beginnings_of_texts_are_given(task):
    lm = dataclasses.replace(task, inputs={})
    found = [requests_lib.request(lm, value, place) for place, value in read(lm, b"A dog\n\n")]
    assert [request.raw for request in found] == [{"prefix": b"A dog"}, {"prefix": b""}]
    assert [request.shown for request in found] == ["A dog", ""]
    objects = read(lm, b'{"prefix": "A dog"}\n{}\n', objects=True)
    assert [requests_lib.request(lm, value, place).raw for place, value in objects] == [
        {"prefix": b"A dog"},
        {"prefix": b""},
    ]
    with pytest.raises(errors.ConfigError, match="Did you mean 'prefix'"):
        requests_lib.request(lm, {"prefx": "A"}, "line 1")


def test_names_that_are_no_inputs_are_refused_with_a_suggestion(of_both):
    with pytest.raises(errors.ConfigError, match="Did you mean 'question'"):
        requests_lib.request(of_both, {"image": "a.png", "questoin": "?"}, "line 1")
    with pytest.raises(errors.ConfigError, match="does not have the inputs"):
        requests_lib.request(of_both, {"image": "a.png"}, "line 1")


def test_one_value_for_several_inputs_is_refused(of_both):
    with pytest.raises(errors.ConfigError, match="several inputs"):
        requests_lib.request(of_both, "a.png", "line 1")


@pytest.mark.parametrize(
    "one",
    [
        "a text",
        pathlib.Path("a.png"),
        {"inputs": "a text"},
        np.zeros((4, 4, 3), np.uint8),
        Image.new("RGB", (4, 4)),
        (np.zeros(16_000), 16_000),
    ],
    ids=lambda one: type(one).__name__,
)
def test_one_input_in_place_of_a_list_is_refused(task, one):
    with pytest.raises(errors.ConfigError, match="takes a list"):
        list(requests_lib.requests(task, one))


def test_a_batch_of_pictures_is_a_list(of_pictures):
    found = list(requests_lib.requests(of_pictures, np.zeros((2, 4, 4, 3), np.uint8)))
    assert [request.shown for request in found] == ["(uint8 [4, 4, 3])"] * 2


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", "\u3000"])
def test_an_empty_text_is_the_same_by_every_door(task, of_both, picture, blank):
    """A line, an object and Python: nothing is decoded, and the place is kept."""
    line, object_ = (
        requests_lib.request_or_error(task, one)
        for text, objects in ((blank, False), (json.dumps({"inputs": blank}), True))
        for one in lines(task, text.encode() + b"\n", objects=objects)
    )
    assert (line.raw, line.error) == (object_.raw, object_.error) == (None, None)
    with pytest.raises(errors.BadExampleError, match="the input 'question' is empty"):
        requests_lib.request(of_both, {"image": str(picture), "question": blank}, "line 1")


def test_a_request_holds_the_error_of_a_line_that_cannot_be_used(of_pictures, picture, tmp_path):
    text = f"{picture}\n{tmp_path}/nowhere.png\n\n".encode()
    good, bad, empty = (
        requests_lib.request_or_error(of_pictures, x) for x in lines(of_pictures, text)
    )
    assert good.raw and good.error is None
    assert (bad.shown, bad.raw) == (f"{tmp_path}/nowhere.png", None)
    assert "line 2: there is no file" in str(bad.error)
    assert (empty.raw, empty.error) == (None, None)
    for line in (b'{"imgae": "a.png"}\n', b"[1]\n", b"{\n"):
        (found,) = lines(of_pictures, line, objects=True)
        assert requests_lib.request_or_error(of_pictures, found).error is not None


def test_a_package_that_is_missing_is_no_fault_of_an_input(of_pictures, picture, monkeypatch):
    def refuse(*_):
        raise errors.ConfigError("Sounds need the package soundfile")

    monkeypatch.setattr(image.Image, "encode", refuse)
    (line,) = lines(of_pictures, f"{picture}\n".encode())
    with pytest.raises(errors.ConfigError, match="need the package"):
        requests_lib.request_or_error(of_pictures, line)
