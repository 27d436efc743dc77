import csv
import sys

import pytest

import t2t_mm
from t2t_mm import errors
from t2t_mm.experiments import processes, specialists

REAL_RUN = processes.Processes.run


@pytest.mark.parametrize(
    ("stdout", "value"),
    [
        ('epoch 1\n{"f1": 0.75, "n": 3}\n', 0.75),
        ("{'f1': 0.75, 'n': 3}\n\n", 0.75),
        ('{"f1": 1}', 1.0),
        ('{"f1": 0.5}\nDone.', None),
        ('{"f1": true}', None),
        ('{"f1": NaN}', None),
        ("[1]", None),
        ("", None),
    ],
)
def test_the_last_line_holds_the_metric(stdout, value):
    assert specialists.answer(stdout, "f1") == value


def test_a_specialist_has_the_time_of_the_run_alone(told, data, gin_file, tmp_path, monkeypatch):
    fake = processes.Processes.run

    def run(self, command, log, **asked):
        real = command[0] == sys.executable and command[1] == "-c"
        return (REAL_RUN if real else fake)(self, command, log, **asked)

    monkeypatch.setattr(processes.Processes, "run", run)
    program = "import sys; print(dict(top=0.25 + int(sys.argv[2]) / 8, s=sys.argv[1]))"
    words = f"{sys.executable} -c '{program}' {{seconds}} {{seed}}"
    lines = [
        "ExperimentSettings.groups = ('alone',)",
        f"ArtSettings.specialists = (('fsdd', 'cnn', 'accuracy', 'top', {words!r}),)",
        "ArtSettings.published = (('fsdd', 'accuracy', 0.9, 'Someone 2020'), "
        "('imagenet', 'top5_accuracy', 0.95, 'Others 2017'))",
    ]
    folder = tmp_path / "out"
    answer = t2t_mm.experiment(gin_file(*lines), data_dir=data, output_dir=folder, seeds=(0, 1))
    assert {run["status"] for run in answer["runs"]} == {"done"}
    tables = {}
    for name in ("runs", "differences", "published"):
        with (folder / "tables" / f"{name}.csv").open() as file:
            tables[name] = list(csv.DictReader(file))
    own = [row for row in tables["runs"] if row["name"] == "specialist.cnn.fsdd"]
    assert [row["command"].split()[-2:] for row in own] == [["4", "0"], ["4", "1"]]
    found = tables["differences"][0]
    assert (found["run"], found["less"]) == ("alone", "specialist.cnn")
    # Ours are 0.5 and 0.5 + 1/64, the specialist's 0.25 and 0.375.
    assert float(found["difference"]) == pytest.approx((0.25 + 0.125 + 1 / 64) / 2, abs=1e-6)
    assert [(row["problem"], row["mean"]) for row in tables["published"]] == [
        ("fsdd", "0.507812"),
        ("imagenet", ""),
    ]
    page = (folder / "report.html").read_text()
    assert "Someone 2020" in page and "Others 2017" in page


def test_a_specialist_that_is_not_there_fails_alone(told, data, gin_file, tmp_path, monkeypatch):
    def run(self, command, log, **asked):
        raise FileNotFoundError(2, "No such file or directory")

    fake = processes.Processes.run
    monkeypatch.setattr(
        processes.Processes,
        "run",
        lambda self, command, log, **asked: (run if command[0] == "nowhere" else fake)(
            self, command, log, **asked
        ),
    )
    line = "ArtSettings.specialists = (('fsdd', 'x', 'accuracy', 'top', 'nowhere {seconds}'),)"
    asked = {"data_dir": data, "output_dir": tmp_path / "out", "seeds": (0,)}
    answer = t2t_mm.experiment(gin_file(line), **asked)
    assert [run["status"] for run in answer["runs"]] == ["done", "failed"]
    assert answer["runs"][1]["why"] == "nowhere: No such file or directory"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("('fsd', 'x', 'accuracy', 'top', 'a')", "Did you mean 'fsdd'"),
        ("('fsdd', 'x', 'acuracy', 'top', 'a')", "Did you mean 'accuracy'"),
        ("('fsdd', 'x', 'accuracy', 'top', 'a {second}')", "cannot be filled in"),
        ("('fsdd', 'x', 'accuracy', 'top', 'a {seed.x}')", "cannot be filled in"),
        ("('fsdd', 'x', 'accuracy', 'top', 'a {seed[x]}')", "cannot be filled in"),
        ("('fsdd', 'x', 'accuracy', 'top', ' ')", "no program"),
        ("('fsdd', 'x', 'accuracy', 'a')", "out of range"),
    ],
)
def test_a_specialist_that_is_none_is_refused(own, said, told, data, gin_file, tmp_path):
    file = gin_file(f"ArtSettings.specialists = ({own},)")
    with pytest.raises(errors.ConfigError, match=said):
        t2t_mm.experiment(file, data_dir=data, output_dir=tmp_path / "out")
