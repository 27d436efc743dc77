"""Compares the exports of a run with mm-decoder, on rows of its data.

python -m tests.exporting.compare RUN EXPORT_DIR [--data_dir=DATA] [--rows=100] [--beam_size=4 ...]

Exports all problems of the run, answers rows of the first evaluated split by each export and by
the one of all problems, in a process of their own without the framework, and prints a line for
each problem. The exit code is 1 where a text differs, or a score by more than 1e-4 that is not the
next number of float32: these lie 1.2e-4 apart from 1,024 on.
"""

import argparse
import base64
import itertools
import json
import math
import pathlib
import subprocess
import sys
import time

import numpy as np

import t2t_mm
from t2t_mm.data import records
from t2t_mm.exporting import versions
from t2t_mm.runs import loaded_run, opened_run

ALONE = pathlib.Path(__file__).with_name("alone.py")
CLOSE = 1e-4


def answered_alone(path, asked, *, batch=16):
    """Answers rows, bytes by input name, by signature, in a process without the framework."""
    columns = {
        key: {
            name: [base64.b64encode(row[name]).decode("ascii") for row in rows] for name in rows[0]
        }
        for key, rows in asked.items()
    }
    done = subprocess.run(
        [sys.executable, ALONE, str(path), str(batch)],
        input=json.dumps(columns),
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout)


def raw_rows(task, count):
    """Returns the inputs of the first records of the split that is evaluated."""
    manifest = task.manifest()
    files = manifest.files(task.splits[min(1, len(task.splits) - 1)])
    examples = itertools.chain.from_iterable(map(records.read_examples, files))
    rows = []
    for example in itertools.islice(examples, count):
        begun = b" ".join(example["targets"].split()[:3])
        rows.append({name: example.get(name, begun) for name in task.given()})
    return rows


def given_rows(task, rows):
    """Returns rows as `t2t_mm.decode` takes them: texts as `str`."""
    return [
        {
            name: row[name].decode() if one.is_text else row[name]
            for name, one in task.given().items()
        }
        for row in rows
    ]


def distance(one, other):
    """Returns how far two scores are apart; 0 for neighbours in float32."""
    apart = abs(one - other)
    return 0.0 if apart <= np.spacing(np.float32(abs(one))) else apart


def compared(wanted, found):
    """Returns how many rows differ in their texts, and the largest difference of scores."""
    texts, worst = 0, 0.0
    for each, outputs, scores, error in zip(
        wanted, found["outputs"], found["scores"], found["errors"], strict=True
    ):
        assert not error, error
        best = [each] if each.n_best is None else each.n_best
        outputs, scores = (x if isinstance(x, list) else [x] for x in (outputs, scores))
        texts += outputs[: len(best)] != [one.outputs for one in best]
        gaps = [distance(one.score, score) for one, score in zip(best, scores, strict=False)]
        worst = max(worst, *(each if math.isfinite(each) else math.inf for each in gaps))
    return texts, worst


def compare(run, export_dir, *, rows=100, data_dir=None, problems=None, made=False, **search):
    """Exports a run, and yields `(name, rows, differing texts, worst gap, seconds)` of each.

    With `made`, the newest exports in the folder are taken as they are.
    """
    opened = opened_run.open_run(run, data_dir=data_dir)
    loaded = loaded_run.restore(opened, precision="float32")
    tasks = opened.matching(problems)
    if made:
        folder = pathlib.Path(export_dir)
        names = [*(task.name for task in tasks), "multi_model"]
        exports = {name: folder / name / str(versions.newest(folder / name)) for name in names}
    else:
        began = time.monotonic()
        exports = t2t_mm.export(loaded, export_dir, problems=problems, **search)["exports"]
        yield "(export)", len(exports), 0, 0.0, time.monotonic() - began
    wanted, asked = {}, {}
    for task in tasks:
        asked[task.name] = raw_rows(task, rows)
        began = time.monotonic()
        given = given_rows(task, asked[task.name])
        wanted[task.name] = t2t_mm.decode(loaded, given, problem=task.name, **search)
        seconds = time.monotonic() - began
        found = answered_alone(exports[task.name], {"serving_default": asked[task.name]})
        worst = compared(wanted[task.name], found["serving_default"])
        yield task.name, len(wanted[task.name]), *worst, seconds
    began = time.monotonic()
    found = answered_alone(exports["multi_model"], asked)
    seconds = time.monotonic() - began
    for name, answers in wanted.items():
        yield f"multi_model/{name}", len(answers), *compared(answers, found[name]), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("export_dir")
    parser.add_argument("--data_dir")
    parser.add_argument("--problems")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--beam_size", type=int, default=1)
    parser.add_argument("--alpha", type=float, default=0.0)
    parser.add_argument("--max_length", type=int)
    parser.add_argument("--made", action="store_true")
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    problems = given.pop("problems", None)
    wrong = 0
    for name, count, texts, gap, seconds in compare(
        given.pop("run"),
        given.pop("export_dir"),
        problems=problems.split(",") if problems else None,
        **given,
    ):
        wrong += bool(texts) or gap > CLOSE
        print(
            f"{name:44} {count:4} rows  {texts:3} differ  {gap:.1e}  {seconds:6.1f} s", flush=True
        )
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
