"""The log survives kills, and goes back with the run."""

import json
import math
import os

import numpy as np
import pytest

from t2t_mm import errors
from t2t_mm.runs import metrics_log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "metrics.jsonl"


def _fill(path, steps):
    with metrics_log.MetricsLog(path) as log:
        for step in steps:
            log.write(step, "train", "wmt_ende", {"loss": 1.0 / step})


def test_the_format_that_programs_rely_on(path):
    with metrics_log.MetricsLog(path) as log:
        log.write(
            5,
            "validation",
            "wmt_ende",
            {
                "bleu": np.float32(12.5),
                "tokens": np.int64(7),
                "load": np.array([0.5, 1.5]),
                "signature": "nrefs:1",
                "loss": math.nan,
            },
        )
    (line,) = path.read_text().splitlines()
    entry = json.loads(line)
    assert set(entry) == {"step", "time", "split", "problem", "metrics"}
    assert (entry["step"], entry["split"], entry["problem"]) == (5, "validation", "wmt_ende")
    assert entry["metrics"] == {
        "bleu": 12.5,
        "tokens": 7,
        "load": [0.5, 1.5],
        "signature": "nrefs:1",
        "loss": None,
    }
    assert isinstance(entry["time"], float)


def test_a_new_process_appends(path):
    _fill(path, [1, 2])
    _fill(path, [3])
    assert [entry["step"] for entry in metrics_log.read(path)] == [1, 2, 3]


@pytest.mark.parametrize("torn", ['{"step": 3, "ti', "{", "\0\0\0\0\n", '{"step": 3\0\0\n'])
def test_a_torn_last_line_is_removed_at_opening(path, torn):
    _fill(path, [1, 2])
    with path.open("a") as file:
        file.write(torn)
    _fill(path, [3])
    assert [entry["step"] for entry in metrics_log.read(path)] == [1, 2, 3]


def test_reading_leaves_out_a_line_being_written(path):
    _fill(path, [1, 2])
    with path.open("a") as file:
        file.write('{"step": 3')
    assert [entry["step"] for entry in metrics_log.read(path)] == [1, 2]


def test_rewinding_drops_what_came_after(path):
    _fill(path, [1, 2, 3, 4])
    with metrics_log.MetricsLog(path) as log:
        assert log.rewind(2) == 2
        assert log.rewind(2) == 0
        log.write(3, "train", "wmt_ende", {"loss": 9.0})
    entries = metrics_log.read(path)
    assert [entry["step"] for entry in entries] == [1, 2, 3]
    assert entries[-1]["metrics"] == {"loss": 9.0}


def test_a_full_disk_leaves_no_half_line(path, monkeypatch):
    _fill(path, [1, 2])
    with metrics_log.MetricsLog(path) as log:
        with monkeypatch.context() as patched:
            write = os.write
            patched.setattr(os, "write", lambda file, data: write(file, data[:9]))
            with pytest.raises(errors.DataError, match="disk is full"):
                log.write(3, "train", "wmt_ende", {"loss": 1.0})
        log.write(4, "train", "wmt_ende", {"loss": 1.0})
    assert [entry["step"] for entry in metrics_log.read(path)] == [1, 2, 4]


def test_a_foreign_line_is_named(path):
    _fill(path, [1, 2])
    path.write_text("hello\n" + path.read_text())
    with pytest.raises(errors.DataError, match="line 1"):
        metrics_log.read(path)


def test_a_log_that_does_not_exist_reads_as_empty(path):
    assert metrics_log.read(path) == []


@pytest.mark.slow
def test_tensorboard_gets_the_numbers(path, tmp_path):
    import tensorflow as tf

    with metrics_log.MetricsLog(path, tmp_path / "tensorboard") as log:
        log.write(4, "train", "wmt_ende", {"loss": 2.5, "load": [1.0, 2.0], "signature": "x"})
        log.write(4, "train", "", {"rate": 0.1})
    (file,) = (tmp_path / "tensorboard" / "train").iterdir()
    tags = {}
    for record in tf.data.TFRecordDataset(str(file)):
        for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
            tags[value.tag] = value
    assert set(tags) == {"wmt_ende/loss", "wmt_ende/load", "rate"}
    assert tf.make_ndarray(tags["wmt_ende/loss"].tensor) == 2.5
