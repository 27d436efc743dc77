"""Two workers with a core each against one worker with a core: pace, and what limits it.

All of a case are there from the beginning and take turns: two processes that train alone, each on
its core, and two that train together over loopback. They read the same parts of the data, so a
step of one has the batch of the same step of another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import socket
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import context, processes, rows, turns
from benchmarks.workers.multi_worker import WORKERS

_CASES = (
    ("transformer_tiny", "wmt_ende"),
    ("multi_model_tiny", "wmt_ende"),
    ("multi_model_tiny", "imagenet"),
)
_SIZE, _QUICK_SIZE = 400, 100
_LEAST_STEPS = 5
_SKIPPED = 2
"""Steps at the beginning of a turn, while buffers fill."""
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}

Times = list[list[float]]
"""Seconds of each step, of each worker."""


def measure(here: context.Context) -> None:
    """Measures all cases."""
    for model, problem in _CASES:
        case = f"{model} on {problem}"
        here.case(case, functools.partial(_case, here, case, model, problem))


def _case(here: context.Context, case: str, model: str, problem: str) -> Sequence[rows.Row]:
    size = _QUICK_SIZE if here.options.quick else _SIZE
    data_dir = here.options.output_dir / f"sample_{size}"
    command = [sys.executable, "-m", "t2t_mm.bin.datagen", f"--problem={problem}"]
    arguments = ["--source=sample", f"--data_dir={data_dir}", f"--sample_size={size}"]
    processes.run([*command, *arguments], log=here.log)
    given = {"gin_file": model, "problem": problem, "data_dir": data_dir}
    with _started(here, **given) as four:
        found = _measured(here, four)
    return _rows(here, case, four, found)


@dataclasses.dataclass(frozen=True)
class _Four:
    """The processes of a case.

    Args:
      alone: that train without each other.
      together: the workers of one training.
      described: what they say of the model.
      cores: that they are on.
    """

    alone: list[processes.Answering]
    together: list[processes.Answering]
    described: dict[str, Any]
    cores: Sequence[int]


@contextlib.contextmanager
def _started(here: context.Context, **given: Any) -> Iterator[_Four]:
    free = sorted(os.sched_getaffinity(0))
    cores = [free[place % len(free)] for place in range(WORKERS)]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(WORKERS)]}
    with contextlib.ExitStack() as stack:
        both: list[list[processes.Answering]] = []
        for has_cluster in (False, True):
            group = []
            for place, core in enumerate(cores):
                task = {"type": "worker", "index": place}
                config = json.dumps({"cluster": cluster, "task": task}) if has_cluster else ""
                worker = processes.Answering(
                    "multi_worker",
                    here.log,
                    environment={**_ONE_THREAD, "TF_CONFIG": config},
                    core=core,
                    place=place,
                    **given,
                )
                group.append(stack.enter_context(worker))
            both.append(group)
        described = [[worker.answer() for worker in group] for group in both]
        yield _Four(both[0], both[1], described[1][0], cores)


def _measured(here: context.Context, four: _Four) -> dict[str, list[Times]]:
    """Returns the times of each side, one list of both workers' a round."""
    count = _LEAST_STEPS
    if not here.options.quick:
        (first,) = _asked(four.alone[:1], measure="steps", count=_LEAST_STEPS)
        count = max(count, round(here.options.seconds / statistics.median(first)))
    one_by_one = [[worker] for worker in four.alone]
    (port,) = _free_ports(1)
    sides: dict[str, tuple[list[list[processes.Answering]], dict[str, Any]]] = {
        "one": (one_by_one, {"measure": "steps"}),
        "apart": ([four.alone], {"measure": "steps"}),
        "together": ([four.together], {"measure": "steps"}),
        "half, one": (one_by_one, {"measure": "steps", "size": "half"}),
        "half, together": ([four.together], {"measure": "steps", "size": "half"}),
        "sums": ([four.together], {"measure": "sums"}),
        "votes": ([four.together], {"measure": "votes"}),
        "copies": ([four.together], {"measure": "copies", "port": port}),
        "input": (one_by_one, {"measure": "input"}),
    }
    found: dict[str, list[Times]] = {name: [] for name in sides}

    def ask(name: str) -> float:
        groups, question = sides[name]
        times = [
            each[_SKIPPED:]
            for group in groups
            for each in _asked(group, count=count + _SKIPPED, **question)
        ]
        found[name].append(times)
        return mean(times)

    turns.alternate({name: functools.partial(ask, name) for name in sides}, here.options.rounds)
    return found


