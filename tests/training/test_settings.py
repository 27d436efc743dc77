"""Settings are checked where they are made."""

import pytest

from t2t_mm import errors
from t2t_mm.training import settings


@pytest.mark.parametrize(
    ("cls", "field", "value"),
    [
        (settings.TrainSettings, "train_steps", 0),
        (settings.TrainSettings, "seed", -1),
        (settings.TrainSettings, "seed", 2**31),
        (settings.TrainSettings, "keep_checkpoints", 0),
        (settings.TrainSettings, "best_metric", "bleu"),
        (settings.TrainSettings, "best_metric", "wmt_ende/"),
        (settings.OptimizerSettings, "learning_rate", 0.0),
        (settings.OptimizerSettings, "beta_2", 1.0),
        (settings.OptimizerSettings, "clip_norm", -1.0),
    ],
)
def test_a_value_out_of_range_is_named(cls, field, value):
    with pytest.raises(errors.ConfigError, match=f"{cls.__name__}.{field}"):
        cls(**{field: value})


def test_a_metric_names_its_problem():
    assert settings.TrainSettings(best_metric="wmt_ende/bleu").best_metric == "wmt_ende/bleu"
