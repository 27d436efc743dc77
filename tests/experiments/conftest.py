"""An experiment whose commands do at once what trainings would leave behind."""

import json
import math
import pathlib
import re
import sys

import pytest

from t2t_mm.experiments import processes
from t2t_mm.reports.run_report import blocks, charts
from tests import conftest


def train(folder, given, rate):
    """Leaves what `one_run` reads of a training: 10 steps a second, shared by its problems.

    It is evaluated every 10 steps; the nearer the rate is to 4e-3, the better.
    """
    folder.mkdir(parents=True, exist_ok=True)
    problems = given["problems"].split(",")
    steps = int(given.get("train_steps", 40))
    counted = {"steps": steps / len(problems), "examples": 8.0, "loss": 2.0}
    lines = [{"problem": problem, "metrics": counted} for problem in problems]
    lines.append({"problem": "", "metrics": {"steps_per_s": 10.0}})
    lines = [{"step": steps, "split": "train", **line} for line in lines]
    for step in range(10, steps + 1, 10):
        loss = 2 + abs(math.log10(rate / 4e-3)) - step / 100
        own = {"step": step, "split": "validation", "metrics": {"log_perplexity": loss}}
        lines += [{**own, "problem": problem} for problem in problems]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    (folder / "problems").write_text(given["problems"])
    start = {"machine": {"system": "Test", "cores": 2}}
    (folder / "starts.jsonl").write_text(f"{json.dumps(start)}\n")
    return {"step": steps}


def measure(folder, name, seed):
    """Returns an answer of mm-eval; company helps by 1/8, and more of it with each seed."""
    gain = {"joint": 0.125, "no_experts": -0.0625}.get(name.partition(".")[0], 0.0)
    value = 0.5 + gain + seed / 64 * (1 + (gain > 0))
    own = {"accuracy": value, "log_perplexity": 2 - value}
    results = dict.fromkeys((folder / "problems").read_text().split(","), own)
    return {"step": 40, "results": results, "notes": {}}


@pytest.fixture
def _no_charts(monkeypatch):
    """Leaves the drawing out, which takes seconds."""
    monkeypatch.setattr(charts, "svg", lambda *_: blocks.Html("<svg></svg>"))


@pytest.fixture
def told(monkeypatch, _no_charts):
    """The commands that were given, as in "trainer joint/0"; `told.fails` names one that fails."""

    class Told(list):
        fails = ""

    told = Told()

    def run(self, command, log, *, is_enough=None):
        command, *flags = command[2:]
        given = dict(flag[2:].split("=", 1) for flag in flags if "=" in flag)
        folder = pathlib.Path(given["output_dir"])
        name, seed = folder.parts[-2:]
        told.append(f"{command.rpartition('.')[2]} {name}/{seed}")
        log.parent.mkdir(parents=True, exist_ok=True)
        if told.fails == told[-1]:
            line = f"mm-{told.fails}: There is not enough of it."
            log.write_text(f"{line}\n")
            return processes.Ended(2, "", line)
        if command.endswith("trainer"):
            rates = re.findall(r"learning_rate = (\S+)", "\n".join(flags))
            answer = train(folder, given, float(rates[-1]) if rates else 1e-3)
        else:
            answer = measure(folder, name, int(seed))
        is_cut = is_enough is not None and is_enough()
        return processes.Ended(130 if is_cut else 0, json.dumps(answer), "", is_cut)

    monkeypatch.setattr(processes.Processes, "run", run)
    return told


@pytest.fixture
def waiting(tmp_path, monkeypatch, _no_charts):
    """A file that the first command makes; then it waits for SIGTERM, and ends in order."""
    program = tmp_path / "program.py"
    path = tmp_path / "waiting"
    program.write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))\n"
        f"pathlib.Path({str(path)!r}).touch()\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(processes, "ours", lambda *_: [sys.executable, "-S", str(program)])
    return path


@pytest.fixture
def data(tmp_path):
    """Data of two problems, as far as an experiment looks at it."""
    for name in ("fsdd", "tiny_imagenet"):
        splits = {"train": [{"targets": b"x"}], "validation": [{"targets": b"x"}]}
        conftest.write_records(tmp_path / "data", name, splits, shards=1)
    return tmp_path / "data"


@pytest.fixture
def gin_file(tmp_path):
    """Returns a function that writes an experiment's file with some more lines."""

    def write(*lines, name="two"):
        path = tmp_path / f"{name}.gin"
        text = "MixtureSettings.problems = ('fsdd', 'tiny_imagenet')"
        path.write_text("\n".join([text, "TrainSettings.train_steps = 40", *lines, ""]))
        return str(path)

    return write
