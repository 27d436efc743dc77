"""Pictures and sounds of a browser become what models take."""

import io
import wave

import numpy as np
import pytest
from PIL import Image

from t2t_mm import errors
from t2t_mm.serving.ui import media

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")


def save(path, picture, **how):
    picture.save(path, **how)
    return path


def read_wav(data):
    with wave.open(io.BytesIO(data)) as file:
        form = file.getnchannels(), file.getsampwidth(), file.getframerate()
        return form, np.frombuffer(file.readframes(file.getnframes()), "<i2")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_an_upright_picture_is_kept(tmp_path, form):
    path = save(tmp_path / "x", Image.new("RGB", (4, 3), (200, 10, 10)), format=form)
    assert media.picture(path) == path.read_bytes()


@pytest.mark.parametrize(
    ("mode", "form"), [("RGB", "WEBP"), ("RGBA", "PNG"), ("P", "GIF"), ("CMYK", "JPEG")]
)
def test_other_pictures_become_png(tmp_path, mode, form):
    path = save(tmp_path / "x", Image.new("RGB", (4, 3), (200, 10, 10)).convert(mode), format=form)
    with Image.open(io.BytesIO(media.picture(path))) as made:
        assert (made.format, made.mode, made.size) == ("PNG", "RGB", (4, 3))


def test_a_turned_picture_is_turned_back(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    path = save(tmp_path / "x.jpg", Image.new("RGB", (4, 3)), format="JPEG", exif=exif)
    with Image.open(io.BytesIO(media.picture(path))) as made:
        assert made.size == (3, 4)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_picture_that_is_none(tmp_path, data):
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(errors.DataError, match="The file is no picture"):
        media.picture(tmp_path / "x.png")


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path, monkeypatch):
    path = save(tmp_path / "x", Image.new("RGB", (20, 10)), format="WEBP")
    monkeypatch.setattr(media, "MOST_PIXELS", 199)
    with pytest.raises(errors.DataError, match="20 x 10"):
        media.picture(path)


def test_a_sound_is_resampled_and_mixed(tmp_path):
    """A tone of 1 kHz on the left alone: half as loud in the mean of both channels."""
    time = np.arange(48_000) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)
    soundfile.write(tmp_path / "x.flac", np.stack([tone, 0 * tone], 1), 48_000)
    form, samples = read_wav(media.sound(tmp_path / "x.flac", rate=8_000, longest_s=2))
    assert form == (1, 2, 8_000)
    assert len(samples) == pytest.approx(8_000, abs=2)
    assert np.abs(samples).max() == pytest.approx(0.5 / 2 * 32_768, rel=0.02)
    spectrum = np.abs(np.fft.rfft(samples[:8000]))
    assert spectrum.argmax() == 1000


def test_a_sound_of_the_right_form_keeps_its_samples(tmp_path):
    levels = np.random.default_rng(0).integers(-32_768, 32_768, 800, np.int16)
    soundfile.write(tmp_path / "x.wav", levels, 16_000, subtype="PCM_16")
    assert read_wav(media.sound(tmp_path / "x.wav", rate=16_000))[1].tolist() == levels.tolist()


def test_a_sound_too_long_or_none(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(8_000), 8_000)
    with pytest.raises(errors.DataError, match=r"Received: 1\.0 s\. Expected: 0\.5 s at most"):
        media.sound(tmp_path / "x.wav", rate=8_000, longest_s=0.5)
    (tmp_path / "y.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(errors.DataError, match="The file is no sound"):
        media.sound(tmp_path / "y.wav", rate=8_000)
