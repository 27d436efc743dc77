"""What Audio declares, and that it says so without TensorFlow."""

import pytest

from t2t_mm import errors
from t2t_mm.modality import Audio, from_description


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sample_rate": 16_001}, r"Audio\.sample_rate .*16001.*8000, 11025"),
        ({"representation": "cepstral"}, "spectral, waveform"),
        ({"bands": 2}, "8 to 256"),
        (
            {"min_seconds": 2.0, "max_seconds": 1.0},
            r"min_seconds .* 2\.0\. .*less than max_seconds",
        ),
        ({"max_seconds": float("inf")}, "Audio.max_seconds .* above 0"),
        ({"representation": "waveform", "spec_augment": True}, "a waveform has none"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(errors.ConfigError, match=message):
        Audio(**wrong)


def test_a_description_gives_the_declaration_back():
    declared = Audio(sample_rate=8_000, bands=40, spec_augment=True, max_seconds=3.5)
    assert from_description(declared.describe()) == declared


def test_a_net_is_shared_by_sounds_that_mean_the_same():
    name = Audio().net_name("a")
    assert Audio(max_seconds=3.0, spec_augment=True).net_name("b") == name
    others = [Audio(sample_rate=8_000), Audio(bands=40), Audio(representation="waveform")]
    assert len({name, *(other.net_name("a") for other in others)}) == 4


def test_positions():
    assert (Audio().cells_a_position, Audio().cells_a_second) == (8, 100)  # frames of 10 ms
    wave = Audio(representation="waveform", sample_rate=8_000)
    assert (wave.cells_a_position, wave.cells_a_second) == (512, 8_000)


def test_it_is_an_input_only():
    assert Audio.can_be_input
    assert not Audio.can_be_target


def test_encoding_takes_no_tensorflow(python):
    code = (
        "import sys, numpy\n"
        "from t2t_mm.modality import Audio\n"
        "assert not {'soundfile', 'soxr', 'tensorflow'} & set(sys.modules)\n"
        "Audio().encode((numpy.sin(numpy.arange(8000.0)), 8000))\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
