import struct

import numpy as np
import pytest

from t2t_mm.modality.audio import headers
from tests.modality.audio.conftest import sound_file

SAMPLES = np.full(100, 0.5, np.float32)


def sound(kind):
    return sound_file(SAMPLES, 16_000, kind, "VORBIS" if kind == "OGG" else "PCM_16")


def test_the_rate_is_that_of_a_wav_file():
    assert headers.claimed_rate(sound("WAV")) == 16_000
    assert headers.claimed_rate(sound("FLAC")) is None


@pytest.mark.parametrize("kind", ["WAV", "NIST", "OGG", "FLAC"])
def test_of_a_whole_file_nothing_is_missing(kind):
    assert headers.missing_part(sound(kind)) is None


@pytest.mark.parametrize("kind", ["WAV", "NIST"])
def test_what_a_truncated_file_lacks_is_counted(kind):
    """100 samples of 2 bytes, of which the last 50 are cut off."""
    assert headers.missing_part(sound(kind)[:-50]) == "150 of 200 bytes of samples"


def test_an_ogg_stream_ends_with_a_whole_page():
    assert "last page is cut" in headers.missing_part(sound("OGG")[:-1])


def test_fields_of_a_sphere_header_are_words_by_name():
    fields = headers.sphere_fields(sound("NIST"))
    assert (fields["head_bytes"], fields["sample_rate"]) == ("1024", "16000")
    assert (fields["sample_count"], fields["sample_n_bytes"]) == ("100", "2")
    assert headers.sphere_fields(sound("WAV")) == {}


def test_an_mp3_begins_after_its_tag():
    """A size of 4 times 7 bits: 1 * 128 + 2, after 10 bytes of head."""
    assert headers.mpeg_start(b"ID3" + bytes(3) + bytes([0, 0, 1, 2]) + b"...") == 10 + 130
    assert headers.mpeg_start(b"\xff\xf3") == 0


def test_a_length_of_0_is_replaced_where_samples_follow():
    data = sound("WAV")
    place = data.index(b"data") + 4
    unknown = data[:place] + bytes(4) + data[place + 4 :]
    assert headers.with_size(unknown) == data[:place] + struct.pack("<I", 200) + data[place + 4 :]
    assert headers.with_size(data) == data
