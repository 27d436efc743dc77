"""Sounds for people: what is said of them, bars, an envelope, and mm-inspect's views."""

import base64
import io
import json
import types
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import rich.console

from t2t_mm import errors
from t2t_mm.modality import Audio, Categorical
from t2t_mm.modality.audio import view
from t2t_mm.problem import Problem, register_problem
from t2t_mm.reports import histogram, inspect, inspect_html, inspection
from tests.modality.audio.conftest import tone, wav


def swelling(rate=8_000, seconds=1.0):
    """A tone that grows from nothing to its loudest."""
    sound = tone(rate, seconds, level=1.0)
    return sound * np.linspace(0, 0.5, len(sound))


def test_what_a_sound_is():
    about = view.about(wav(tone(16_000, 0.25, level=0.5), 16_000))
    assert (about.rate, about.channels, about.seconds) == (16_000, 1, 0.25)
    assert about.peak == pytest.approx(0.5, abs=1e-3)
    assert about.summary() == "0.25 s, 16,000 Hz, mono, peak -6.0 dB, 8,044 bytes"
    assert "2 channels, peak silent" in view.about(wav(np.zeros((9, 2)), 8_000)).summary()


def test_bars_follow_the_loudness():
    bars = view.level_bars(wav(swelling(), 8_000), columns=24)
    assert len(bars) == 24
    assert list(bars) == sorted(bars)
    assert bars[-1] == "█"
    assert bars[0] in " ▁▂▃"
    halves = np.concatenate([tone(8_000, level=0.5), tone(8_000, level=0.05)])
    assert len(set(view.level_bars(wav(halves, 8_000), columns=2))) == 2
    assert view.level_bars(wav(np.zeros(0), 8_000)) == ""
    assert view.level_bars(wav(np.zeros(5), 8_000)) == "     "


def test_tensorboard_gets_samples_by_channel_and_half_a_minute_at_most():
    shown = []
    board = types.SimpleNamespace(sound=lambda samples, rate: shown.append((samples, rate)))
    stereo = np.stack([np.full(31 * 1_000, 0.5), np.zeros(31 * 1_000)], axis=1)
    Audio().view().to_board(wav(stereo, 1_000), board)
    ((samples, rate),) = shown
    assert (samples.shape, samples.dtype, rate) == ((30_000, 2), np.float32, 1_000)
    np.testing.assert_allclose(samples.mean(axis=0), [0.5, 0.0], atol=1e-3)


def test_the_envelope_is_well_formed():
    root = ET.fromstring(view.svg(wav(swelling(), 8_000), columns=50))
    heights = [float(bar.get("height")) for bar in root]
    assert len(heights) == 50
    assert heights[-1] > 10 * heights[0]


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no sound", wav(tone(8_000), 8_000, bits=8)])
def test_what_is_no_sound_is_an_error(data):
    for look in (view.about, view.seconds):
        with pytest.raises(errors.DataError, match="A sound in the records cannot be read"):
            look(data)


def test_numbers_of_few_places():
    found = histogram.Histogram.of([30, 31, 142, 99], unit="seconds", decimals=2)
    described = found.describe()
    assert (described["min"], described["max"], described["mean"]) == (0.3, 1.42, 0.755)
    assert described["histogram"][0] == {"from": 0.3, "to": 0.4, "count": 2}
    assert found.bins[0].label == "0.30-0.39"
    assert found.summary().startswith("0.30 to 1.42 seconds, mean 0.76, median ")


class Digits(Problem):
    inputs = {"sound": Audio(sample_rate=8_000)}
    targets = Categorical()
    command = "to-class"

    def generate_examples(self, split, files):
        raise NotImplementedError


@pytest.fixture
def found(registries, write_data):
    register_problem("spoken")(Digits)
    examples = [
        {"sound": wav(tone(8_000, 0.3 + i / 10), 8_000), "targets": b"one"} for i in range(5)
    ]
    return inspection.inspect("spoken", write_data("spoken", {"train": examples}, classes=("one",)))


def test_the_answer(found):
    answer = json.loads(json.dumps(found.describe()))
    lengths = answer["lengths"]["sound"]
    assert (lengths["unit"], lengths["min"], lengths["max"]) == ("seconds", 0.3, 0.7)
    first = answer["examples"][0]["sound"]
    assert (first["rate"], first["channels"], first["size_bytes"]) == (8_000, 1, 4_844)
    assert first["seconds"] == pytest.approx(0.3)


def test_the_terminal(found):
    stream = io.StringIO()
    inspect.show(found, console=rich.console.Console(file=stream, width=100))
    text = stream.getvalue()
    assert "sound (audio): 0.30 to 0.70 seconds" in text
    assert "0.30 s, 8,000 Hz, mono" in text
    assert "█" * 30 in text  # the level of a steady tone
    assert "\x1b" not in text


def test_the_page(found):
    page = inspect_html.page(found)
    assert page.count("<audio controls") == 5
    start = page.index("data:audio/wav;base64,") + len("data:audio/wav;base64,")
    data = base64.b64decode(page[start : page.index('"', start)])
    assert data == found.examples[0].values["sound"]
    assert "0.30 s, 8,000 Hz" in page
    assert "http" not in page


def test_a_page_of_few_bytes_has_the_sound_compressed_or_its_summary():
    data = wav(tone(16_000, 4.0), 16_000)  # 128,044 bytes
    shown = Audio().view()
    assert "data:audio/wav" in shown.compact(data, most_bytes=200_000)
    small = shown.compact(data, most_bytes=60_000)
    assert "data:audio/mpeg;base64," in small and len(small) < 60_000
    assert 'aria-label="4.00 s, 16,000 Hz' in small
    assert "<audio" not in shown.compact(data, most_bytes=500)
