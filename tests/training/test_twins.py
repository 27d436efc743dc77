"""The same command gives the same run: left alone, killed, or stopped and begun again."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import t2t_mm
from t2t_mm import testing
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


def test_what_differs_between_runs_is_named(data_dir, tmp_path):
    """Two runs of one seed have no difference; a log line and a tensor of another are told."""
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        test_loop.train(data_dir, tmp_path / name, train_steps=2, seed=seed)
    assert testing.differing_parts(tmp_path / "one", tmp_path / "same") == []
    differing = testing.differing_parts(tmp_path / "one", tmp_path / "other")
    assert any("embedding" in name for name in differing)
    assert any(name.startswith("line 1 of metrics.jsonl") for name in differing)
    shutil.rmtree(tmp_path / "same" / "checkpoints" / "best", ignore_errors=True)
    assert testing.differing_parts(tmp_path / "one", tmp_path / "same") == []
