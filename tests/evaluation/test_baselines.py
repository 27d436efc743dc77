import collections
import io
import math

import pytest
from PIL import Image

from t2t_mm import Problem, register_problem, testing
from t2t_mm.data import task as task_lib
from t2t_mm.data.records import read_examples
from t2t_mm.datagen import generate
from t2t_mm.evaluation import baselines
from t2t_mm.modality import Categorical, Language

A, B, C = "n01440764", "n02422106", "n03016953"


def jpeg(shade):
    file = io.BytesIO()
    Image.new("RGB", (40, 40), (shade, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def made(problem, files, folder):
    testing.write_files(folder / "raw", files)
    generate.generate(problem, folder / "data", manual_dir=folder / "raw", workers=1)
    return task_lib.Task.from_data(problem, folder / "data")


def test_the_most_frequent_class(tmp_path):
    train = [A, A, A, B, C, C]
    held_out = [A, B, B, C]
    files = {f"train/{w}/{w}_{n}.JPEG": jpeg(n) for n, w in enumerate(train)}
    files |= {f"val/{w}/v{n}.JPEG": jpeg(100 + n) for n, w in enumerate(held_out)}
    found = baselines.measure(made("imagenet", files, tmp_path), "validation")
    assert found.name == "most frequent class"
    # Shares in training 3/6, 1/6, 2/6; one of four held out is an A.
    nats = -(math.log(3 / 6) + 2 * math.log(1 / 6) + math.log(2 / 6)) / 4
    assert found.values == {
        "accuracy": 1 / 4,
        "top5_accuracy": 1.0,
        "log_perplexity": pytest.approx(nats),
    }


def test_a_copy_of_the_source(tmp_path):
    same = "A house that stays as it is.\n"
    files = {
        "train.de-en.en": "One.\n",
        "train.de-en.de": "Eins.\n",
        "newstest2013.en": same,
        "newstest2013.de": same,
        "newstest2014.en": "Quite another thing here.\n",
        "newstest2014.de": "Hier ist alles ganz anders.\n",
    }
    task = made("wmt_ende", files, tmp_path)
    copied = baselines.measure(task, "validation")
    assert copied.name == "copy the source"
    assert copied.values["bleu"] == pytest.approx(100)
    assert copied.names == {"log_perplexity": "frequencies of tokens"}
    assert baselines.measure(task, "test").values["bleu"] < 10


class Toy(Problem):
    inputs = {"left": Language(vocab="toy"), "right": Language(vocab="toy")}
    targets = Language(vocab="toy", max_length=8)
    command = "to-toy"
    metrics = ("exact_match", "log_perplexity", "token_accuracy")
    texts = {"train": ["yes", "no", "yes", "yes", "so"], "validation": ["yes", "no", "maybe"]}
    splits = ("train", "validation")

    def generate_examples(self, split, files):
        for number, text in enumerate(self.texts[split]):
            yield f"{split}/{number}", {"left": "which", "right": text, "targets": text}


def of(problem, folder):
    register_problem("toy_simple")(problem)
    generate.generate("toy_simple", folder / "data", manual_dir=folder, workers=1)
    return task_lib.Task.from_data("toy_simple", folder / "data")


def test_the_most_frequent_text_where_nothing_is_to_be_copied(registries, tmp_path):
    task = of(Toy, tmp_path)
    found = baselines.measure(task, "validation")
    assert found.name == "most frequent text of training"
    assert found.values["exact_match"] == pytest.approx(1 / 3)
    assert found.name_of("log_perplexity") == "frequencies of tokens"
    assert found.name_of("bleu") == ""
    counts = collections.Counter()
    for text in Toy.texts["train"]:
        counts.update([*task.vocabulary.encode(text), 1])
    every = [i for text in Toy.texts["validation"] for i in [*task.vocabulary.encode(text)[:7], 1]]
    total = sum(max(counts[i], 0.5) for i in range(task.vocabulary.size))
    nats = -sum(math.log(max(counts[i], 0.5) / total) for i in every) / len(every)
    assert found.values["log_perplexity"] == pytest.approx(nats)
    # The end token is in every text, so it is the most frequent token.
    assert found.values["token_accuracy"] == pytest.approx(every.count(1) / len(every))


def test_only_the_examples_of_an_evaluation_count(registries, tmp_path):
    task = of(Toy, tmp_path)
    kept = [e["targets"] for f in task.manifest().files("validation") for e in read_examples(f)]
    found = baselines.measure(task, "validation", max_examples=2)
    assert found.values["exact_match"] == kept[:2].count(b"yes") / 2


def test_a_problem_may_have_an_answer_of_its_own(registries, tmp_path):
    class Own(Toy):
        simple_answer_name = "copy what is right"

        def simple_answer(self, inputs):
            assert inputs["left"] == b"which"
            return inputs["right"].decode()

    found = baselines.measure(of(Own, tmp_path), "validation")
    assert (found.name, found.values["exact_match"]) == ("copy what is right", 1.0)
    assert found.names.keys() == {"log_perplexity", "token_accuracy"}


def test_an_answer_of_its_own_to_a_class_problem(registries, tmp_path):
    class Own(Toy):
        targets = Categorical(classes=("yes", "no", "so", "maybe"))
        metrics = ("accuracy", "exact_match", "log_perplexity")

        def simple_answer(self, inputs):
            return {"yes": "yes", "no": "no"}.get(inputs["right"].decode(), "what?")

    found = baselines.measure(of(Own, tmp_path), "validation")
    assert found.values["accuracy"] == pytest.approx(2 / 3)
    assert found.values["exact_match"] == pytest.approx(2 / 3)
    assert found.names == {"log_perplexity": "most frequent class"}
    # Counted in training: yes 3, no 1, so 1 and, never seen, maybe 0.5; 5.5 in all.
    nats = -sum(math.log(n / 5.5) for n in (3, 1, 0.5)) / 3
    assert found.values["log_perplexity"] == pytest.approx(nats)


def test_a_text_made_from_nothing_has_its_pieces_frequencies(registries, tmp_path):
    class Writing(Toy):
        inputs = {}
        metrics = ("log_perplexity",)

        def generate_examples(self, split, files):
            for key, values in super().generate_examples(split, files):
                yield key, {"targets": values["targets"]}

    found = baselines.measure(of(Writing, tmp_path), "validation")
    assert found.name == "frequencies of tokens"
    assert set(found.values) == {"log_perplexity"}
    assert found.describe() == {"name": found.name, "values": found.values, "names": {}}
