"""Turns pictures and sounds of a browser into what models take: PNG, JPEG, and 16-bit mono WAV."""

from __future__ import annotations

import io
import pathlib
import warnings
import wave

from t2t_mm import errors

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
"""By Pillow's names: those of generated data. Some of its others run another program."""

MOST_PIXELS = 1 << 26
_ORIENTATION = 0x0112
_FULL_SCALE = 32_768


def picture(path: pathlib.Path) -> bytes:
    """Returns a picture file as PNG, or as it is if it is an upright 8-bit JPEG or PNG.

    Raises:
      DataError: it is no picture, or too large.
    """
    from PIL import Image, ImageOps

    data = path.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels, which are counted here
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                width, height = opened.size
                if width * height > MOST_PIXELS:
                    raise errors.DataError(
                        "The picture has too many pixels",
                        received=f"{width:,} x {height:,}",
                        expected=f"{MOST_PIXELS:,} at most",
                    )
                is_upright = opened.getexif().get(_ORIENTATION, 1) == 1
                if opened.format in ("JPEG", "PNG") and opened.mode in ("L", "RGB") and is_upright:
                    return data
                file = io.BytesIO()
                ImageOps.exif_transpose(opened).convert("RGB").save(file, "PNG")
                return file.getvalue()
    except errors.UserError:
        raise
    except Exception as error:  # a damaged file can make Pillow raise anything
        raise errors.DataError(
            "The file is no picture, or a damaged one",
            received=f"{len(data):,} bytes",
            expected=f"one of {', '.join(FORMATS)}",
        ) from error


def sound(path: pathlib.Path, *, rate: int, longest_s: float | None = None) -> bytes:
    """Returns a sound file as 16-bit mono WAV.

    The channels are averaged, and resampled by soxr with quality "HQ", as for generated data.

    Args:
      path: of a file in any format that libsndfile reads.
      rate: samples a second of the result.
      longest_s: a longer sound is not even read.

    Raises:
      DataError: it is no sound, or too long.
    """
    import numpy as np
    import soundfile
    import soxr

    try:
        seconds = soundfile.info(path).duration
        if longest_s is not None and seconds > longest_s:
            raise errors.DataError(
                "The sound is too long",
                received=f"{seconds:,.1f} s",
                expected=f"{longest_s:g} s at most",
            )
        samples, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise errors.DataError(
            "The file is no sound, or a damaged one",
            received=f"{path.stat().st_size:,} bytes",
            expected="WAV, FLAC, OGG or MP3",
        ) from error
    if not np.isfinite(samples).all():
        raise errors.DataError("The sound has samples that are no finite numbers")
    mono = samples.mean(axis=1)
    if own_rate != rate and len(mono):
        mono = soxr.resample(mono, own_rate, rate, quality="HQ")
    levels = (
        (mono * _FULL_SCALE).round().clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.dtype("<i2"))
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(levels.tobytes())
    return file.getvalue()
