"""The strategy that is asked for, or the one that fits what is there."""

import json

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
from t2t_mm.training import checkpoint, strategy
strategy.split_cpu(2)
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
