import io
import math

import pytest
from PIL import Image

from t2t_mm import testing
from t2t_mm.data import generate
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import baselines

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
    assert copied == baselines.Baseline("copy the source", {"bleu": pytest.approx(100)})
    assert baselines.measure(task, "test").values["bleu"] < 10
