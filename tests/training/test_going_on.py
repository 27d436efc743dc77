"""What a training that goes on does otherwise than the run so far."""

import pytest
import tensorflow as tf

from t2t_mm import config
from t2t_mm.runs import run_folder
from t2t_mm.settings import training
from t2t_mm.training import going_on, session

CONFIG = """
OptimizerSettings.decay = 'linear'
OptimizerSettings.learning_rate = 0.003
OptimizerSettings.warmup_steps = 0
TrainSettings.precision = 'bfloat16'
TrainSettings.train_steps = 4
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / run_folder.CONFIG).write_text(CONFIG)
    yield run_folder.RunFolder(tmp_path)
    config.reset()


def load(run, *gin_params, **settings):
    config.load([], gin_params, of_run=run.bindings())
    chosen = config.build(training.TrainSettings, **settings)
    return config.build(training.OptimizerSettings), chosen


def test_what_is_given_otherwise_is_told_with_its_old_value(run):
    load(run)
    assert going_on.changes(run) is None
    load(run, "OptimizerSettings.learning_rate = 0.001", train_steps=6)
    assert going_on.changes(run) == (
        "Changed against the run so far: OptimizerSettings.learning_rate 0.003 -> 0.001, "
        "TrainSettings.train_steps 4 -> 6."
    )


def rate_change(run, *gin_params, step=4, **settings):
    chosen, of_training = load(run, *gin_params, **settings)
    return going_on.rate_change(run, chosen, step=step, train_steps=of_training.train_steps)


def test_a_further_last_step_that_changes_the_rate_is_told(run):
    # 0.003 (1 - 4/4) = 0 so far, and 0.003 (1 - 4/6) = 0.001 now.
    assert rate_change(run, train_steps=6) == (
        "The learning rate of step 5 is 0.001, and was 0 by the settings so far: the decay "
        "'linear' goes by train_steps, which was 4 and is 6."
    )
    lower = rate_change(run, "OptimizerSettings.learning_rate = 0.001", step=2)
    assert lower == (  # 0.001 (1 - 2/4), and 0.003 (1 - 2/4)
        "The learning rate of step 3 is 0.0005, and was 0.0015 by the settings so far."
    )


def test_a_rate_that_stays_is_not_told(run):
    assert rate_change(run, step=2) is None
    # In the warm-up the rate is peak (step + 1) / warm-up, whatever the last step.
    run.config_path.write_text(CONFIG.replace("warmup_steps = 0", "warmup_steps = 4"))
    run = run_folder.RunFolder(run.path)
    assert rate_change(run, step=2, train_steps=6) is None
    # Nor does a constant rate, or one by the root of the step, go by it.
    for decay in ("constant", "rsqrt"):
        run.config_path.write_text(CONFIG.replace("linear", decay))
        run = run_folder.RunFolder(run.path)
        assert rate_change(run, train_steps=6) is None


@pytest.mark.parametrize(
    ("given", "expected"), [((), "bfloat16"), (("float32",), "float32"), (("auto",), "bfloat16")]
)
def test_a_precision_that_is_given_counts_and_else_the_one_that_was_measured(run, given, expected):
    _, settings = load(run, *(f"TrainSettings.precision = {one!r}" for one in given))
    chosen = session._with_precision(settings, run, [], tf.distribute.get_strategy())
    assert chosen.precision == expected
