"""The mean of checkpoints is a run of its own: right, whole, and never in another's place."""

import contextlib
import errno
import functools
import json
import os
import pathlib
import shutil
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import config, errors, vocabulary
from t2t_mm.bin import avg as command
from t2t_mm.bin import trainer as trainer_command
from t2t_mm.files import atomic
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.models import build
from t2t_mm.runs import checkpoint, loaded_run, origin, run_folder
from t2t_mm.training import job, mean, warm_start
from tests.models import conftest

SIZES = [
    *conftest.TINY_TRANSFORMER,
    "TrainSettings.precision = 'float32'",
    "DecodeSettings.max_length = 8",
]
WORDS = vocabulary.build("mm_8k", ["a red ball", "a blue box", "the green cone is small"], size=290)
make_task = functools.partial(conftest.make_task, words=WORDS)
TASKS = [
    make_task("text", {"inputs": Language()}, Language(), "to-german"),
    make_task("pictures", {"image": Image(size=32)}, Categorical(classes=("cat", "dog")), "class"),
]
STEPS = [10, 20, 30]


@pytest.fixture(autouse=True)
def _clean():
    yield
    config.reset()


def make_model(seed=0):
    config.load([], SIZES)
    model = build.build("transformer", TASKS)
    draw = np.random.default_rng(seed)
    for variable in model.variables:
        variable.assign(draw.normal(size=variable.shape).astype(np.float32))
    return model


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with checkpoints of steps 10, 20 and 30, each with weights of its own."""
    path = tmp_path_factory.mktemp("averaging") / "run"
    model = make_model()
    folder = run_folder.RunFolder(path).create(model="transformer", schedule="uniform", tasks=TASKS)
    folder.write_config()
    moment = tf.Variable(tf.zeros([3]))
    saved = checkpoint.Checkpoints(
        folder.checkpoints,
        {"model": model, "optimizer": moment},
        fingerprint=build.model_fingerprint("transformer", model),
    )
    draw = np.random.default_rng(1)
    for step in STEPS:
        for variable in model.variables:
            variable.assign(draw.normal(size=variable.shape).astype(np.float32))
        moment.assign_add([1.0, 2.0, 3.0])
        saved.save(step, {"problem_steps": {"text": step}})
    config.reset()
    return path


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, to be spoilt."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def loaded(trained, monkeypatch):
    """Lets many averages share one model; what it holds is overwritten by each."""
    once = loaded_run.load_run(trained, checkpoint=30)
    monkeypatch.setattr(loaded_run, "restore", lambda run, which: once)
    return once


def tensors(folder, step=30):
    """Reads all variables of a checkpoint by their names."""
    sidecar = json.loads((folder / "checkpoints" / f"ckpt-{step}.json").read_text())
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / sidecar["prefix"]))
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    return {name: reader.get_tensor(name) for name in names}


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def damage(run, step):
    (path,) = (run / "checkpoints").glob(f"ckpt-{step}-*.data-*")
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(("count", "steps"), [(None, STEPS), (3, STEPS), (2, [20, 30])])
def test_every_variable_of_the_model_is_the_mean_of_the_newest(run, loaded, count, steps):
    answer = t2t_mm.average(run, checkpoints=count)
    assert answer == {"step": 30, "averaged": steps, "to": str(run / "averaged")}
    held = [tensors(run, step) for step in steps]
    found = tensors(run / "averaged")
    assert set(found) == {name for name in held[0] if name.startswith("model/")}
    for name, value in found.items():
        expected = np.mean([one[name] for one in held], axis=0, dtype=np.float64)
        assert value.dtype == held[0][name].dtype
        np.testing.assert_array_equal(value, expected.astype(value.dtype), err_msg=name)


def test_the_mean_of_one_is_that_one(run):
    t2t_mm.average(run, checkpoints=1)
    newest, found = tensors(run), tensors(run / "averaged")
    assert found
    for name, value in found.items():
        np.testing.assert_array_equal(value, newest[name])


class Mixed(keras.layers.Layer):
    """Variables of several types."""

    def __init__(self, width=3):
        super().__init__(dtype="float32")
        for dtype in ("float32", "float64", "bfloat16", "int64"):
            made = self.add_weight(name=dtype, shape=(width,), dtype=dtype, initializer="zeros")
            setattr(self, dtype, made)


def test_counts_are_those_of_the_newest_and_sums_do_not_drown(tmp_path):
    net = Mixed()
    saved = checkpoint.Checkpoints(tmp_path, {"model": net})
    values = ([1e8, 1.0, -3.0], [1.0, 2.0, 1.0], [-1e8, 4.0, 5.0])
    for step, value in enumerate(values, start=1):
        for variable in net.variables:
            variable.assign(tf.cast(value, variable.dtype))
        saved.save(step)
    mean.take(net, tmp_path, [1, 2, 3])
    np.testing.assert_array_equal(net.int64, [-(10**8), 4, 5])
    np.testing.assert_array_equal(net.float64, np.array([1.0, 7.0, 3.0]) / 3)
    # In float32 the 1 would be lost beside 1e8.
    np.testing.assert_array_equal(net.float32, np.float32(np.array([1.0, 7.0, 3.0]) / 3))
    np.testing.assert_allclose(tf.cast(net.bfloat16, tf.float32)[1:], [7 / 3, 1.0], rtol=2**-8)


def test_of_all_that_is_read_one_variable_is_held_at_a_time(trained, loaded, monkeypatch):
    read, most = [], 0

    class Watched:
        def __init__(self, reader):
            self.reader = reader

        def get_variable_to_shape_map(self):
            return self.reader.get_variable_to_shape_map()

        def get_tensor(self, name):
            nonlocal most
            value = self.reader.get_tensor(name)
            read.append(weakref.ref(value))
            most = max(most, sum(one() is not None for one in read))
            return value

    load = tf.train.load_checkpoint
    monkeypatch.setattr(mean.tf.train, "load_checkpoint", lambda prefix: Watched(load(prefix)))
    mean.take(loaded.model, trained / "checkpoints", STEPS)
    assert len(read) == len(STEPS) * len(loaded.model.variables)
    assert most <= 2


def test_a_checkpoint_that_does_not_fit_or_went_away_is_named(tmp_path):
    net = Mixed()
    checkpoint.Checkpoints(tmp_path, {"model": net}).save(1)
    with pytest.raises(errors.CheckpointError, match="step 2 .*can no longer be read"):
        mean.take(net, tmp_path, [1, 2])
    with pytest.raises(
        errors.CheckpointError, match=r"step 1 .*does not fit: .*\[3\] there, \[4\]"
    ):
        mean.take(Mixed(width=4), tmp_path, [1])


def test_it_decodes_and_begins_a_new_training(run):
    to = t2t_mm.average(run)["to"]
    averaged = t2t_mm.load_run(to)
    assert averaged.step == 30
    (answer,) = t2t_mm.decode(averaged, ["a red ball"], problem="text")
    (other,) = t2t_mm.decode(run, ["a red ball"], problem="text")
    assert np.isfinite(answer.score)
    assert answer.score != other.score
    model = make_model(seed=5)
    found = warm_start.load(
        origin.find(to), model, fingerprint=build.model_fingerprint("transformer", model)
    )
    assert all(part.fresh == [] for part in found.parts.values())
    for one, two in zip(model.variables, averaged.model.variables, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_training_does_not_go_on_in_it(run, loaded, capsys):
    to = t2t_mm.average(run)["to"]
    with pytest.raises(errors.ConfigError, match="holds an average of checkpoints"):
        run_folder.RunFolder(to).check(model="transformer", tasks=TASKS)
    with pytest.raises(errors.ConfigError, match="--warm_start="):
        job.check(["text"], data_dir=run, output_dir=to)
    before = content(run / "averaged")
    assert trainer_command.main([f"--output_dir={to}", "--problems=wmt_ende"]) == 2
    assert "no state of an optimizer" in capsys.readouterr().err
    assert content(run / "averaged") == before


def test_the_same_checkpoints_give_the_same_bytes(run, loaded):
    t2t_mm.average(run)
    before = content(run / "averaged")
    t2t_mm.average(run)
    assert content(run / "averaged") == before
    described = json.loads(before[pathlib.Path("problems.json")])
    assert described["averaged"] == {"of": str(run), "steps": STEPS}


def test_an_earlier_average_goes_with_what_was_decoded_from_it(run, loaded):
    t2t_mm.average(run)
    decodes = run / "averaged" / "decodes"
    decodes.mkdir()
    (decodes / "text.test.30.jsonl").write_text("{}\n")
    assert t2t_mm.average(run, checkpoints=2)["averaged"] == [20, 30]
    assert not decodes.exists()
    assert run_folder.RunFolder(run / "averaged").averaged == [20, 30]
    assert not list(run.glob(".averaged*"))


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(run, loaded):
    damage(run, 20)
    warnings = []
    assert t2t_mm.average(run, checkpoints=2, warn=warnings.append)["averaged"] == [10, 30]
    (line,) = warnings
    assert "step 20" in line and "sha256" in line
    damage(run, 10)
    with pytest.raises(errors.CheckpointError, match=r"=2, with step 30.*--checkpoints=1 or fewer"):
        t2t_mm.average(run, checkpoints=2, warn=warnings.append)
    damage(run, 30)
    with pytest.raises(errors.CheckpointError, match=r"none is whole.*steps 10, 20, 30"):
        t2t_mm.average(run, warn=warnings.append)


def test_fewer_than_asked_for_is_an_error_that_says_how_to_keep_more(run):
    with pytest.raises(errors.CheckpointError, match=r"steps 10, 20, 30.*=3 or fewer") as caught:
        t2t_mm.average(run, checkpoints=8)
    assert '--gin_param="TrainSettings.keep_checkpoints = 8"' in str(caught.value)
    assert not (run / "averaged").exists()


def test_what_cannot_be_averaged_is_named(run, loaded, tmp_path):
    with pytest.raises(errors.ConfigError, match="no folder"):
        t2t_mm.average(tmp_path / "nowhere")
    with pytest.raises(errors.ConfigError, match="1 or more"):
        t2t_mm.average(run, checkpoints=0)
    sidecar = run / "checkpoints" / "ckpt-10.json"
    held = json.loads(sidecar.read_text())
    held["fingerprint"]["model"] = "multi_model"
    sidecar.write_text(json.dumps(held))
    with pytest.raises(errors.CheckpointError, match="step 10.*model is multi_model there"):
        t2t_mm.average(run)
    to = t2t_mm.average(run, checkpoints=2)["to"]
    with pytest.raises(errors.ConfigError, match="an average already.*the mean of steps 20, 30"):
        t2t_mm.average(to)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(errors.CheckpointError, match="no checkpoint in .* yet"):
        t2t_mm.average(run, to=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_but_an_average_is_replaced(run, loaded, tmp_path):
    other = tmp_path / "other"
    for to, words in ((run, "was trained"), (run / "checkpoints", "not of an average.*ckpt-10")):
        before = content(run)
        with pytest.raises(errors.ConfigError, match=words):
            t2t_mm.average(run, to=to)
        assert content(run) == before
    other.write_text("")
    with pytest.raises(errors.ConfigError, match="is a file"):
        t2t_mm.average(run, to=other)
    other.unlink()
    other.mkdir()  # an empty one will do
    t2t_mm.average(run, to=other)
    (other / "notes.txt").write_text("mine")
    with pytest.raises(errors.ConfigError, match=r"not of an average.*notes\.txt"):
        t2t_mm.average(run, to=other)
    assert (other / "notes.txt").read_text() == "mine"
    (other / "notes.txt").rename(other / "export")
    with pytest.raises(errors.ConfigError, match=r"not of an average.*export"):
        t2t_mm.average(run, to=other)


def test_a_link_is_followed_and_stays(run, loaded, tmp_path):
    place, link = tmp_path / "place", tmp_path / "link"
    link.symlink_to(place, target_is_directory=True)
    for _ in range(2):
        assert t2t_mm.average(run, to=link)["to"] == str(place)
    assert link.is_symlink()
    assert run_folder.RunFolder(link).averaged == STEPS
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "place", "run"]


@pytest.mark.parametrize(
    ("error", "has_old"),
    [
        pytest.param(
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            False,
            marks=pytest.mark.slow,
            id="full",
        ),
        pytest.param(KeyboardInterrupt(), True, id="interrupted"),
    ],
)
def test_ended_at_any_moment_it_leaves_a_whole_average_or_none(
    trained, loaded, tmp_path, monkeypatch, error, has_old
):
    to = tmp_path / "deep" / "averaged"
    t2t_mm.average(trained, to=to)
    new, old = content(to), {}
    shutil.rmtree(to.parent)
    if has_old:
        t2t_mm.average(trained, checkpoints=1, to=to)
        old = content(to)
    left = 0

    def failing(operation):
        def call(*arguments, **named):
            nonlocal left
            left -= 1
            if left == 0:
                raise error
            return operation(*arguments, **named)

        return call

    for name in ("rename", "replace", "mkdir", "fsync"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    ended = 0
    while True:
        left = ended + 1
        with contextlib.suppress(errors.UserError, KeyboardInterrupt):
            t2t_mm.average(trained, to=to)
        if left > 0:
            break
        left = 0
        ended += 1
        hidden = [p.name for p in to.parent.glob(".*")] if to.parent.exists() else []
        assert hidden == []
        found = content(to)
        if found == new and old != new:  # it was in its place already
            shutil.rmtree(to)
            if has_old:
                t2t_mm.average(trained, checkpoints=1, to=to)
        else:
            assert found == old
    assert ended > 15
    assert content(to) == new


def test_one_process_at_a_time(run, loaded):
    with (
        atomic.lock(run / ".averaged.lock", "it"),
        pytest.raises(errors.DataError, match="Another process is at work on the average"),
    ):
        t2t_mm.average(run)
    assert not (run / "averaged").exists()


def test_mm_avg_answers_people_and_programs(run, loaded, capsys):
    damage(run, 10)
    assert command.main([f"--output_dir={run}", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"step": 30, "averaged": [20, 30], "to": str(run / "averaged")}
    assert err.startswith("mm-avg: warning: Passing over the checkpoint of step 10: ")
    assert command.main([f"--output_dir={run}", "--checkpoints=1", f"--to={run}/one"]) == 0
    assert capsys.readouterr().out == (f"The mean of step 30 is in {run}/one\n")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "There is no folder"),
        (["--checkpoints=0"], "Bad value of --checkpoints"),
        (["--checkpoints=many"], "Bad value of --checkpoints"),
    ],
)
def test_mm_avg_refuses_in_one_line(tmp_path, capsys, flags, said):
    assert command.main([f"--output_dir={tmp_path}/nowhere", *flags]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_what_is_wrong_shows_before_tensorflow_is_imported(run, python):
    program = (
        "import sys; from t2t_mm.bin import avg; code = avg.main(); "
        "sys.exit('imported' if 'tensorflow' in sys.modules else code)"
    )
    done = python("-c", program, f"--output_dir={run}", "--checkpoints=4")
    assert done.returncode == 2, done.stderr
    assert "fewer checkpoints" in done.stderr
