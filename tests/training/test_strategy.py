"""The strategy that is asked for, or the one that fits what is there."""

import json
import os
import socket
import subprocess
import sys
import types

import pytest
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.training import strategy

TWO_WORKERS = {
    "cluster": {"worker": ["127.0.0.1:20001", "127.0.0.1:20002"]},
    "task": {"type": "worker", "index": 1},
}


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


def test_one_device_needs_no_strategy():
    if len(tf.config.list_physical_devices("GPU")) < 2:
        made = strategy.make("auto")
        assert made.num_replicas_in_sync == 1
        assert strategy.is_chief(made)
        assert strategy.worker_count(made) == 1


@pytest.mark.parametrize(("count", "taken"), [(1, []), (2, [("GPU:0", "GPU:1")])])
def test_auto_takes_all_gpus_where_there_are_several(monkeypatch, count, taken):
    def gpus(kind):
        return [types.SimpleNamespace(name=f"GPU:{n}") for n in range(count)] * (kind == "GPU")

    monkeypatch.setattr(tf.config, "list_physical_devices", gpus)
    monkeypatch.setattr(tf.config, "list_logical_devices", gpus)
    mirrored = []
    monkeypatch.setattr(strategy, "_mirrored", mirrored.append)
    strategy.make("auto")
    assert mirrored == taken


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(errors.ConfigError, match="Did you mean 'mirrored'"):
        strategy.make("mirored")


def test_several_workers_need_tf_config():
    with pytest.raises(errors.ConfigError, match="needs TF_CONFIG"):
        strategy.make("multi_worker")


@pytest.mark.parametrize(
    "value",
    [
        "{",
        "[]",
        json.dumps({"cluster": {"worker": ["a:1"]}}),
        json.dumps({**TWO_WORKERS, "task": {"type": "worker", "index": 2}}),
        json.dumps({**TWO_WORKERS, "task": {"type": "chief", "index": 0}}),
        json.dumps({"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}),
    ],
)
def test_a_bad_tf_config_is_named(monkeypatch, value):
    monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(errors.ConfigError, match="TF_CONFIG cannot be used"):
        strategy.make("auto")


_MIRRORED = """
import sys, tempfile
import keras
import tensorflow as tf
from t2t_mm.runs import checkpoint
from t2t_mm.training import devices, strategy
devices.split_cpu(2)
made = strategy.make("mirrored")
assert made.num_replicas_in_sync == 2, made.num_replicas_in_sync
assert strategy.is_chief(made)


class Net(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.parts = [self.add_weight(name="w", shape=(2,), initializer="ones")]


with made.scope():
    net = Net()
    counts = tf.Variable(
        0.0,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
made.run(lambda: counts.assign_add(2.0))
net.parts[0].assign([3.0, 4.0])
saved = checkpoint.Checkpoints(tempfile.mkdtemp(), {"model": net, "counts": counts})
saved.save(1)
net.parts[0].assign([0.0, 0.0])
counts.assign(0.0)
assert saved.restore() == (1, {})
for copy in made.experimental_local_results(net.parts[0].value):
    assert list(copy.numpy()) == [3.0, 4.0]
assert float(made.reduce("SUM", counts, axis=None)) == 4.0
"""


@pytest.mark.slow
def test_two_logical_processors_share_the_work_and_a_checkpoint(python):
    done = python("-c", _MIRRORED)
    assert done.returncode == 0, done.stderr[-2000:]


_WORKER = """
import json, os, sys
import keras
import tensorflow as tf
from t2t_mm.runs import checkpoint
from t2t_mm.training import devices, strategy
made = strategy.make("auto")
index = strategy.worker_index(made)
assert strategy.worker_count(made) == 2
assert strategy.is_chief(made) == (index == 0)
with made.scope():
    weight = tf.Variable(1.0)
    counts = tf.Variable(
        0.0,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
batches = iter(tf.data.Dataset.range(1000).shard(2, index).shuffle(50, seed=1))
saved = checkpoint.Checkpoints(
    sys.argv[1],
    {"weight": weight, "counts": counts, "batches": batches},
    is_chief=strategy.is_chief(made),
    worker=index,
    local=["batches"],
)


def barrier():
    one = made.run(lambda: tf.distribute.get_replica_context().all_reduce("SUM", tf.ones([])))
    assert float(one) == 2.0


made.run(lambda: counts.assign_add(3.0))
next(batches)
saved.save(4, {"chief": index})
barrier()
expected = [int(next(batches)) for _ in range(5)]
assert all(number % 2 == index for number in expected)
weight.assign(7.0)
counts.assign(0.0)
assert saved.restore() == (4, {"chief": 0})
assert float(weight.read_value()) == 1.0
assert float(made.reduce("SUM", counts, axis=None)) == 6.0
assert [int(next(batches)) for _ in range(5)] == expected
barrier()
"""


@pytest.mark.slow
def test_two_workers_share_a_checkpoint_and_keep_their_own_places(tmp_path):
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    workers = []
    for index in range(2):
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        workers.append(
            subprocess.Popen(
                [sys.executable, "-c", _WORKER, str(tmp_path / "checkpoints")],
                env={
                    **os.environ,
                    "TF_CONFIG": json.dumps(config),
                    "PYTHONPATH": os.pathsep.join(sys.path),
                },
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        results = [worker.communicate(timeout=120)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    for worker, text in zip(workers, results, strict=True):
        assert worker.returncode == 0, text[-2000:]
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["ckpt-4-0.data-00000-of-00001", "ckpt-4-0.index", "ckpt-4.json", "worker-1"]
