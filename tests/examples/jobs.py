"""Jobs of a real Slurm on this machine: starting it, submitting, waiting."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest

from tests import conftest

EXAMPLES = conftest.REPOSITORY / "examples" / "slurm"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@contextlib.contextmanager
def local_cluster(folder):
    """The environment of commands to a real Slurm with two nodes, all of it on this machine."""
    if not all(shutil.which(name, path=PATH) for name in ("slurmctld", "slurmd", "munged")):
        pytest.skip("slurm-wlm and munge are not installed")
    if os.getuid():
        pytest.skip("a Slurm of its own needs root")
    script = EXAMPLES / "local_cluster.sh"
    started = subprocess.run(
        [script, "up", folder], capture_output=True, text=True, check=False, timeout=120
    )
    try:
        assert started.returncode == 0, started.stderr
        yield {**os.environ, "PATH": PATH, "SLURM_CONF": str(folder / "slurm.conf")}
    finally:
        subprocess.run([script, "down", folder], check=True, timeout=180)


def submit(slurm, *arguments, **environment):
    """Submits a job; returns its number."""
    done = subprocess.run(
        ["sbatch", "--parsable", *map(str, arguments)],
        cwd=conftest.REPOSITORY,
        env={**slurm, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def wait_for(what, log, *, seconds, poll_s=0.5):
    """Waits until something is true; shows the log of a job where it does not come."""
    until = time.monotonic() + seconds
    while not what():
        said = log.read_text() if log.exists() else "nothing"
        assert time.monotonic() < until, f"not within {seconds} s; the job said: {said[-3000:]}"
        time.sleep(poll_s)


def state(slurm, job):
    done = subprocess.run(
        ["scontrol", "--oneliner", "show", "job", job],
        env=slurm,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split("JobState=")[1].split()[0]
