"""The same command gives the same run: left alone, killed, or stopped and begun again."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import testing
from t2t_mm.runs import checkpoint
from tests import conftest
from tests.training import test_loop, test_workers

_TRAIN = """
import sys
from t2t_mm import testing
from tests.training import test_loop

data_dir, output_dir, steps, strategy, model = sys.argv[1:]
if strategy == "mirrored":
    testing.two_devices()
test_loop.train(
    data_dir,
    output_dir,
    gin_params=[*getattr(test_loop, model), "TrainSettings.log_every = 7"],
    train_steps=int(steps),
    save_every=10,
    eval_every=int(steps) // 2,
    strategy=strategy,
)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    t2t_mm.generate(test_loop.PROBLEMS, folder, source="sample", sample_size=60, workers=1)
    return folder


def starter(data_dir, *, steps, model, strategy="default", workers=1):
    def start(output_dir):
        ports = test_workers.free_ports(workers)
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        processes = []
        for index in range(workers):
            config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
            own = {"TF_CONFIG": json.dumps(config)} if workers > 1 else {}
            arguments = [str(data_dir), str(output_dir), str(steps), strategy, model]
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", _TRAIN, *arguments],
                    env={**os.environ, **own},
                    cwd=conftest.REPOSITORY,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        return processes

    return start


@pytest.mark.slow
@pytest.mark.parametrize("model", ["MULTI_MODEL", "TINY"])
@pytest.mark.parametrize(
    ("strategy", "workers"), [("default", 1), ("mirrored", 1), ("multi_worker", 2)]
)
def test_a_run_that_was_killed_and_stopped_is_one_left_alone(
    data_dir, tmp_path, model, strategy, workers
):
    """Sixty steps of pictures and text; the log has a line every 7, a checkpoint is every 10."""
    start = starter(data_dir, steps=60, model=model, strategy=strategy, workers=workers)
    ends = {14: signal.SIGKILL, 35: signal.SIGTERM}
    testing.assert_exact_resume(start, tmp_path, ends=ends)


def _run(folder, *, weight, loss, pace):
    """Writes what a run of one step leaves."""
    value = tf.Variable(weight)
    checkpoint.Checkpoints(folder / "checkpoints", {"embedding": value}).save(1)
    metrics = {"loss": loss, "steps_per_s": pace, "memory_bytes": 1000 * pace}
    line = {"step": 1, "time": pace, "split": "train", "problem": "a", "metrics": metrics}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    return folder


def test_what_differs_between_runs_is_named(tmp_path):
    """Times, speeds and memory do not count; a tensor's last bit and a line of the log do."""
    one = _run(tmp_path / "one", weight=[1.0, 2.0], loss=0.5, pace=1.0)
    same = _run(tmp_path / "same", weight=[1.0, 2.0], loss=0.5, pace=2.0)
    assert testing.differing_parts(one, same) == []
    after = float(np.nextafter(np.float32(2.0), np.float32(3.0)))
    other = _run(tmp_path / "other", weight=[1.0, after], loss=0.25, pace=1.0)
    tensor, line = testing.differing_parts(one, other)
    assert tensor.startswith("embedding") and line.startswith("line 1 of metrics.jsonl")


def test_a_training_that_was_over_before_its_end_is_no_proof(tmp_path):
    def start(folder):
        _run(folder, weight=[1.0], loss=0.5, pace=1.0)
        process = subprocess.Popen(
            [sys.executable, "-c", "pass"], stderr=subprocess.PIPE, text=True
        )
        process.wait()
        return [process]

    with pytest.raises(AssertionError, match="over before SIGKILL ended it"):
        testing.assert_exact_resume(start, tmp_path, ends={1: signal.SIGKILL})
