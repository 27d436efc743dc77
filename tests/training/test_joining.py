"""A worker that is reached but never joins is waited for within a bound, and signals are heeded."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import tensorflow as tf

from t2t_mm.training import cluster, joining
from tests import conftest
from tests.training import test_workers


class Call(threading.Thread):
    """Stands for TensorFlow's: lasts for some seconds, and ends with a code."""

    def __init__(self, seconds, code=0):
        super().__init__(daemon=True)
        self.seconds, self.code, self.message = seconds, code, "no such worker"

    def run(self):
        time.sleep(self.seconds)


def test_a_call_that_ends_in_time_passes():
    joining._wait(Call(0.1), 30)


def test_a_call_that_does_not_end_is_left():
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="within 1 s"):
        joining._wait(Call(60), 1)
    assert time.monotonic() - began < 10


def test_the_error_is_that_of_tensorflow():
    with pytest.raises(tf.errors.UnavailableError, match="no such worker"):
        joining._wait(Call(0, tf.errors.UNAVAILABLE), 30)


_PROGRAM = """
from t2t_mm.process import signals
from t2t_mm.training import strategy

with signals.as_interrupts():
    strategy.make("multi_worker", say=lambda line: print(line, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wait_s", "sent", "said"),
    [
        (5, None, "Not all workers have come within 5 s"),
        (600, signal.SIGTERM, "KeyboardInterrupt: ended by SIGTERM"),
        (600, signal.SIGINT, "KeyboardInterrupt: interrupted"),
    ],
)
@pytest.mark.parametrize("own", [0, 1])
def test_a_worker_that_never_joins(own, wait_s, sent, said):
    """The other answers who knocks, and is no worker: TensorFlow would wait without a limit."""
    ports = test_workers.free_ports(2)
    addresses = [f"127.0.0.1:{port}" for port in ports]
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": own}}
    with cluster._listening(addresses[1 - own], "the other"):
        worker = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            env={
                **os.environ,
                "TF_CONFIG": json.dumps(config),
                cluster.WAIT_VARIABLE: str(wait_s),
            },
            cwd=conftest.REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout.readline() == f"worker {own} joins the others.\n"
        if sent:
            time.sleep(3)  # it has to be within TensorFlow's call
            worker.send_signal(sent)
        _, errors = worker.communicate(timeout=60)
    assert worker.returncode
    assert said in errors.splitlines()[-1]
