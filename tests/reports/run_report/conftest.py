"""A run folder as a training and an evaluation leave it, made without either."""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image as pillow

from t2t_mm import config, registry, vocabulary
from t2t_mm.data import task as task_lib
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.problem import Problem, register_problem
from t2t_mm.runs import metrics_log, run_folder, starts
from tests.conftest import write_records

CLASSES = ("red", "green", "blue")
EVIL = "<script>alert(1)</script>"


class Coloured(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical()
    command = "to-class"
    metrics = ("accuracy", "log_perplexity")
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        raise NotImplementedError


class Asked(Coloured):
    inputs = {"image": Image(size=32), "question": Language(vocab="tiny")}
    targets = Language(vocab="tiny")
    command = "to-answer"
    metrics = ("exact_match", "bleu")


def picture(number, side=32):
    pixels = np.random.default_rng(number).integers(0, 255, [side, side, 3], np.uint8)
    data = io.BytesIO()
    pillow.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory, _plugins):
    """Returns the folder of a run of both problems, with all that a report can show."""
    place = tmp_path_factory.mktemp("reported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.problems, "_entries", dict(registry.problems._entries))
        register_problem("coloured")(Coloured)
        register_problem("asked")(Asked)
        named = [{"image": picture(n), "targets": CLASSES[n % 3].encode()} for n in range(6)]
        answers = [
            {"image": picture(n), "question": b"what is it", "targets": f"it is {n}".encode()}
            for n in range(6)
        ]
        data = place / "data"
        splits = {"train": named, "validation": named}
        write_records(data, "coloured", splits, shards=1, classes=CLASSES)
        write_records(data, "asked", {"train": answers, "validation": answers}, shards=1)
        texts = ["it is what", "what is it 0 1 2 3 4 5"] * 20
        vocabulary.build("tiny", texts, size=300).save(data / "vocabularies" / "tiny")
        tasks = task_lib.tasks_from_data(["coloured", "asked"], data)
    run = run_folder.RunFolder(place / "run")
    run.create(model="transformer", schedule="uniform", tasks=tasks)
    with config.only():
        run.write_config()
    write_log(run.metrics_path)
    starts.add(
        run.starts_path,
        {
            "step": 0,
            "time": 1.0e9,
            "command": ["mm-trainer", f"--problems={EVIL}"],
            "versions": {"t2t-mm": "1.2.3"},
            "machine": {"cores": 2, "strategy": "1 CPU"},
            "parameters": {"body": 3_000_000, "nets/image": 1_000_000},
            "examples": {"coloured": {"train": 6, "validation": 6}},
        },
    )
    write_decodes(run.path, "coloured", [*(CLASSES[n % 3] for n in range(5)), "green"])
    write_decodes(run.path, "asked", [*(f"it is {n}" for n in range(4)), EVIL, ""])
    return run.path


@pytest.fixture
def make_run(whole_run, tmp_path):
    """Returns a function that copies the run; with problems, log or decodes left out."""

    def make(name="run", *, problems=("coloured", "asked"), log=False, decodes=True):
        path = tmp_path / "runs" / name
        shutil.copytree(whole_run, path)
        if not log:
            (path / "metrics.jsonl").unlink()
        if not decodes:
            shutil.rmtree(path / "decodes")
        described = json.loads((path / "problems.json").read_text())
        described["problems"] = [p for p in described["problems"] if p["name"] in problems]
        (path / "problems.json").write_text(json.dumps(described))
        return path

    return make


def write_log(path, *, problems=("coloured", "asked"), steps=60):
    load = [[0.5, 0.25, 0.25, 0.0], [0.25] * 4]
    with metrics_log.MetricsLog(path) as log:
        for step in range(10, steps + 10, 10):
            for place, problem in enumerate(problems):
                loss = 4.0 / step + place
                means = {"loss": loss, "log_perplexity": loss, "norm": 2.0, "expert_load": load}
                counts = {"share": 0.5, "steps": 5, "examples": 40, "examples_per_s": 8.0}
                log.write(step, "train", problem, {**means, **counts})
            whole = {"steps_per_s": 2.0, "learning_rate": 1e-3, "memory_bytes": 2**30}
            log.write(step, "train", "", whole)
        for step in (30, 60):
            log.write(step, "validation", "coloured", {"accuracy": step / 100, "log_perplexity": 1})


def write_decodes(run, problem, outputs, *, split="validation", step=60):
    folder = run / "decodes"
    folder.mkdir(exist_ok=True)
    is_class = problem == "coloured"
    lines = []
    for n, output in enumerate(outputs):
        reference = CLASSES[n % 3] if is_class else f"it is {n}"
        measured = {"nats": 0.5, "rank": int(output != reference)}
        lines.append(
            {
                "inputs": f"{split}/{n}",
                "outputs": output,
                "score": -0.1 * n,
                "reference": reference,
                "key": f"{split}/{n}",
                "measured": measured if is_class else {"nats": 2.0, "correct": 1, "tokens": 3},
            }
        )
    search = "" if is_class else ".greedy"
    path = folder / f"{problem}.{split}.{step}{search}.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path