def _asked(workers: Sequence[processes.Answering], **question: Any) -> Times:
    """Asks all at the same time, and returns their answers."""
    for worker in workers:
        worker.ask(**question)
    return [worker.answer() for worker in workers]


def _rows(
    here: context.Context, case: str, four: _Four, found: dict[str, list[Times]]
) -> Sequence[rows.Row]:
    pace = {name: [1 / mean(times) for times in found[name]] for name in found}
    where = f"cores {four.cores[0]} and {four.cores[1]}"
    if len(set(four.cores)) < WORKERS:
        where = "both on one core, which shows that it runs and nothing else"
    weights, size = four.described["weights"], four.described["bytes"]
    steps = len(found["one"][0][0])
    about = f"{weights / 1e6:.1f} M weights, float32; {steps} steps a turn; {where}"
    versus = "one worker on one core"
    parts = [of_step(*each) for each in zip(*map(found.get, _PARTS_OF), strict=True)]
    step = [1e3 * mean(times) for times in found["together"]]
    made = [
        here.row(
            f"{case}, two workers, batches of one worker each",
            "steps/s",
            pace["together"],
            other=pace["one"],
            versus=versus,
            note=f"1 were perfect: a step has twice the examples; {about}",
        ),
        here.row(
            f"{case}, two workers, half a batch each",
            "steps/s",
            pace["half, together"],
            other=pace["one"],
            versus=versus,
            note="2 were perfect",
        ),
        here.row(
            f"{case}, one worker, half a batch",
            "steps/s",
            pace["half, one"],
            other=pace["one"],
            versus=versus,
            note="the most that two workers could reach with half a batch each",
        ),
    ]
    for name in parts[0]:
        ours = [1e3 * each[name] for each in parts]
        made.append(here.row(f"{case}, of a step: {name}", "ms", ours, other=step, versus=_STEP))
    copies = [1e3 * mean(times) for times in found["copies"]]
    sums = [1e3 * mean(times) for times in found["sums"]]
    made += [
        here.row(
            f"{case}: gradients of {size / 1e6:.1f} MB summed",
            "ms",
            sums,
            other=copies,
            versus="as many bytes there and back by a plain socket",
            note=f"one of {four.described['sums']} sums of a step; the others are of a few numbers",
        ),
        here.row(
            f"{case}: a sum of one number",
            "ms",
            [1e3 * mean(times) for times in found["votes"]],
            other=step,
            versus=_STEP,
        ),
        here.row(
            f"{case}: batches drawn, and left",
            "ms",
            [1e3 * mean(times) for times in found["input"]],
            other=[1e3 * mean(times) for times in found["one"]],
            versus="a step of one worker",
        ),
    ]
    return made


_STEP = "a step of two workers"
_PARTS_OF = ("one", "apart", "together", "sums")


def of_step(one: Times, apart: Times, together: Times, sums: Times) -> dict[str, float]:
    """Returns what a step of two workers is made of, in seconds; the parts add up to it.

    Args:
      one: the steps of each worker while the other core is idle: [2][N].
      apart: of both at the same time, each for itself, of the same batches: [2][N].
      together: of both as workers of one training, of the same batches: [2][N].
      sums: the gradients summed, and nothing else: [2][N].
    """
    computed = mean(apart)
    longest = statistics.mean(max(pair) for pair in zip(*apart, strict=True))
    whole, summed = mean(together), mean(sums)
    return {
        "one worker alone": mean(one),
        "slower while the other core works": computed - mean(one),
        "the longer of two batches is waited for": longest - computed,
        "gradients are summed": summed,
        "the rest": whole - longest - summed,
    }


def mean(times: Times) -> float:
    """Returns the mean of the steps of all workers, in seconds."""
    return statistics.mean(second for each in times for second in each)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [server.getsockname()[1] for server in servers]


if __name__ == "__main__":
    context.main("multi_worker", measure, __doc__ or "")
