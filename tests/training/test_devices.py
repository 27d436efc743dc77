"""The devices that a training is given: so many, or one line that says why not."""

import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import config, errors
from t2t_mm.settings import training
from t2t_mm.training import devices
from tests.training import test_loop


@pytest.fixture
def with_gpus(monkeypatch):
    """Makes TensorFlow see three GPUs; returns those that it was told to use."""
    there, used = ["GPU 0", "GPU 1", "GPU 2"], []

    def visible(chosen, kind):
        assert kind == "GPU"
        used.extend(chosen)

    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: there if kind == "GPU" else ["CPU"]
    )
    monkeypatch.setattr(tf.config, "set_visible_devices", visible)
    return used


def test_so_many_of_the_gpus_are_used(with_gpus):
    said = []
    devices.use(2, "mirrored", said.append)
    assert with_gpus == ["GPU 0", "GPU 1"] and said == []


def test_more_devices_than_gpus_are_refused(with_gpus):
    with pytest.raises(errors.ConfigError, match="says 4, and this machine has 3 GPUs"):
        devices.use(4, "mirrored", print)
    assert with_gpus == []


@pytest.mark.parametrize(
    ("strategy", "said"),
    [("default", "takes one device, and --devices"), ("multi_worker", "one device. Leave it out")],
)
def test_a_strategy_that_cannot_use_them_is_named(monkeypatch, strategy, said):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    with pytest.raises(errors.ConfigError, match="--devices") as raised:
        devices.use(2, strategy, print)
    assert said in str(raised.value)


def test_what_has_started_cannot_be_split_any_more():
    there = len(tf.config.list_logical_devices("CPU"))  # starts TensorFlow
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("a processor is split where there is no GPU only")
    devices.use(there, "mirrored", print)
    with pytest.raises(errors.ConfigError, match=f"has started with {there} CPU"):
        devices.use(there + 1, "mirrored", print)


def test_the_number_is_bounded():
    for bad in (-1, 65):
        with pytest.raises(errors.ConfigError, match="devices"):
            config.build(training.TrainSettings, devices=bad)


def test_a_device_is_shown_by_the_end_of_its_name():
    assert devices.short("/job:worker/replica:0/task:1/device:GPU:3") == "GPU:3"


@pytest.mark.slow
def test_a_run_of_two_logical_devices_goes_on_with_one(python, tmp_path):
    """The log names the devices, and says in one line what is not the same any more."""
    data_dir = tmp_path / "data"
    t2t_mm.generate(["wmt_ende"], data_dir, source="sample", sample_size=60, workers=1)

    def train(steps, *flags):
        given = [f"--gin_param={text}" for text in test_loop.TINY]
        folders = [f"--data_dir={data_dir}", f"--output_dir={tmp_path / 'run'}"]
        command = ["-m", "t2t_mm.bin.trainer", "--problems=wmt_ende", f"--train_steps={steps}"]
        return python(*command, *folders, *given, *flags, timeout=600)

    refused = train(2, "--devices=2", "--strategy=default")
    assert refused.returncode == 2
    assert (
        refused.stderr.strip()
        .splitlines()[-1]
        .startswith("mm-trainer: The strategy default takes one device, and --devices")
    )
    first = train(2, "--devices=2")
    assert first.returncode == 0, first.stderr
    assert "is split into 2 logical devices" in first.stderr
    assert "on 2 CPUs (CPU:0, CPU:1; " in first.stderr
    second = train(4, "--devices=1")
    assert second.returncode == 0, second.stderr
    (said,) = [line for line in second.stderr.splitlines() if "An exact continuation" in line]
    assert "was written by 1 worker with 2 replicas, and 1 worker with 1 replica train now" in said
    assert "Going on from step 2." in second.stderr
