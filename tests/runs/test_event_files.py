"""What TensorBoard reads: once each, and gone when the run has gone back."""

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import summary_v2

from t2t_mm.runs import event_files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run [1]" / "tensorboard"  # a name that TensorFlow takes for a pattern


def read(folder, split):
    """Returns the steps at which each tag was written, sorted, by tag."""
    accumulator = event_accumulator.EventAccumulator(
        str(folder / split), size_guidance={event_accumulator.TENSORS: 0}
    )
    accumulator.Reload()
    tags = accumulator.Tags()["tensors"]
    return {tag: sorted(event.step for event in accumulator.Tensors(tag)) for tag in tags}


def fill(events, steps):
    for step in steps:
        events.numbers(step, "train", {"loss": 1.0 / step, "load": [1.0, 2.0], "signature": "x"})


def test_what_went_too_far_is_dropped_and_written_once(folder):
    first = event_files.EventFiles(folder)
    fill(first, [1, 2, 3, 4])
    first.text(3, "validation", "wmt_ende/samples", "a | b")
    first.close()
    (path,) = (folder / "train").iterdir()
    with path.open("ab") as file:
        file.write(b"\x09\0\0\0")  # killed while it wrote
    second = event_files.EventFiles(folder)
    second.rewind(lambda split, step: step <= 2)
    fill(second, [3, 4, 5])
    second.rewind(lambda split, step: step <= 3)  # the writers are open
    fill(second, [4])
    second.close()
    assert read(folder, "train") == {"loss": [1, 2, 3, 4], "load": [1, 2, 3, 4]}
    assert list((folder / "validation").iterdir()) == []


def test_what_is_held_need_not_be_written_again(folder):
    first = event_files.EventFiles(folder)
    first.picture(2, "validation", "imagenet/image/1", np.zeros((4, 6, 3), np.uint8))
    first.sound(4, "validation", "digits/audio/1", np.zeros((80, 1), np.float32), 8_000)
    assert first.holds("validation", "imagenet/image/1")
    first.close()
    second = event_files.EventFiles(folder)
    second.rewind(lambda split, step: step <= 3)
    assert second.holds("validation", "imagenet/image/1")
    assert not second.holds("train", "imagenet/image/1")
    assert not second.holds("validation", "digits/audio/1")


def test_settings_stand_once_and_outlast_a_rewind(folder):
    for width in (16, 32):
        events = event_files.EventFiles(folder)
        message = summary_v2.hparams_pb({"width": width}, trial_id="run")
        events.replace_settings("validation", [message.SerializeToString()])
        events.rewind(lambda split, step: False)
        events.numbers(1, "validation", {"bleu": 3.0})
        events.close()
    assert read(folder, "validation") == {"_hparams_/session_start_info": [0], "bleu": [1]}
    settings = sorted(path.name for path in (folder / "validation").iterdir())[0]
    assert settings.endswith("settings")  # it is read first
    data = (folder / "validation" / settings).read_bytes()
    assert data.count(b"width") == 1
