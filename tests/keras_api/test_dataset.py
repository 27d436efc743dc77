"""`t2t_mm.dataset`: the batches of training and evaluation, for anyone's loop."""

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import config, errors
from t2t_mm.data import pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.settings import batching

SMALL = ["Batching.batch_tokens = 256", "Batching.max_length = 64"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    t2t_mm.generate("wmt_ende", folder, source="sample", sample_size=60, workers=1)
    return folder


def keys(batches):
    return [batch["key"].numpy().tolist() for batch in batches]


def test_training_batches_are_those_of_a_training_with_the_seed(data_dir):
    tf.random.set_seed(3)  # as a training does
    task = task_lib.Task.from_data("wmt_ende", data_dir)
    sizes = batching.Batching(batch_tokens=256, max_length=64)
    wanted = keys(pipeline.train_dataset(task, sizes, seed=3).take(6))
    tf.random.set_seed(99)
    given = {"data_dir": data_dir, "gin_params": SMALL}
    assert keys(t2t_mm.dataset("wmt_ende", seed=3, **given).take(6)) == wanted
    assert keys(t2t_mm.dataset("wmt_ende", seed=4, **given).take(6)) != wanted


def test_training_has_no_end_and_evaluation_has_every_example_once(data_dir):
    train = t2t_mm.dataset("wmt_ende", data_dir=data_dir, gin_params=SMALL)
    assert train.cardinality() == tf.data.INFINITE_CARDINALITY
    assert train.element_spec["targets"].dtype == tf.int32
    given = {"data_dir": data_dir, "gin_params": SMALL}
    whole = t2t_mm.dataset("wmt_ende", "validation", **given)
    found = [key for batch in keys(whole) for key in batch]
    assert len(found) == len(set(found)) > 0
    parts = [keys(t2t_mm.dataset("wmt_ende", "validation", shard=(i, 2), **given)) for i in (0, 1)]
    joined = [key for part in parts for batch in part for key in batch]
    assert parts[0] and parts[1] and sorted(joined) == sorted(found)


def test_the_process_keeps_its_seed_and_its_configuration(data_dir):
    config.load([], ["TrainSettings.seed = 5"])
    before = config.operative()
    tf.random.set_seed(7)
    wanted = tf.random.uniform([4]).numpy()
    tf.random.set_seed(7)
    t2t_mm.dataset("wmt_ende", data_dir=data_dir, seed=3, gin_params=SMALL)
    np.testing.assert_array_equal(tf.random.uniform([4]).numpy(), wanted)
    assert config.operative() == before
    config.reset()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"problem": "wmt_endee"}, "Did you mean 'wmt_ende'"),
        ({"split": "validaton"}, "Did you mean 'validation'"),
        ({"shard": (2, 2)}, "from 0 to count - 1"),
        ({"gin_params": ["Batching.batch_token = 4"]}, "Did you mean .*batch_tokens"),
        ({"problem": "wmt_deen"}, "mm-datagen"),
        ({"run": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_is_told(data_dir, changes, said):
    given = {"problem": "wmt_ende", "data_dir": data_dir, **changes}
    with pytest.raises(errors.UserError, match=said):
        t2t_mm.dataset(**given)


def test_setting_a_seed_later_leaves_data_sets_whole(data_dir):
    """It empties TensorFlow's cache of kernels, to which tokenizers without a name belong."""
    made = t2t_mm.dataset("wmt_ende", "validation", data_dir=data_dir, gin_params=SMALL)
    tf.random.set_seed(5)
    assert len(keys(made.take(1))) == 1
