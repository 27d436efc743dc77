"""A run of one problem of each kind, with weights drawn at random, and its exports."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import config, vocabulary
from t2t_mm.modality import Audio, Categorical, Image, Language
from t2t_mm.models import build
from t2t_mm.runs import checkpoint, run_folder
from tests.models import conftest

SIZES = [
    *conftest.TINY_TRANSFORMER,
    "TransformerConfig.audio_widths = (4, 4, 4, 4, 4, 4, 8, 8)",
    "TrainSettings.precision = 'float32'",
    "DecodeSettings.max_length = 12",
]
SENTENCES = ["a red ball is under the blue box", "a blue box", "où est le chat", "the green cone"]
CLASSES = Categorical(classes=("cat", "dog", "hen", "où"))
PICTURE = Image(size=32)
SOUND = Audio(sample_rate=8_000, max_seconds=2.0)


def make_run(path, problems, sizes=SIZES):
    """Writes a run folder with a checkpoint of step 10; `problems` are inputs and targets."""
    words = vocabulary.build("mm_8k", SENTENCES, size=300)
    make_task = functools.partial(conftest.make_task, words=words)
    tasks = [
        make_task(name, inputs, targets, f"to-{name}")
        for name, (inputs, targets) in problems.items()
    ]
    config.load([], sizes)
    model = build.build("transformer", tasks)
    draw = np.random.default_rng(0)
    for variable in model.variables:
        variable.assign(draw.normal(scale=0.5, size=variable.shape).astype(np.float32))
    folder = run_folder.RunFolder(path).create(model="transformer", schedule="uniform", tasks=tasks)
    folder.write_config()
    fingerprint = build.model_fingerprint("transformer", model)
    checkpoint.Checkpoints(folder.checkpoints, {"model": model}, fingerprint=fingerprint).save(10)
    config.reset()
    return path


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The folder of a run of all kinds of problems."""
    problems = {
        "text": ({"inputs": Language()}, Language()),
        "classes": ({"image": PICTURE}, CLASSES),
        "questions": ({"image": PICTURE, "question": Language()}, Language()),
        "sounds": ({"sound": SOUND}, Language()),
        "writing": ({}, Language()),
    }
    return make_run(tmp_path_factory.mktemp("exporting") / "run", problems)


@pytest.fixture(scope="session")
def loaded(run):
    return t2t_mm.load_run(run)


@pytest.fixture(autouse=True, scope="package")
def _plain_graphs():
    """Runs graphs as they were traced: most of the time would go into optimising them."""
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": before.get("disable_meta_optimizer", False)}
    )
