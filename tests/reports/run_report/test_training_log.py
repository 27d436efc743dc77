import json
import math

import pytest

from t2t_mm.reports.run_report import training_log


def write(path, entries):
    with path.open("w", encoding="utf-8") as file:
        for step, split, problem, metrics in entries:
            entry = {"step": step, "time": 1.0, "split": split, "problem": problem}
            file.write(json.dumps({**entry, "metrics": metrics}) + "\n")
    return path


def test_a_long_log_is_kept_in_bounds_and_counted_whole(tmp_path):
    count = 10_000
    path = write(
        tmp_path / "metrics.jsonl",
        ((n, "train", "x", {"loss": n, "steps": 1, "examples": 8}) for n in range(1, count + 1)),
    )
    log = training_log.TrainingLog.read(path)
    series = log.of("train", "x")
    steps, losses = series.points("loss")
    assert training_log.KEPT / 2 < len(steps) <= 2 * training_log.KEPT + 1
    assert steps[0] == 1 and steps[-1] == losses[-1] == count
    gaps = set((steps[1:-1] - steps[:-2]).tolist())
    assert gaps == {series.every}  # evenly spread
    assert (log.totals["x"].steps, log.totals["x"].examples) == (count, 8 * count)
    assert log.last_step == count


def test_what_is_no_number_is_no_point(tmp_path):
    entries = [(n, "train", "x", {"loss": v}) for n, v in enumerate([1, None, "two", True, 2.5])]
    log = training_log.TrainingLog.read(write(tmp_path / "m", entries))
    assert log.of("train", "x").points("loss").values.tolist() == [1, 2.5]
    assert log.of("train", "x").points("other").steps.tolist() == []
    assert log.of("nothing", "x").last("loss") is None


def test_logs_of_before_tell_steps_by_their_shares(tmp_path):
    entries = [
        (10, "train", "x", {"share": 0.7}),
        (10, "train", "y", {"share": 0.3}),
        (10, "train", "", {"steps_per_s": 2.0}),
        (30, "train", "x", {"share": 0.5}),
        (30, "train", "y", {"share": 0.5}),
        (30, "train", "", {"steps_per_s": 4.0}),
    ]
    log = training_log.TrainingLog.read(write(tmp_path / "m", entries))
    assert log.totals["x"].steps == pytest.approx(7 + 10)
    assert math.isnan(log.totals["x"].examples)
    assert log.active_s == pytest.approx(10 / 2 + 20 / 4)


def test_damaged_lines_are_numbered_and_a_torn_last_one_is_none(tmp_path):
    path = write(tmp_path / "m", [(1, "train", "x", {"loss": 1})])
    with path.open("ab") as file:
        file.write(b'\n{"step": "1", "split": "a", "problem": "", "metrics": {}}\nnull\n{"ste')
    log = training_log.TrainingLog.read(path)
    assert (log.damaged_lines, log.damaged) == (3, [2, 3, 4])
    assert training_log.TrainingLog.read(tmp_path / "none").damaged_lines == 0
