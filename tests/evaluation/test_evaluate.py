"""Which problems of a run are measured."""

import pytest

from t2t_mm import errors
from t2t_mm.data import task
from t2t_mm.evaluation import evaluate, evaluator
from t2t_mm.modality import Categorical, Image
from t2t_mm.problem import Problem, register_problem
from t2t_mm.runs import loaded_run
from t2t_mm.settings import batching, decoding


class Guessing(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical(classes=("x", "y"))
    command = "to-class"
    metrics = ("accuracy",)

    def generate_examples(self, split, files):
        raise NotImplementedError


@pytest.fixture
def two(registries, write_data, monkeypatch):
    """A run of two problems, of which only the first has data; nothing is computed."""

    def run(model, measured, split, *_, **__):
        measured.manifest()
        return evaluator.Evaluation({"accuracy": 1.0}, {}, [], [], [])

    monkeypatch.setattr(evaluator, "run", run)
    for name in ("here", "gone"):
        register_problem(name)(type(name, (Guessing,), {}))
        data_dir = write_data(name, {"train": [{"image": b"", "targets": b"x"}]})
    tasks = {name: task.Task.from_data(name, data_dir) for name in ("here", "gone")}
    (data_dir / "gone" / tasks["gone"].version / "manifest.json").unlink()
    chosen = decoding.DecodeSettings()
    return loaded_run.LoadedRun(
        folder=None,
        model=None,
        tasks=tasks,
        step=7,
        batching=batching.Batching(),
        decode_settings=chosen,
    )


def test_problems_without_data_are_left_out_with_a_warning(two, capsys):
    assert list(evaluate.evaluate(two)["results"]) == ["here"]
    assert "gone is left out: its data is not in" in capsys.readouterr().err


def test_problems_that_are_named_must_have_data(two):
    with pytest.raises(errors.DataError, match="The data of gone .*--data_dir"):
        evaluate.evaluate(two, problems=["here", "gone"])
