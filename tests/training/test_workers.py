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
    """Trains with both workers; returns what each printed last."""
    # The clocks of machines differ: only one of them finds that time is up.
    given = [(data_dir, output_dir, steps, own) for own in (seconds, 0)]
    return run_workers(_WORKER, given)


def run_workers(program, arguments):
    """Runs a program in workers, given the arguments of each; returns what each printed last."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(len(arguments))]}
    workers = []
    for index, own in enumerate(arguments):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        workers.append(
            subprocess.Popen(
                [sys.executable, "-c", program, *map(str, own)],
                env={**os.environ, "TF_CONFIG": json.dumps(config)},
                cwd=conftest.REPOSITORY,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        printed = [worker.communicate(timeout=600) for worker in workers]
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


_KINDS = ["wmt_ende", "imagenet", "fsdd", "fsdd_words"]
"""Text, pictures and sounds; text and classes to tell."""

_EVALUATE = """
import json, pathlib, sys
from t2t_mm.evaluation import evaluator
from t2t_mm.runs import loaded_run
from t2t_mm.training import exchange, strategy

made = strategy.make("auto")
run = loaded_run.as_loaded(sys.argv[1])
workers = exchange.of(made)
found, own = {}, []
exchanged = workers.exchange if workers else None


def counting(packed):
    own.append(bool(packed))
    return exchanged(packed)


if workers:
    workers.exchange = counting
for task in run.tasks.values():
    result = evaluator.run(
        run.model, task, "validation", run.batching, run.decode_settings, workers=workers
    )
    kept = [answer.as_kept() for answer in result.answers]
    found[task.name] = [result.values, result.notes, result.references, kept]
pathlib.Path(sys.argv[2]).write_text(json.dumps(found))
print(sum(own))
"""


@pytest.mark.slow
def test_two_workers_share_an_evaluation_and_find_what_one_finds(tmp_path):
    """Bit for bit, of every kind of problem, and neither computes the batches of the other."""
    data_dir, run_dir = tmp_path / "data", tmp_path / "run"
    t2t_mm.generate(_KINDS, data_dir, source="sample", sample_size=60, workers=1)
    t2t_mm.train(
        _KINDS,
        data_dir=data_dir,
        output_dir=run_dir,
        gin_params=test_loop.TINY,
        train_steps=4,
        eval_every=0,
    )
    files = [tmp_path / name for name in ("alone.json", "worker-0.json", "worker-1.json")]
    run_workers(_EVALUATE, [(run_dir, files[0])])
    batches = list(map(int, run_workers(_EVALUATE, [(run_dir, file) for file in files[1:]])))
    alone, *others = (json.loads(file.read_text()) for file in files)
    assert set(alone) == set(_KINDS)
    assert others == [alone, alone]
    # Of each problem the first worker has as many batches as the second, or one more.
    assert 0 <= batches[0] - batches[1] <= len(_KINDS) and batches[1] > 0
