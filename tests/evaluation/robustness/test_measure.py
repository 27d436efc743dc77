"""Robustness from records to the run folder, with a model that sees brightness only."""

import io
import json
import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

import t2t_mm
from t2t_mm import errors
from t2t_mm.bin import eval as eval_command
from t2t_mm.bin import trainer
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import evaluate
from t2t_mm.evaluation.robustness import kept, kinds, measure
from t2t_mm.modality import Categorical, Image, Language, corruption
from t2t_mm.problem import Problem, register_problem
from t2t_mm.runs import loaded_run, run_folder
from t2t_mm.settings import batching, decoding
from tests.models import conftest as models

CLASSES = ("dark", "light")


class Lit(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical(classes=CLASSES)
    command = "to-class"
    metrics = ("accuracy",)

    def generate_examples(self, split, files):
        raise NotImplementedError


class Bright:
    """Says "light" where the mean of the pixels is above the middle."""

    config = types.SimpleNamespace(width=4)

    def traced_as(self, task_name):
        return task_name

    def command_row(self, task_name):
        return 0

    def class_logits(self, task_name, inputs, command):
        mean = tf.reduce_mean(tf.cast(inputs["image"], tf.float32), [1, 2, 3]) - 127.5
        return tf.stack([-mean, mean], 1) / 50


def png(level, number):
    pixels = np.random.default_rng(number).integers(level - 9, level + 10, (32, 32, 3), np.uint8)
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def run(registries, write_data, tmp_path):
    register_problem("lit")(Lit)
    examples = [
        {"image": png((95, 160)[n % 2], n), "targets": CLASSES[n % 2].encode()} for n in range(6)
    ]
    data_dir = write_data("lit", {"train": examples, "validation": examples})
    tasks = {"lit": task_lib.Task.from_data("lit", data_dir)}
    return loaded_run.LoadedRun(
        folder=run_folder.RunFolder(tmp_path / "run"),
        model=Bright(),
        tasks=tasks,
        step=7,
        batching=batching.Batching(batch_examples=2),
        decode_settings=decoding.DecodeSettings(),
    )


def test_curves_of_a_model_that_sees_brightness(run):
    answer = evaluate.evaluate(run, robustness=["contrast", "brightness", "fgsm"])
    assert answer["results"]["lit"]["accuracy"] == 1.0
    found = answer["robustness"]["lit"]
    assert found["clean"] == pytest.approx(answer["results"]["lit"])

    def accuracies(kind):
        return [each["accuracy"] for each in found["kinds"][kind].values()]

    assert list(found["kinds"]["fgsm"]) == ["1", "2", "3", "4", "5"]
    assert accuracies("contrast") == [1.0] * 5  # around the mean, which stays
    # 95 + 25.5 is dark still, 95 + 51 is not: only what is light is right then.
    assert accuracies("brightness") == [1.0, 0.5, 0.5, 0.5, 0.5]
    # 33 below and above the middle: 16 levels do not get there.
    assert accuracies("fgsm") == [1.0] * 5
    nats = [each["log_perplexity"] for each in found["kinds"]["fgsm"].values()]
    assert nats == sorted(nats) and nats[0] > found["clean"]["log_perplexity"]
    assert (found["split"], found["examples"], found["step"]) == ("validation", 6, 7)
    assert found["score"]["accuracy"] == pytest.approx(0.8)  # (5 + 3) / 10
    assert found["attack_relative"] == {
        "accuracy": 1.0,
        "log_perplexity": pytest.approx(sum(nats) / 5 / found["clean"]["log_perplexity"]),
    }
    assert kept.read(run.folder)["lit"]["score"] == pytest.approx(found["score"])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_and_another_one_differs(run, monkeypatch):
    monkeypatch.setattr(corruption, "STRENGTHS", (5,))

    def measured(seed):
        (task,) = run.tasks.values()
        return measure.measure(
            run.model,
            task,
            "validation",
            run.batching,
            run.decode_settings,
            kinds=kinds.chosen([task], ["shot_noise"])["lit"],
            max_examples=2,
            seed=seed,
        ).describe()

    twin = measured(0)
    assert twin["examples"] == 2
    assert measured(0) == twin
    assert measured(1)["kinds"] != twin["kinds"]


def test_what_cannot_be_damaged_so_is_told(run, capsys):
    with pytest.raises(errors.ConfigError, match="no corruption 'typos' of lit"):
        evaluate.evaluate(run, robustness=["typos"])
    (run.folder.robustness).mkdir(parents=True)
    (run.folder.robustness / "lit.json").write_text("{}")
    with pytest.raises(errors.DataError, match="lit.json is damaged: clean is missing"):
        kept.read(run.folder)


class Asked(Problem):
    inputs = {"image": Image(size=32), "question": Language(vocab="asked")}
    targets = Language(vocab="asked")
    command = "to-answer"
    metrics = ("exact_match",)

    def generate_examples(self, split, files):
        for number in range(6):
            yield (
                f"{split}/{number}",
                {
                    "image": png(95 + 10 * number, number),
                    "question": f"how light is number {number}, {split}?",
                    "targets": f"as light as {number}",
                },
            )


@pytest.mark.slow
def test_the_command_measures_every_input_of_a_trained_run(registries, tmp_path, capsys):
    register_problem("asked")(Asked)
    data, folder = tmp_path / "data", tmp_path / "run"
    t2t_mm.generate(["asked"], data_dir=data, source="manual", manual_dir=tmp_path, workers=1)
    sizes = [*models.TINY_TRANSFORMER, "DecodeSettings.max_length = 8"]
    settings = [f"--gin_param={line}" for line in (*sizes, "TrainSettings.model = 'transformer'")]
    where = [f"--data_dir={data}", f"--output_dir={folder}"]
    assert trainer.main(["--problems=asked", *where, "--train_steps=2", *settings]) == 0

    def measured(*flags):
        capsys.readouterr()
        code = eval_command.main([f"--output_dir={folder}", "--json", *flags])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out)

    few = "--robustness_examples=3"
    answer = measured("--robustness=jpeg,words,attack", few)
    found = answer["robustness"]["asked"]
    attacks = {"image:fgsm", "image:pgd", "question:fgsm", "question:pgd"}
    words = {"question:dropped_words", "question:swapped_words"}
    assert {"image:jpeg", *words, *attacks} == set(found["kinds"])
    assert all(list(curve) == ["1", "2", "3", "4", "5"] for curve in found["kinds"].values())
    for kind in ("image:pgd", "question:pgd"):
        for strength, values in found["kinds"][kind].items():
            fast = found["kinds"][kind.replace("pgd", "fgsm")][strength]
            assert values["log_perplexity"] >= fast["log_perplexity"] - 1e-4
            assert fast["log_perplexity"] > found["clean"]["log_perplexity"]
    page = pathlib.Path(answer["robustness_report"]).read_text()
    assert page.count("<svg") == 3  # of the families
    twin = measured("--robustness=question:words", few)["robustness"]["asked"]
    assert twin["kinds"] == {kind: found["kinds"][kind] for kind in words}
    assert eval_command.main([f"--output_dir={folder}", "--robustness=words,jpg"]) == 2
    assert "no corruption 'jpg' of asked" in capsys.readouterr().err
