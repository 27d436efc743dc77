"""A training of three workers in a real Slurm of two nodes, which is left alone or loses some."""

import json
import os
import signal
import subprocess
import sys

import pytest

import t2t_mm
from t2t_mm import testing
from tests import conftest
from tests.examples import jobs

_WORKERS, _STEPS, _SAVED, _ENDED_AT = 3, 20, 5, 12
_MOST_S = 1800
"""For a job, where three workers share a core with others."""
_ARGUMENTS = [
    "--problems=wmt_ende",
    "--gin_file=transformer_tiny",
    f"--train_steps={_STEPS}",
    f"--save_every={_SAVED}",
    "--eval_every=0",
    "--gin_param=Batching.batch_tokens = 256",
    "--gin_param=Batching.max_length = 64",
    "--gin_param=TrainSettings.log_every = 3",
    "--gin_param=TrainSettings.eval_examples = 6",
    "--gin_param=TrainSettings.precision = 'float32'",
    "--gin_param=DecodeSettings.max_length = 12",
]
# The real one, which can be found by the number of the worker.
_TRAINER = f"""#!/bin/bash
echo $$ >"$KEPT/$SLURM_PROCID.pid"
exec {sys.executable} -m t2t_mm.bin.trainer "$@"
"""


class Job:
    """A training that is submitted.

    Args:
      slurm: environment of commands to it.
      data_dir: its data.
      folder: gets its log and its run.
    """

    def __init__(self, slurm, data_dir, folder):
        trainer = folder / "mm-trainer"
        trainer.write_text(_TRAINER)
        trainer.chmod(0o755)
        self.log, self.run = folder / "job.log", folder / "run"
        self._slurm, self._folder = slurm, folder
        self.number = jobs.submit(
            slurm,
            "--nodes=2",
            f"--ntasks={_WORKERS}",
            "--ntasks-per-node=2",
            f"--output={self.log}",
            jobs.EXAMPLES / "train.sbatch",
            f"--data_dir={data_dir}",
            f"--output_dir={self.run}",
            *_ARGUMENTS,
            PATH=f"{folder}:{jobs.PATH}",
            PYTHONPATH=str(conftest.REPOSITORY),
            KEPT=str(folder),
        )

    def wait_for_step(self, step):
        """Waits until the log of the run shows a step."""
        metrics = self.run / "metrics.jsonl"

        def is_shown():
            lines = metrics.read_text().split("\n")[:-1] if metrics.exists() else []
            return any(json.loads(line)["step"] >= step for line in lines)

        jobs.wait_for(is_shown, self.log, seconds=_MOST_S, poll_s=0.02)

    def kill(self, worker):
        """Ends a worker as nothing can prevent."""
        os.kill(int((self._folder / f"{worker}.pid").read_text()), signal.SIGKILL)

    def preempt(self):
        """Does as Slurm does before the time limit, or for a job that goes before."""
        command = ["scancel", "--signal=TERM", self.number]
        subprocess.run(command, env=self._slurm, check=True, timeout=60)

    def wait(self):
        """Waits until it has ended, well."""
        jobs.wait_for(
            lambda: jobs.state(self._slurm, self.number) in ("COMPLETED", "FAILED", "CANCELLED"),
            self.log,
            seconds=_MOST_S,
        )
        assert jobs.state(self._slurm, self.number) == "COMPLETED", self.log.read_text()[-3000:]


@pytest.fixture(scope="module")
def data_dir(slurm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    t2t_mm.generate("wmt_ende", folder, source="sample", sample_size=100, workers=1)
    return folder


@pytest.fixture(scope="module")
def undisturbed(slurm, data_dir, tmp_path_factory):
    """The run that was left alone."""
    job = Job(slurm, data_dir, tmp_path_factory.mktemp("undisturbed"))
    job.wait()
    said = job.log.read_text()
    assert f"worker 0 of {_WORKERS}" in said and "queued again" not in said
    return job.run


@pytest.mark.slow
@pytest.mark.parametrize("ended", ["the chief", "a worker", "all, preempted"])
def test_a_training_that_is_queued_again_ends_with_the_weights_of_one_left_alone(
    slurm, data_dir, undisturbed, tmp_path, ended
):
    """All numbers of the last checkpoint bit for bit, and the lines of the log."""
    job = Job(slurm, data_dir, tmp_path)
    job.wait_for_step(_ENDED_AT)
    if ended == "all, preempted":
        job.preempt()
        code, step = 130, None  # that it is at
    else:
        job.kill(0 if ended == "the chief" else _WORKERS - 1)
        code, step = 128 + signal.SIGKILL, _ENDED_AT - _ENDED_AT % _SAVED
    job.wait()
    said = job.log.read_text()
    assert said.count(f"ended with {code}: the job is queued again") == 1
    if step:
        # A fast machine may save once more, before the signal comes.
        going_on = [int(part.split(".")[0]) for part in said.split("Going on from step ")[1:]]
        assert step in going_on or step + _SAVED in going_on, said[-3000:]
    assert testing.differing_parts(undisturbed, job.run) == []
