"""Two processes train one model over loopback, stop together and go on together."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

import t2t_mm
from tests import conftest
from tests.training import test_loop

_WORKER = """
import sys
import t2t_mm
from tests.training import test_loop

data_dir, output_dir, steps, seconds = sys.argv[1:]
answer = test_loop.train(
    data_dir, output_dir, train_steps=int(steps), train_seconds=int(seconds), strategy="auto"
)
print("reached", answer["step"])
"""


def free_ports(count):
    with_sockets = [socket.socket() for _ in range(count)]
    for one in with_sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in with_sockets]
    for one in with_sockets:
        one.close()
    return ports


def run(data_dir, output_dir, *, steps, seconds):
    """Runs both workers; returns what each printed last."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    workers = []
    for index in range(2):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        # The clocks of machines differ: only one of them finds that time is up.
        own = seconds if index == 0 else 0
        workers.append(
            subprocess.Popen(
                [sys.executable, "-c", _WORKER, data_dir, output_dir, str(steps), str(own)],
                env={**os.environ, "TF_CONFIG": json.dumps(config)},
                cwd=conftest.REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        printed = [worker.communicate(timeout=240) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    for worker, (_, err) in zip(workers, printed, strict=True):
        assert worker.returncode == 0, err[-3000:]
    return [out.strip().splitlines()[-1] for out, _ in printed]


@pytest.mark.slow
def test_two_workers_train_stop_and_go_on_as_one(tmp_path):
    data_dir = tmp_path / "data"
    t2t_mm.generate(test_loop.PROBLEMS, data_dir, source="sample", sample_size=60, workers=1)
    run_dir = tmp_path / "run"
    first = run(data_dir, run_dir, steps=100_000, seconds=1)
    assert len(set(first)) == 1, first
    step = json.loads((run_dir / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    second = run(data_dir, run_dir, steps=step + 3, seconds=0)
    assert second == [f"reached {step + 3}"] * 2
    for name, value in test_loop.weights(run_dir, step + 3).items():
        assert np.all(np.isfinite(value)), name
