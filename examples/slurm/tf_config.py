#!/usr/bin/env python3
"""Prints TF_CONFIG for one task of a Slurm step, from what Slurm has told the task.

    TF_CONFIG=$(python3 tf_config.py) mm-trainer --strategy=multi_worker ...

Each task of the step is a worker, on the node where Slurm has put it. Worker 0 is the chief. It
needs no package, and no GPU (TensorFlow's SlurmClusterResolver fails without one).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping

FIRST_PORT, PORTS = 20_000, 10_000
"""Below those that Linux gives to outgoing connections."""


def tf_config(environment: Mapping[str, str]) -> dict[str, object]:
    """Returns the value of TF_CONFIG.

    Args:
      environment: of a task: SLURM_STEP_NODELIST, SLURM_STEP_TASKS_PER_NODE, SLURM_PROCID and
        SLURM_JOB_ID.

    Raises:
      ValueError: it is none of a task.
    """
    missing = [name for name in _NEEDED if not environment.get(name)]
    if missing:
        raise ValueError(f"{missing[0]} is not set: run this by srun, in a job of Slurm")
    nodes = _scontrol("show", "hostnames", environment["SLURM_STEP_NODELIST"]).split()
    counts = tasks_per_node(environment["SLURM_STEP_TASKS_PER_NODE"])
    if len(counts) != len(nodes):
        raise ValueError(f"{len(nodes)} nodes ({' '.join(nodes)}), and tasks for {len(counts)}")
    address = addresses(_scontrol("--oneliner", "show", "node", ",".join(nodes)))
    places = [node for node, count in zip(nodes, counts, strict=True) for _ in range(count)]
    # Jobs of one machine take other ports, and so do its tasks: nodes may be virtual.
    first = FIRST_PORT + int(environment["SLURM_JOB_ID"]) * 64 % PORTS
    workers = [f"{address.get(node, node)}:{first + i}" for i, node in enumerate(places)]
    index = int(environment["SLURM_PROCID"])
    return {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}


def tasks_per_node(text: str) -> list[int]:
    """Returns how many tasks each node has, of Slurm's words for it: "2(x3),1" is 2, 2, 2, 1."""
    counts = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part.strip())
        if match is None:
            raise ValueError(f"SLURM_STEP_TASKS_PER_NODE cannot be read: {text!r}")
        counts += [int(match[1])] * int(match[2] or 1)
    return counts


def addresses(shown: str) -> dict[str, str]:
    """Returns where each node can be reached, of what `scontrol --oneliner show node` says."""
    pairs = (re.search(r"NodeName=(\S+).* NodeAddr=(\S+)", line) for line in shown.splitlines())
    return {pair[1]: pair[2] for pair in pairs if pair}


def _scontrol(*arguments: str) -> str:
    done = subprocess.run(
        ["scontrol", *arguments], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


_NEEDED = ("SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE", "SLURM_PROCID", "SLURM_JOB_ID")


def main() -> int:
    """Prints it; returns the exit code."""
    try:
        sys.stdout.write(json.dumps(tf_config(os.environ)) + "\n")
    except (ValueError, OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"tf_config.py: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
