"""Media that are not what they should be: one line and exit code 2, or a counted skip."""

import io
import json

import numpy as np
import pytest
from PIL import Image as pillow

from t2t_mm import testing
from t2t_mm.bin import datagen
from t2t_mm.data import manifest
from tests.modality.audio.conftest import sound_file, voice, wav

RATE = 8_000
GOOD = wav(voice(RATE, 0.2), RATE)
NAN = np.where(np.arange(1_600) == 7, np.nan, voice(RATE, 0.2)).astype(np.float32)

SOUNDS = {
    "cut short": (GOOD[:-100], "A sound is cut short"),
    "empty file": (b"", "A sound does not decode"),
    "no sound": (b"<html>404</html>" * 9, "A sound does not decode"),
    "silent": (wav(np.zeros(1_600, np.int16), RATE), "A sound is silent"),
    "an hour": (wav(np.zeros(RATE * 3_600, np.int8), RATE, bits=8), "A sound is too long"),
    "a click": (wav(voice(RATE, 0.01), RATE), "A sound is too short"),
    "a rate that nothing has": (wav(voice(RATE, 0.2), 1), "A sound claims a rate"),
    "no numbers": (sound_file(NAN, RATE, "WAV", "FLOAT"), "A sound has samples that are no finite"),
}


@pytest.fixture
def run(tmp_path, capsys):
    """Runs mm-datagen on raw files; returns exit code, answer and what was said."""

    def call(problem, files, *flags):
        testing.write_files(tmp_path / "raw", files)
        flags = (
            f"--data_dir={tmp_path / 'data'}",
            f"--manual_dir={tmp_path / 'raw'}",
            f"--problem={problem}",
            "--workers=1",
            "--json",
            *flags,
        )
        code = datagen.main(flags)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, json.loads(out) if out else None, err.strip().splitlines()

    return call


def recordings(bad):
    names = (f"{digit}_ann_{index}" for digit in "07" for index in (0, 5, 10, 11))
    good = {f"fsdd/recordings/{name}.wav": GOOD for name in names}
    return good | {"fsdd/recordings/7_ann_11.wav": bad}


@pytest.mark.parametrize("kind", SOUNDS)
def test_a_bad_sound_is_one_line_or_a_counted_skip(run, tmp_path, kind):
    bad, words = SOUNDS[kind]
    code, answer, said = run("fsdd", recordings(bad))
    assert (code, answer) == (2, None)
    assert said[-1].startswith(
        "mm-datagen: The example 'train/7_ann_11' of fsdd, split train, is bad: audio: " + words
    )
    assert str(tmp_path / "raw" / "fsdd" / "recordings" / "7_ann_11.wav") in said[-1]
    assert not (tmp_path / "data" / "fsdd").exists()

    code, answer, _ = run("fsdd", {}, "--max_bad_examples=1")
    assert code == 0
    assert answer["problems"]["fsdd"]["splits"]["train"]["examples"] == 3
    (reason,) = manifest.Manifest.load(tmp_path / "data", "fsdd", "1.0.0").details["skipped"]
    assert reason.startswith(f"audio: {words}")


def picture(size, mode="RGB", kind="PNG"):
    file = io.BytesIO()
    pillow.new(mode, size, 7).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    "odd",
    [
        picture((8, 8), "CMYK", "JPEG"),
        picture((8, 8), "L"),
        picture((8, 8), "I;16"),
        picture((1, 1)),
        picture((20_000, 2)),
    ],
)
def test_an_odd_picture_is_a_record_like_any(run, tmp_path, odd):
    raw = [f"imagenet/{split}/n0000000{n}/{n}.JPEG" for split in ("train", "val") for n in (1, 2)]
    code, answer, _ = run("imagenet", dict.fromkeys(raw, picture((8, 8))) | {raw[0]: odd})
    assert code == 0
    assert answer["problems"]["imagenet"]["splits"]["train"]["examples"] == 2


def test_a_tar_that_tries_to_leave_its_folder_is_one_line(run, tmp_path):
    tar = testing.tar({"n00000001_1.JPEG": picture((8, 8)), "../evil.JPEG": picture((8, 8))})
    code, answer, said = run(
        "imagenet", {"imagenet/train/n00000001.tar": tar, "imagenet/val/n00000001/1.JPEG": b""}
    )
    assert (code, answer) == (2, None)
    assert "holds a member that would leave the folder" in said[-1]
    assert "the name '../evil.JPEG'" in said[-1]
    assert not list(tmp_path.rglob("evil*"))
