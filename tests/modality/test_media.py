"""Formats that are not read are named, with a way to convert them."""

import pytest

from t2t_mm import errors
from t2t_mm.modality import Audio, Image, media

M4A = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0" + b"\0" * 200
AVIF = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf" + b"\0" * 200
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200
WITHIN = b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif" + b"\0" * 200  # the brand of a family first


@pytest.mark.parametrize(
    ("data", "name"),
    [(AVIF, "AVIF"), (HEIC, "HEIC"), (WITHIN, "AVIF"), (M4A, "MPEG-4"), (b"#!AMR\n", "AMR")]
    + [(b"\xff\xf1\x50", "AAC"), (b"\x89PNG", "None"), (b"", "None"), (b"<!DOCTYPE", "None")],
)
def test_a_format_is_known_by_its_head(data, name):
    assert str(media.foreign(data)).startswith(name)


@pytest.mark.parametrize(("data", "name"), [(AVIF, "AVIF"), (HEIC, "HEIC")])
def test_a_picture_of_another_format_says_how_to_convert_it(tmp_path, data, name):
    path = tmp_path / "photo.heic"
    path.write_bytes(data)
    with pytest.raises(errors.BadExampleError, match=rf"It is {name}. Convert it: magick .*photo"):
        Image().encode(path)


@pytest.mark.parametrize(("data", "name"), [(M4A, "MPEG-4"), (b"#!AMR\n" + b"\0" * 99, "AMR")])
def test_a_sound_of_another_format_says_how_to_convert_it(tmp_path, data, name):
    pytest.importorskip("soundfile")
    path = tmp_path / "voice.m4a"
    path.write_bytes(data)
    with pytest.raises(errors.BadExampleError, match=rf"It is {name}.*ffmpeg -i .*voice.m4a"):
        Audio().encode(path)
