"""Tasks of small problems, with their data."""

import pytest

from t2t_mm import register_problem, vocabulary
from t2t_mm.data import task
from tests.data import toys


@pytest.fixture
def translation(registries, write_data):
    register_problem("tiny_translation")(toys.Translation)
    pairs = [
        {"inputs": a, "targets": b}
        for a, b in zip(toys.sentences(150, seed=0), toys.sentences(150, seed=1), strict=True)
    ]
    data_dir = write_data("tiny_translation", {"train": pairs, "validation": pairs[:37]}, shards=3)
    made = vocabulary.build(
        "tiny", [line.decode() for line in toys.sentences(200, seed=2)], size=320
    )
    made.save(data_dir / "vocabularies" / "tiny")
    return task.Task.from_data("tiny_translation", data_dir)


@pytest.fixture
def naming(registries, write_data):
    register_problem("tiny_naming")(toys.Naming)
    examples = [
        {"image": toys.picture(i), "targets": b"cat" if i % 3 else b"dog"} for i in range(23)
    ]
    splits = {"train": examples, "validation": examples[:9]}
    return task.Task.from_data(
        "tiny_naming", write_data("tiny_naming", splits, classes=("cat", "dog"))
    )


@pytest.fixture
def captions(registries, write_data, translation):
    register_problem("tiny_captions")(toys.Captions)
    examples = [
        {"image": toys.picture(i), "targets": text}
        for i, text in enumerate(toys.sentences(21, seed=3))
    ]
    splits = {"train": examples, "validation": examples[:11]}
    return task.Task.from_data("tiny_captions", write_data("tiny_captions", splits))


@pytest.fixture(params=["translation", "naming", "captions"])
def any_task(request):
    return request.getfixturevalue(request.param)
