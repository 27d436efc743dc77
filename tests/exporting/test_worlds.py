"""Whole worlds exported: every problem equal to mm-decoder, in a process without the framework."""

import pytest

import t2t_mm
from t2t_mm import config
from tests.exporting import compare

SAMPLE = (
    "wmt_ende,imagenet,coco_caption,vqa,vqa_classes,wsj_speech,fsdd,wsj_parsing,multi30k_lm_en"
).split(",")
SEARCHES = [{}, {"beam_size": 4, "alpha": 0.6}]


def train(problems, folder, **data):
    """Trains one step, whose weights answer at random and at length."""
    t2t_mm.generate(problems, folder / "data", workers=1, vocabulary_size=500, **data)
    run = folder / "run"
    t2t_mm.train(
        problems,
        data_dir=folder / "data",
        output_dir=run,
        gin_files=["models/multi_model_tiny"],
        gin_params=[
            "TrainSettings.precision = 'float32'",
            "TrainSettings.train_steps = 1",
            "TrainSettings.eval_examples = 1",
            "DecodeSettings.max_length = 30",
        ],
    )
    config.reset()
    return run


@pytest.fixture(scope="module")
def sample_world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample_world")
    return train(SAMPLE, folder, source="sample", sample_size=40)


def assert_equal(run, place, rows, search, problems=None):
    found = compare.compare(run, place, rows=rows, problems=problems, **search)
    for name, _, texts, gap, _ in found:
        assert texts == 0, name
        assert gap < compare.CLOSE, name


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES, ids=["greedy", "beam"])
def test_every_problem_of_the_sample_world(sample_world, tmp_path, search):
    assert_equal(sample_world, tmp_path, 20, search)


@pytest.mark.slow
def test_scores_of_long_outputs(sample_world, tmp_path):
    """Sums of 256 log-probabilities, near -1,000."""
    assert_equal(sample_world, tmp_path, 20, {"max_length": 256}, ["wsj_speech"])


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("corpus", "problems"),
    [("multi30k", ["multi30k_ende", "multi30k_lm_en"]), ("fsdd", ["fsdd", "fsdd_words"])],
)
def test_real_corpora(real_data, tmp_path, corpus, problems):
    root = real_data(corpus)
    run = train(
        problems, tmp_path, source="manual", manual_dir=root, max_examples=60, follow_links=True
    )
    assert_equal(run, tmp_path / "exports", 20, {})
