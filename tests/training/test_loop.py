"""The whole training on sample data: what it writes, exact resume, Ctrl-C."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata

import t2t_mm
from t2t_mm import errors
from t2t_mm.data import manifest
from t2t_mm.runs import checkpoint, starts
from t2t_mm.training import console, single_steps

PROBLEMS = ["wmt_ende", "imagenet"]
COMMON = [
    "Batching.batch_tokens = 256",
    "Batching.max_length = 64",
    "Batching.batch_examples = 4",
    "OptimizerSettings.decay = 'constant'",  # others depend on the last step
    "TrainSettings.eval_examples = 6",
    "TrainSettings.log_every = 2",
    "TrainSettings.precision = 'float32'",
    "TrainSettings.schedule = 'uniform'",
    "DecodeSettings.max_length = 12",
]
# The smallest graph, since most of a short training is its tracing.
TINY = [
    *COMMON,
    "TrainSettings.model = 'transformer'",
    "TransformerConfig.width = 16",
    "TransformerConfig.heads = 2",
    "TransformerConfig.filter_width = 16",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.entry_widths = (4, 4, 8, 8)",
    "TransformerConfig.exit_widths = (16, 16)",
]
MULTI_MODEL = [
    *COMMON,
    "TrainSettings.model = 'multi_model'",
    "MultiModelConfig.width = 16",
    "MultiModelConfig.heads = 2",
    "MultiModelConfig.encoder_blocks = 1",
    "MultiModelConfig.mixer_blocks = 1",
    "MultiModelConfig.decoder_blocks = 1",
    "MultiModelConfig.experts = 4",
    "MultiModelConfig.selected = 2",
    "MultiModelConfig.expert_filter = 16",
    "MultiModelConfig.entry_widths = (4, 4, 8, 8)",
    "MultiModelConfig.exit_widths = (16, 16)",
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    t2t_mm.generate(PROBLEMS, folder, source="sample", sample_size=60, workers=1)
    return folder


def train(data_dir, output_dir, **changes):
    given = {"gin_params": TINY, "train_steps": 6, "eval_every": 0, "save_every": 100, **changes}
    return t2t_mm.train(PROBLEMS, data_dir=data_dir, output_dir=output_dir, **given)


def weights(output_dir, step):
    """Reads every tensor of a checkpoint, optimizer and counters included."""
    folder = pathlib.Path(output_dir) / "checkpoints"
    prefix = json.loads((folder / f"ckpt-{step}.json").read_text())["prefix"]
    reader = tf.train.load_checkpoint(str(folder / prefix))
    types = reader.get_variable_to_dtype_map()
    return {name: reader.get_tensor(name) for name, t in types.items() if t.is_floating}


@pytest.fixture(scope="module")
def straight(data_dir, tmp_path_factory):
    """Six steps in one go."""
    output_dir = tmp_path_factory.mktemp("runs") / "straight"
    return output_dir, train(data_dir, output_dir)


def test_the_answer_says_what_was_done(straight):
    _, answer = straight
    assert answer["step"] == 6
    assert answer["seconds"] > 0 and answer["steps_per_s"] > 0
    assert sum(problem["steps"] for problem in answer["problems"].values()) == 6
    for problem in answer["problems"].values():
        assert problem["steps"] > 0 and np.isfinite(problem["loss"])
    assert set(answer["eval"]) == set(PROBLEMS)
    assert {"bleu", "log_perplexity"} <= set(answer["eval"]["wmt_ende"])
    assert {"accuracy", "top5_accuracy"} <= set(answer["eval"]["imagenet"])


def test_the_run_folder_is_whole(straight):
    output_dir, _ = straight
    names = {path.name for path in output_dir.iterdir()}
    assert {"config.gin", "problems.json", "checkpoints", "metrics.jsonl", "tensorboard"} <= names
    lines = [json.loads(line) for line in (output_dir / "metrics.jsonl").open()]
    assert {line["split"] for line in lines} >= {"train", "validation"}
    for line in lines:
        assert set(line) == {"step", "time", "split", "problem", "metrics"}
    assert "TransformerConfig.width = 16" in (output_dir / "config.gin").read_text()
    sidecar = json.loads((output_dir / "checkpoints" / "ckpt-6.json").read_text())
    assert (sidecar["workers"], sidecar["replicas"]) == (1, 1)


def board(output_dir):
    """Returns what TensorBoard reads: at which steps each tag was written, by split."""
    read = {}
    for folder in sorted((output_dir / "tensorboard").iterdir()):
        accumulator = event_accumulator.EventAccumulator(
            str(folder), size_guidance={event_accumulator.TENSORS: 0}
        )
        accumulator.Reload()
        tags = sorted(accumulator.Tags()["tensors"])
        read[folder.name] = {tag: accumulator.Tensors(tag) for tag in tags}
    return read


def test_tensorboard_shows_what_the_run_is_and_does(straight):
    output_dir, _ = straight
    shown = board(output_dir)
    steps = [event.step for event in shown["train"]["mixture/wmt_ende"]]
    assert steps == [2, 4, 6]
    rates = {name: shown["train"][f"mixture/{name}"][0].tensor_proto for name in PROBLEMS}
    assert all(tf.make_ndarray(rate) == 0.5 for rate in rates.values())  # a uniform schedule
    validation = shown["validation"]
    table = tf.make_ndarray(validation["wmt_ende/samples"][0].tensor_proto).item().decode()
    assert table.splitlines()[0] == "|  | inputs | output | reference |"
    assert len(table.splitlines()) == 2 + 3  # TensorBoardSettings.samples
    pictures = [tag for tag in validation if tag.startswith("imagenet/image/")]
    assert pictures == [f"imagenet/image/{number}" for number in (1, 2, 3)]
    (path,) = (output_dir / "tensorboard" / "validation").glob("*settings")
    start, charts, end = [
        value
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    chosen = metadata.parse_session_start_info_plugin_data(start.metadata.plugin_data.content)
    assert chosen.hparams["TransformerConfig.width"].number_value == 16
    assert chosen.hparams["MixtureSettings.problems"].string_value == "wmt_ende, imagenet"
    assert chosen.group_name == f"{output_dir.name} in {output_dir.parent.resolve()}"
    over = metadata.parse_session_end_info_plugin_data(end.metadata.plugin_data.content)
    assert over.end_time_secs > 0
    layout = layout_pb2.Layout.FromString(tf.make_ndarray(charts.tensor).item())
    tags = [tag for split in shown.values() for tag in split]
    for category in layout.category:
        for chart in category.chart:
            (pattern,) = chart.multiline.tag
            drawn = [tag for tag in tags if re.match(pattern, tag)]
            assert drawn or category.title == "Experts", chart  # this model has none


def test_the_run_keeps_by_what_it_was_started(straight):
    output_dir, _ = straight
    (start,) = starts.read(output_dir / "starts.jsonl")
    assert start["step"] == 0 and start["command"] and start["machine"]["cores"] >= 1
    assert {"t2t-mm", "tensorflow", "keras", "python"} <= set(start["versions"])
    assert sum(start["parameters"].values()) > 0
    assert set(start["examples"]) == set(PROBLEMS)


def test_a_run_in_two_parts_is_the_run_in_one_bit_for_bit(straight, data_dir, tmp_path):
    output_dir, answer = straight
    train(data_dir, tmp_path / "parts", train_steps=3)
    resumed = train(data_dir, tmp_path / "parts", train_steps=6)
    assert resumed["eval"] == answer["eval"]
    one, two = weights(output_dir, 6), weights(tmp_path / "parts", 6)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)
    whole, parts = (steps_shown(folder) for folder in (output_dir, tmp_path / "parts"))
    assert parts["train"] == whole["train"]  # the line of step 3 is gone: it was not due
    assert parts["validation"]["imagenet/image/1"] == [3]
    assert parts["validation"]["wmt_ende/samples"] == [3, 6]


@pytest.mark.slow
def test_a_run_of_several_problems_a_step_in_two_parts_is_the_run_in_one(data_dir, tmp_path):
    several = {
        "gin_params": [
            *TINY,
            "TrainSettings.problems_per_step = 2",
            "MixtureSettings.loss_weights = {'imagenet': 0.5}",
        ]
    }
    answer = train(data_dir, tmp_path / "whole", train_steps=5, **several)
    assert {problem["steps"] for problem in answer["problems"].values()} == {5}  # each in each
    train(data_dir, tmp_path / "parts", train_steps=3, **several)
    assert train(data_dir, tmp_path / "parts", train_steps=5)["eval"] == answer["eval"]
    one, two = weights(tmp_path / "whole", 5), weights(tmp_path / "parts", 5)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)
    lines, again = (
        [line for line in told(tmp_path / name) if line["split"] == "train"]
        for name in ("whole", "parts")
    )
    assert lines == again
    shares = {line["metrics"]["share"] for line in lines if line["problem"]}
    assert shares == {1.0}
    norms = {(line["step"], line["metrics"]["norm"]) for line in lines if line["problem"]}
    assert len(norms) == 3  # at steps 2, 4 and 5: one norm, of the update, for both


@pytest.mark.slow
def test_a_run_by_an_adaptive_schedule_in_two_parts_is_the_run_in_one(data_dir, tmp_path):
    adaptive = {
        "gin_params": [
            *(binding for binding in TINY if "schedule" not in binding),
            "TrainSettings.schedule = 'adaptive:power=100,every=4'",
            "TrainSettings.problems_per_step = 1",
        ]
    }
    train(data_dir, tmp_path / "whole", train_steps=70, **adaptive)
    train(data_dir, tmp_path / "parts", train_steps=51, **adaptive)  # between two looks
    train(data_dir, tmp_path / "parts", train_steps=70, **adaptive)
    one, two = (
        json.loads((tmp_path / name / "checkpoints" / "ckpt-70.json").read_text())["extra"]
        for name in ("whole", "parts")
    )
    assert one["progress"] == two["progress"] and "imagenet" in one["progress"]["shown"]
    assert one["problem_steps"] == two["problem_steps"]
    first, second = weights(tmp_path / "whole", 70), weights(tmp_path / "parts", 70)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.slow
def test_samples_change_nothing_of_a_training(tmp_path):
    """Its metrics need no outputs, so that they are decoded for the samples alone."""
    problem = "multi30k_lm_en"
    t2t_mm.generate([problem], tmp_path / "data", source="sample", sample_size=60, workers=1)
    for count in (0, 2):
        t2t_mm.train(
            [problem],
            data_dir=tmp_path / "data",
            output_dir=tmp_path / f"{count}",
            gin_params=[*TINY, f"TensorBoardSettings.samples = {count}"],
            train_steps=3,
            eval_every=2,
        )
    one, two = weights(tmp_path / "0", 3), weights(tmp_path / "2", 3)
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], err_msg=name)
    tag = f"{problem}/samples"
    assert tag not in board(tmp_path / "0")["validation"]
    first, last = board(tmp_path / "2")["validation"][tag]
    assert (first.step, last.step) == (2, 3)
    rows = tf.make_ndarray(last.tensor_proto).item().decode().splitlines()
    assert [row.count(" | ") for row in rows] == [2] * 4  # a head, a line, and two samples


def steps_shown(output_dir):
    """Returns the steps at which TensorBoard has values, by split and tag."""
    return {
        split: {tag: [event.step for event in events] for tag, events in tags.items()}
        for split, tags in board(output_dir).items()
    }


def told(output_dir):
    """Returns the lines of the log without what depends on clocks and on memory."""
    lines = [json.loads(line) for line in (output_dir / "metrics.jsonl").open()]
    for line in lines:
        del line["time"]
        line["metrics"] = {
            name: value
            for name, value in line["metrics"].items()
            if not name.endswith(("_per_s", "memory_bytes"))
        }
    return lines


@pytest.fixture
def at_step(monkeypatch):
    """Returns a function that has something done in the midst of a step."""
    take = single_steps.Steps.take

    def arrange(number, work):
        def patched(self, *args, seed, **kwargs):
            if int(seed[1]) + 1 == number:
                work()
            return take(self, *args, seed=seed, **kwargs)

        monkeypatch.setattr(single_steps.Steps, "take", patched)

    yield arrange
    monkeypatch.undo()


class _Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def _kill():
    raise _Killed


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_a_log_does_not_show_that_a_training_was_stopped(
    how, straight, data_dir, tmp_path, at_step
):
    output_dir, answer = straight
    # A line is written every second step; the checkpoint of step 3 is between two.
    if how == "killed":
        at_step(5, _kill)
        with pytest.raises(_Killed):
            train(data_dir, tmp_path / "run", save_every=3)
    else:
        at_step(3, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt, match="step 3 is saved"):
            train(data_dir, tmp_path / "run")
        assert {line["step"] for line in told(tmp_path / "run")} == {2}
    at_step(0, _kill)
    again = train(data_dir, tmp_path / "run")
    assert told(tmp_path / "run") == told(output_dir)
    assert again["problems"] == answer["problems"]


@pytest.mark.slow
def test_a_training_that_ended_between_two_lines_and_goes_on_has_the_same_log(
    straight, data_dir, tmp_path
):
    output_dir, _ = straight
    train(data_dir, tmp_path / "run", train_steps=3)
    at_end = [line for line in told(tmp_path / "run") if line["split"] == "train"]
    assert {line["step"] for line in at_end} == {2, 3}  # what there is, for its last table
    train(data_dir, tmp_path / "run")
    lines = [line for line in told(tmp_path / "run") if line["split"] == "train"]
    assert lines == [line for line in told(output_dir) if line["split"] == "train"]


@pytest.mark.slow
def test_what_was_evaluated_is_not_evaluated_again(data_dir, tmp_path):
    changes = {"gin_params": [*TINY, "TrainSettings.patience = 1"], "train_steps": 2}
    first = train(data_dir, tmp_path / "run", **changes)
    before = told(tmp_path / "run")
    for _ in range(2):
        assert train(data_dir, tmp_path / "run", **changes)["eval"] == first["eval"]
    assert told(tmp_path / "run") == before
    assert train(data_dir, tmp_path / "run", **{**changes, "train_steps": 3})["step"] == 3


@pytest.mark.slow
def test_the_last_table_has_the_last_values_and_says_where_to_go_on(data_dir, tmp_path, capsys):
    answer = train(data_dir, tmp_path / "a run", train_steps=3, eval_every=2)
    said = capsys.readouterr().err
    table, words = said[said.rindex("step 3 of 3") :].split("Done: ")
    for name, metric in (("wmt_ende", "bleu"), ("imagenet", "accuracy")):
        value = console.format_metric(metric, answer["eval"][name][metric])
        (row,) = [line for line in table.splitlines() if line.split()[0] == name]
        assert f"{metric} {value}" in row
    assert f"The run is in {tmp_path / 'a run'}" in words
    commands = [line.partition(": ")[2] for line in words.splitlines()[1:]]
    assert [shlex.split(command)[:2] for command in commands] == [
        [name, f"--output_dir={tmp_path / 'a run'}"] for name in ("mm-eval", "mm-decoder")
    ]


@pytest.mark.slow  # quick ones are those of batches, draws and dropout
def test_another_seed_is_another_run(straight, data_dir, tmp_path):
    output_dir, _ = straight
    train(data_dir, tmp_path / "other", seed=1)
    one, two = weights(output_dir, 6), weights(tmp_path / "other", 6)
    assert any(not np.array_equal(value, two[name]) for name, value in one.items())


def test_a_reached_step_is_not_trained_again(straight):
    output_dir, _ = straight
    before = checkpoint.Checkpoints(output_dir / "checkpoints", {}).steps()
    answer = train(None, output_dir)  # the run knows where its data is
    assert (answer["step"], answer["steps_per_s"]) == (6, 0.0)
    assert set(answer["eval"]) == set(PROBLEMS)
    assert checkpoint.Checkpoints(output_dir / "checkpoints", {}).steps() == before


@pytest.mark.slow
def test_the_time_limit_ends_a_training(data_dir, tmp_path, capsys):
    answer = train(data_dir, tmp_path / "timed", train_steps=10_000, train_seconds=1)
    assert 0 < answer["step"] < 10_000
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"Opening the data of 2 problems in {data_dir}."
    assert lines[1].startswith("Building transformer, computed in float32, on 1 CPU (")
    (said,) = [line for line in lines if line.startswith("The time limit")]
    assert said.startswith("The time limit of 1 s (TrainSettings.train_seconds) has ended the ")
    assert f"at step {answer['step']:,} of 10,000" in said


@pytest.mark.slow
def test_patience_ends_a_training(data_dir, tmp_path):
    answer = train(
        data_dir,
        tmp_path / "patient",
        train_steps=50,
        eval_every=1,
        gin_params=[
            *TINY,
            "OptimizerSettings.learning_rate = 1e-12",  # nothing gets better
            "TrainSettings.patience = 2",
            "TrainSettings.best_metric = 'imagenet/accuracy'",
        ],
    )
    assert answer["step"] == 3  # the first is the best; two more without a better one
    best = checkpoint.Checkpoints(tmp_path / "patient" / "checkpoints", {}).best_step()
    assert best == 1


def test_a_dry_run_tells_and_writes_nothing(data_dir, tmp_path):
    answer = train(data_dir, tmp_path / "dry", dry_run=True)
    assert answer["rates"] == {"wmt_ende": 0.5, "imagenet": 0.5}
    assert answer["examples_a_step"]["imagenet"] == 4  # Batching.batch_examples
    # Half of 6 steps are its own.
    examples = manifest.Manifest.load(data_dir, "imagenet", "1.0.0").examples("train")
    assert answer["epochs"]["imagenet"] == pytest.approx(3 * 4 / examples)
    assert answer["parameters"]["image"] > 0 and answer["parameters"]["body/encoder"] > 0
    assert answer["shapes"]["imagenet"]["image"][1:] == answer["shapes"]["imagenet"]["image"][1:]
    assert answer["memory_bytes"]["optimizer"] == 2 * answer["memory_bytes"]["weights"]
    assert answer["memory_bytes"]["activations"] > 0
    assert not (tmp_path / "dry").exists()


def test_a_gin_file_names_the_problems_and_the_run_keeps_them(straight, data_dir, tmp_path):
    file = tmp_path / "mixture.gin"
    file.write_text(f"MixtureSettings.problems = {tuple(PROBLEMS)}\n")
    answer = t2t_mm.train(
        data_dir=data_dir,
        output_dir=tmp_path / "dry",
        gin_files=[str(file)],
        gin_params=TINY,
        dry_run=True,
    )
    assert list(answer["rates"]) == PROBLEMS
    output_dir, _ = straight
    again = t2t_mm.train(data_dir=data_dir, output_dir=output_dir, dry_run=True)
    assert list(again["rates"]) == PROBLEMS
    with pytest.raises(errors.ConfigError, match="No problem is named"):
        t2t_mm.train(data_dir=data_dir, output_dir=tmp_path / "none", gin_params=TINY)


def test_a_dry_warm_start_shows_what_would_be_restored(straight, data_dir, tmp_path, capsys):
    output_dir, _ = straight
    given = {"data_dir": data_dir, "output_dir": tmp_path / "warm", "warm_start": output_dir}
    t2t_mm.train(["wmt_ende"], **given, gin_params=TINY, dry_run=True)
    said = capsys.readouterr().err
    assert "Warm start with weights of" in said and "Left behind: " in said
    with pytest.raises(errors.CheckpointError, match="width is 16 there, 32 here"):
        wider = [*TINY, "TransformerConfig.width = 32"]
        t2t_mm.train(["wmt_ende"], **given, gin_params=wider, dry_run=True)


@pytest.mark.slow
def test_a_run_with_no_step_left_says_so(data_dir, tmp_path, capsys):
    assert train(data_dir, tmp_path / "run", train_steps=2)["step"] == 2
    assert "No step is left" not in capsys.readouterr().err
    for most in (2, 1):
        assert train(data_dir, tmp_path / "run", train_steps=most)["step"] == 2
        said = f"No step is left to train: the run is at step 2, and --train_steps is {most}."
        assert said in capsys.readouterr().err


def test_a_folder_of_another_run_is_refused(straight, data_dir):
    output_dir, _ = straight
    with pytest.raises(errors.ConfigError, match="holds another run.*model is transformer"):
        train(data_dir, output_dir, model="multi_model")
    with pytest.raises(errors.CheckpointError, match="width"):
        train(data_dir, output_dir, gin_params=[*TINY, "TransformerConfig.width = 32"])


@pytest.mark.slow  # tests of signals and of a run in two parts are quick
def test_ctrl_c_saves_and_the_same_command_goes_on(data_dir, tmp_path):
    command = [
        *(sys.executable, "-m", "t2t_mm.bin.trainer", "--json"),
        f"--problems={PROBLEMS[0]}",
        f"--data_dir={data_dir}",
        f"--output_dir={tmp_path / 'run'}",
        "--eval_every=0",
        *(f"--gin_param={binding}" for binding in TINY),
    ]
    first = subprocess.Popen(
        [*command, "--train_steps=100000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    log = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and log.read_text().count('"train"') >= 2):
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.2)
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 130, err
    assert out == ""
    assert "is saved" in err
    (reached,) = checkpoint.Checkpoints(tmp_path / "run" / "checkpoints", {}).steps()
    second = subprocess.run(
        [*command, f"--train_steps={reached + 2}"], capture_output=True, text=True, check=False
    )
    assert second.returncode == 0, second.stderr
    assert f"Going on from step {reached}" in second.stderr
    assert json.loads(second.stdout)["step"] == reached + 2
