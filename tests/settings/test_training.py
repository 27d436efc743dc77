"""Settings are checked where they are made."""

import pytest

from t2t_mm import errors
from t2t_mm.settings import training


@pytest.mark.parametrize(
    ("cls", "field", "value"),
    [
        (training.TrainSettings, "train_steps", 0),
        (training.TrainSettings, "seed", -1),
        (training.TrainSettings, "seed", 2**31),
        (training.TrainSettings, "keep_checkpoints", 0),
        (training.TrainSettings, "best_metric", "bleu"),
        (training.TrainSettings, "best_metric", "wmt_ende/"),
        (training.OptimizerSettings, "learning_rate", 0.0),
        (training.OptimizerSettings, "beta_2", 1.0),
        (training.OptimizerSettings, "clip_norm", -1.0),
    ],
)
def test_a_value_out_of_range_is_named(cls, field, value):
    with pytest.raises(errors.ConfigError, match=f"{cls.__name__}.{field}"):
        cls(**{field: value})


def test_a_metric_names_its_problem():
    assert training.TrainSettings(best_metric="wmt_ende/bleu").best_metric == "wmt_ende/bleu"
