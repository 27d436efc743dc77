"""The jobs of examples/slurm: TF_CONFIG from Slurm's words, and a real Slurm of two nodes here."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from t2t_mm.training import cluster
from tests.examples import jobs

# What Slurm 22.05 prints for the nodes of gpu[7-8], of which one has another address.
_SCONTROL = """#!/bin/bash
case "$*" in
  "show hostnames gpu[7-8]") printf 'gpu7\\ngpu8\\n' ;;
  "--oneliner show node gpu7,gpu8")
    echo "NodeName=gpu7 Arch=x86_64 CoresPerSocket=1 NodeAddr=10.0.0.7 NodeHostName=gpu7 Port=6818"
    echo "NodeName=gpu8 Arch=x86_64 CoresPerSocket=1 NodeAddr=gpu8 NodeHostName=gpu8 Port=6818" ;;
  *) echo "scontrol: $*" >&2; exit 1 ;;
esac
"""
_TASK = {
    "SLURM_STEP_NODELIST": "gpu[7-8]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
    "SLURM_PROCID": "2",
    "SLURM_JOB_ID": "5",
}


@pytest.fixture
def tf_config(tmp_path):
    """Returns a function that runs tf_config.py with a scontrol of ours, in a given task."""
    fake = tmp_path / "scontrol"
    fake.write_text(_SCONTROL)
    fake.chmod(0o755)

    def run(**task):
        return subprocess.run(
            [sys.executable, jobs.EXAMPLES / "tf_config.py"],
            env={"PATH": f"{tmp_path}:{jobs.PATH}", **task},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_each_task_of_a_step_is_a_worker(tf_config, monkeypatch):
    done = tf_config(**_TASK)
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("TF_CONFIG", done.stdout)
    # Ports of job 5 begin at 20000 + 5 * 64; two tasks are on gpu7, the third on gpu8.
    assert cluster.read() == cluster.Cluster(
        {
            "worker 0": "10.0.0.7:20320",
            "worker 1": "10.0.0.7:20321",
            "worker 2": "gpu8:20322",
        },
        own="worker 2",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SLURM_PROCID": ""}, "SLURM_PROCID is not set: run this by srun"),
        ({"SLURM_STEP_TASKS_PER_NODE": "1"}, "2 nodes (gpu7 gpu8), and tasks for 1"),
        ({"SLURM_STEP_TASKS_PER_NODE": "many"}, "cannot be read: 'many'"),
        ({"SLURM_STEP_NODELIST": "other"}, "returned non-zero exit status 1"),
    ],
)
def test_what_is_no_task_of_slurm_is_one_line(tf_config, change, said):
    done = tf_config(**_TASK | change)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_tasks_of_each_node():
    spec = importlib.util.spec_from_file_location("tf_config", jobs.EXAMPLES / "tf_config.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.tasks_per_node("2(x3),1") == [2, 2, 2, 1]
    assert module.tasks_per_node("4") == [4]


# What mm-trainer does of interest here: after SIGTERM it ends with 130, where another is gone with
# 2, and at the next start it goes on.
_TRAINER = """#!/bin/bash
echo "$TF_CONFIG" >"$KEPT/$SLURM_PROCID-${SLURM_RESTART_COUNT:-0}.json"
[ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && exit 0
trap 'exit 130' TERM
echo $$ >"$KEPT/$SLURM_PROCID.pid"
until [ -s "$KEPT/$((1 - SLURM_PROCID)).pid" ]; do sleep 0.1; done
echo "$*" >"$KEPT/ready-$SLURM_PROCID"
while kill -0 "$(cat "$KEPT/$((1 - SLURM_PROCID)).pid")"; do sleep 0.1; done
sleep 0.5 # another that was told to end, too, is gone sooner
exit 2
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_training_that_is_stopped_or_loses_a_worker_is_queued_again(slurm, tmp_path, is_killed):
    trainer = tmp_path / "mm-trainer"
    trainer.write_text(_TRAINER)
    trainer.chmod(0o755)
    log = tmp_path / "job.log"
    job = jobs.submit(
        slurm,
        f"--output={log}",
        jobs.EXAMPLES / "train.sbatch",
        "--problems=a,b",
        PATH=f"{tmp_path}:{jobs.PATH}",
        KEPT=str(tmp_path),
    )
    ready = [tmp_path / f"ready-{i}" for i in range(2)]
    jobs.wait_for(lambda: all(one.exists() for one in ready), log, seconds=60)
    if is_killed:
        os.kill(int((tmp_path / "1.pid").read_text()), signal.SIGKILL)
    else:  # as Slurm does before the time limit
        subprocess.run(["scancel", "--signal=TERM", job], env=slurm, check=True, timeout=60)
    jobs.wait_for(lambda: jobs.state(slurm, job) == "COMPLETED", log, seconds=120)
    assert ready[0].read_text() == "--problems=a,b\n"
    for start in (0, 1):
        configs = [json.loads((tmp_path / f"{i}-{start}.json").read_text()) for i in range(2)]
        assert [config["task"]["index"] for config in configs] == [0, 1]
        assert configs[0]["cluster"] == configs[1]["cluster"]
        first, second = configs[0]["cluster"]["worker"]
        assert first != second and first.startswith("127.0.0.1:")
    code = 128 + signal.SIGKILL if is_killed else 130
    assert f"ended with {code}: the job is queued again" in log.read_text()


@pytest.mark.slow
def test_a_training_that_was_cancelled_is_not_queued_again(slurm, tmp_path):
    trainer = tmp_path / "mm-trainer"
    trainer.write_text(_TRAINER)
    trainer.chmod(0o755)
    log = tmp_path / "job.log"
    given = {"PATH": f"{tmp_path}:{jobs.PATH}", "KEPT": str(tmp_path)}
    job = jobs.submit(slurm, f"--output={log}", jobs.EXAMPLES / "train.sbatch", **given)
    jobs.wait_for(lambda: (tmp_path / "ready-0").exists(), log, seconds=60)
    subprocess.run(["scancel", job], env=slurm, check=True, timeout=60)
    jobs.wait_for(lambda: jobs.state(slurm, job) == "CANCELLED", log, seconds=60)
    time.sleep(8)  # longer than a job that is requeued waits here
    assert jobs.state(slurm, job) == "CANCELLED"


@pytest.mark.slow
def test_an_array_makes_one_problem_a_job(slurm, tmp_path):
    datagen = tmp_path / "mm-datagen"
    datagen.write_text('#!/bin/bash\necho "$*" >"$KEPT/$SLURM_ARRAY_TASK_ID"\n')
    datagen.chmod(0o755)
    job = jobs.submit(
        slurm,
        "--array=0-2",
        "--cpus-per-task=2",
        "--wait",
        f"--output={tmp_path}/%a.log",
        jobs.EXAMPLES / "datagen.sbatch",
        "--data_dir=data",
        PATH=f"{tmp_path}:{jobs.PATH}",
        KEPT=str(tmp_path),
        PROBLEMS="wmt_ende imagenet fsdd",
    )
    assert job
    for place, name in enumerate(("wmt_ende", "imagenet", "fsdd")):
        said = (tmp_path / str(place)).read_text()
        assert said == f"--problem={name} --workers=2 --data_dir=data\n"
