"""Limits of memory that the environment may raise."""

import gzip
import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from t2t_mm import errors
from t2t_mm.corpus import raw
from t2t_mm.files import limits
from t2t_mm.modality import Audio
from t2t_mm.modality import Image as Picture

NAME = "T2T_MM_MAX_THINGS"


def test_the_environment_has_the_last_word(monkeypatch):
    monkeypatch.delenv(NAME, raising=False)
    assert limits.most(NAME, 5, "things") == 5
    monkeypatch.setenv(NAME, " 1000000 ")
    assert limits.most(NAME, 5, "things") == 1_000_000


@pytest.mark.parametrize("text", ["0", "-1", "1e6", "many", "1.5"])
def test_what_is_no_limit_is_an_error(monkeypatch, text):
    monkeypatch.setenv(NAME, text)
    with pytest.raises(errors.ConfigError, match=f"{NAME} is no number of things.*1 or more"):
        limits.most(NAME, 5, "things")


def test_a_line_that_fills_the_memory_is_refused_and_may_be_allowed(tmp_path, monkeypatch):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"x" * (1 << 24) + b"\n"))
    files = raw.RawFiles(tmp_path)
    with pytest.raises(errors.DataError, match="16,777,216 bytes.*T2T_MM_MAX_LINE_BYTES"):
        list(files.lines("a.txt"))
    monkeypatch.setenv("T2T_MM_MAX_LINE_BYTES", str(1 << 25))
    assert [len(line) for line in files.lines("a.txt")] == [1 << 24]


def test_json_of_one_long_line_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("T2T_MM_MAX_LINE_BYTES", "10")
    (tmp_path / "a.json").write_text('{"text": "longer than ten bytes"}')
    assert raw.RawFiles(tmp_path).json("a.json") == {"text": "longer than ten bytes"}


def test_json_of_many_lines_is_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setenv("T2T_MM_MAX_FILE_BYTES", "100")
    (tmp_path / "a.json").write_text("[\n" + "1,\n" * 60 + "1]")
    with pytest.raises(errors.DataError, match="a.json is too large.*more than 100 characters"):
        raw.RawFiles(tmp_path).json("a.json")


def test_a_picture_is_refused_by_its_head_and_may_be_allowed(monkeypatch):
    """180 million pixels are over the limit of Pillow too, which has no word in it."""
    data = io.BytesIO()
    Image.new("1", (18_000, 20_000)).save(data, "PNG")
    monkeypatch.setenv("T2T_MM_MAX_PIXELS", "359999999")
    with pytest.raises(errors.BadExampleError, match="18,000 x 20,000.*T2T_MM_MAX_PIXELS"):
        Picture().encode(data.getvalue())


def test_a_sound_of_many_channels_is_refused_by_its_head_and_may_be_allowed(monkeypatch):
    data = io.BytesIO()
    soundfile.write(data, np.zeros((48_000, 8), np.float32), 48_000, format="FLAC")
    sound = data.getvalue()
    monkeypatch.setenv("T2T_MM_MAX_SAMPLES", "383999")
    with pytest.raises(errors.BadExampleError, match="384,000 of all.*T2T_MM_MAX_SAMPLES"):
        Audio().encode(sound)
    monkeypatch.setenv("T2T_MM_MAX_SAMPLES", "384000")
    with pytest.raises(errors.BadExampleError, match="silent"):
        Audio().encode(sound)
