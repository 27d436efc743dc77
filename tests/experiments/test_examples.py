"""Paired intervals over examples: what examples add is summed over seeds."""

import json
import types

import numpy as np
import pytest

from t2t_mm.evaluation import bootstrap
from t2t_mm.evaluation.exact_match import ExactMatch
from t2t_mm.experiments import examples, folder, outcome, plan
from t2t_mm.modality import Language

RUNS = [plan.PlannedRun("a", seed, "base", "joint", ("fsdd",)) for seed in (0, 1)]
OTHERS = [plan.PlannedRun("b", seed, "base", "joint", ("fsdd",)) for seed in (0, 1)]


def kept(values, tmp_path):
    """Returns examples whose hits by run are given, each example with a key of its place."""
    found = examples.Examples(folder.ExperimentFolder(tmp_path))

    def counted(run, problem):
        hits = values[run.key]
        own = np.array([(hit, 1.0) for hit in hits.values()])
        return {"exact_match": examples.Counted(ExactMatch(), list(hits), own)}

    found._counted = counted
    return found


def test_all_better_is_certain(tmp_path):
    hits = dict.fromkeys("xyz", 1), dict.fromkeys("zyx", 0)
    found = kept({"a/0": hits[0], "a/1": hits[0], "b/0": hits[1], "b/1": hits[1]}, tmp_path)
    interval = found.difference(RUNS, OTHERS, "fsdd", "exact_match")
    assert (interval.low, interval.high) == (1.0, 1.0)
    assert found.difference(RUNS, OTHERS, "fsdd", "bleu") is None


def test_examples_are_paired_by_key_and_summed_over_seeds(tmp_path):
    values = {
        "a/0": {"x": 1, "y": 0, "z": 1, "only": 0},
        "a/1": {"x": 1, "y": 1, "z": 0},
        "b/0": {"z": 1, "y": 0, "x": 0},
        "b/1": {"x": 0, "y": 0, "z": 1},
    }
    # By x, y, z: ours 2, 1, 1 of 2 seeds; theirs 0, 0, 2.
    ours, theirs = np.array([(2, 2), (1, 2), (1, 2.0)]), np.array([(0, 2), (0, 2), (2, 2.0)])
    expected = bootstrap.difference(ExactMatch(), ours, theirs)
    assert kept(values, tmp_path).difference(RUNS, OTHERS, "fsdd", "exact_match") == expected
    assert expected.mean == pytest.approx((2 + 1 - 1) / 6, abs=0.02)


def test_the_decodes_are_of_the_split_and_the_step_that_were_measured(tmp_path):
    held = folder.ExperimentFolder(tmp_path)
    run = RUNS[0]
    held.save(run, outcome.Outcome.of(run).replace(status="done", step=7))
    decodes = tmp_path / "decodes"
    decodes.mkdir()
    # By hand, the last checkpoint was decoded too, and another split.
    for name, hit in (("validation.7", True), ("validation.9", False), ("test.7", False)):
        line = {"key": "k", "outputs": "x" if hit else "y", "references": ["x"], "score": -1.0}
        (decodes / f"fsdd.{name}.jsonl").write_text(f"{json.dumps(line)}\n")
    task = types.SimpleNamespace(
        name="fsdd",
        splits=("train", "validation", "test"),
        metrics=("exact_match",),
        targets=Language(),
    )
    opened = types.SimpleNamespace(
        folder=types.SimpleNamespace(decodes=decodes), task=lambda _: task
    )
    found = examples.Examples(held)
    found._opened = lambda _: opened
    assert found._count(run, "fsdd")["exact_match"].statistics.tolist() == [[1.0, 1.0]]
