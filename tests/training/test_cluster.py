"""What TF_CONFIG says is checked, and all workers are waited for within bounds."""

import json
import socket
import threading
import time

import pytest

from t2t_mm import errors
from t2t_mm.training import cluster
from tests.training import test_workers


def config(addresses, index=0):
    return json.dumps(
        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSONDecodeError"),
        ("[" * 100_000, "RecursionError|JSONDecodeError"),
        ('{"cluster": {"worker": ["a:1"]}}', "KeyError: 'task'"),
        ('{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}', "no list"),
        (config(["a:1"], index=1), "the task, worker 1, is none of worker 0"),
        (config(["a:1", "b:2", "a:1"]), "worker 0 and worker 2 have the same address a:1"),
        (config(["a:1", "b"]), "worker 1 has the address 'b'"),
        (config(["a:1", "b:99999"]), "worker 1 has the address 'b:99999'"),
    ],
)
def test_a_bad_tf_config_is_one_line(monkeypatch, text, said):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(errors.ConfigError, match=f"TF_CONFIG cannot be used: .*({said})"):
        cluster.read()


def made(ports, index):
    names = {f"worker {i}": f"localhost:{port}" for i, port in enumerate(ports)}
    return cluster.Cluster(names, f"worker {index}")


def test_all_find_each_other():
    ports = test_workers.free_ports(2)
    said, done = [], threading.Event()

    def late():
        cluster.wait(made(ports, 1), said.append)
        # As TensorFlow's own server does next.
        with cluster._listening(f"localhost:{ports[1]}", "worker 1"):
            done.wait(timeout=30)

    thread = threading.Timer(0.5, late)
    thread.start()
    cluster.wait(made(ports, 0), said.append)
    done.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_who_does_not_come_is_named_and_not_waited_for_without_end(monkeypatch):
    monkeypatch.setenv(cluster.WAIT_VARIABLE, "1")
    ports = test_workers.free_ports(2)
    said = []
    began = time.monotonic()
    with pytest.raises(errors.ConfigError, match=f"no answer of worker 1 at localhost:{ports[1]}"):
        cluster.wait(made(ports, 0), said.append)
    assert time.monotonic() - began < 10
    assert said[0].startswith(f"worker 0 waits for worker 1 at localhost:{ports[1]}")


@pytest.mark.parametrize("text", ["soon", "nan", "-1"])
def test_a_bound_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv(cluster.WAIT_VARIABLE, text)
    with pytest.raises(errors.ConfigError, match=f"no number of seconds. Received: '{text}'"):
        cluster.bound()


def test_a_worker_that_stands_still_is_not_there():
    """The system accepts for it: 127.0.0.1 takes the connection, nobody answers."""
    ports = test_workers.free_ports(3)
    with (
        socket.create_server(("127.0.0.1", ports[1])),
        cluster._listening(f"127.0.0.1:{ports[2]}", "worker 2"),
    ):
        names = {f"worker {i}": f"127.0.0.1:{port}" for i, port in enumerate(ports)}
        said = cluster.silent(cluster.Cluster(names, "worker 0"))
    assert said == f"worker 1 at 127.0.0.1:{ports[1]}"


def test_a_port_in_use_is_one_line():
    ports = test_workers.free_ports(2)
    with (
        cluster._listening(f"localhost:{ports[0]}", "another"),
        pytest.raises(errors.ConfigError, match=f"cannot listen at its port {ports[0]}"),
    ):
        cluster.wait(made(ports, 0), lambda line: None)
