"""A modality is one folder and nothing else: the tutorial's goes through all commands."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

import t2t_mm
from t2t_mm import errors, plugins, registry, testing
from t2t_mm.bin import datagen, decoder, inspect, trainer
from t2t_mm.bin import eval as evaluation
from t2t_mm.modality import checks, features
from tests import conftest, test_tutorials

PAGE = conftest.REPOSITORY / "docs" / "tutorials" / "own_modality.md"
CONFIG = [
    "TrainSettings.model = 'transformer'",
    "TrainSettings.precision = 'float32'",
    "TransformerConfig.width = 16",
    "TransformerConfig.filter_width = 32",
    "TransformerConfig.heads = 2",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.exit_widths = (8, 8)",
    "Batching.batch_tokens = 64",
    "Batching.max_length = 64",
]


@pytest.fixture(scope="module")
def plugin_folder(tmp_path_factory):
    """Returns the folder that the tutorial writes, for --usr_dir."""
    folder = tmp_path_factory.mktemp("plugin")
    files = {block.file: block.text for block in test_tutorials.blocks(PAGE) if block.file}
    testing.write_files(folder, {k: v for k, v in files.items() if k.startswith("my_problems/")})
    return folder / "my_problems"


@pytest.fixture
def series(registries, plugin_folder):
    """Returns the class of the modality."""
    plugins.load_all(plugin_folder)
    return registry.modalities.get("series")


@pytest.fixture
def corpus(tmp_path):
    """Returns a folder of series that rise or fall, 3 to 8 steps long, with tables of them."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for split, count in (("train", 12), ("validation", 4)):
        rows = ["file,trend"]
        for number in range(count):
            slope = (-1) ** number
            steps = slope * np.arange(3 + number % 6, dtype=np.float32)
            np.save(folder / f"{split}{number}.npy", np.stack([steps, steps / 2], axis=1))
            rows.append(f"{split}{number}.npy,{'rising' if slope > 0 else 'falling'}")
        (folder / f"{split}.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def answers(capsys):
    """Returns a function that runs a command with --json and returns what it answers."""

    def run(command, *arguments):
        capsys.readouterr()
        code = command.main([*map(str, arguments), "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return [json.loads(line) for line in captured.out.splitlines()]

    return run


def test_a_modality_of_a_plugin_goes_through_all_commands(
    registries, plugin_folder, corpus, answers, capsys, tmp_path
):
    data, run, page = tmp_path / "data", tmp_path / "run", tmp_path / "page.html"
    plugin = f"--usr_dir={plugin_folder}"
    where = [plugin, "--problem=trend", f"--data_dir={data}"]
    (made,) = answers(datagen, *where, "--source=manual", f"--manual_dir={corpus}")
    assert made["problems"]["trend"]["splits"]["train"]["examples"] == 12

    assert inspect.main([*where, "--examples=1"]) == 0
    shown = capsys.readouterr().out
    assert "series (series): 3 to 8 steps" in shown
    assert "▁" in shown and "▇" in shown
    (seen,) = answers(inspect, *where, "--examples=1", f"--html={page}")
    assert seen["examples"][0]["series"]["steps"] in range(3, 9)
    assert seen["lengths"]["series"]["unit"] == "steps"
    assert page.read_text().count('class="series"') == 1

    settings = [f"--gin_param={line}" for line in CONFIG]
    (trained,) = answers(trainer, *where, f"--output_dir={run}", "--train_steps=3", *settings)
    assert trained["step"] == 3
    assert np.isfinite(trained["problems"]["trend"]["loss"])
    events = event_accumulator.EventAccumulator(str(run / "tensorboard" / "validation"))
    assert "trend/series/1" in events.Reload().Tags()["tensors"]
    width, _, _ = tf.make_ndarray(events.Tensors("trend/series/1")[0].tensor_proto)
    assert width == b"2"  # the channels: the view's own picture
    kinds = ["--robustness=noise,fgsm", "--robustness_examples=2"]
    (measured,) = answers(evaluation, plugin, f"--output_dir={run}", *kinds)
    assert 0 <= measured["results"]["trend"]["accuracy"] <= 1
    robust = measured["robustness"]["trend"]
    nats = {
        name: [each["log_perplexity"] for each in robust["kinds"][name].values()]
        for name in ("trembling", "fgsm")
    }
    assert len(set(nats["trembling"])) == 5
    assert nats["fgsm"][0] > robust["clean"]["log_perplexity"]

    given = corpus / "train0.npy"
    lines = tmp_path / "lines.txt"
    lines.write_text(f"{given}\n")
    (answer,) = answers(decoder, plugin, f"--output_dir={run}", f"--input={lines}")
    assert answer["outputs"] in ("rising", "falling")
    loaded = t2t_mm.load_run(run)
    (same,) = t2t_mm.decode(loaded, [np.load(given)])
    assert same.outputs == answer["outputs"]
    assert same.score == pytest.approx(answer["score"], abs=1e-5)
    with pytest.raises(errors.BadExampleError, match="Input 0: A file is no series"):
        t2t_mm.decode(loaded, [corpus / "train.csv"])


def test_it_is_listed_without_tensorflow(python, plugin_folder):
    program = (
        "import sys; from t2t_mm.bin import list; code = list.main(sys.argv[1:]); "
        "sys.exit(code or 10 * ('tensorflow' in sys.modules))"
    )
    finished = python("-c", program, f"--usr_dir={plugin_folder}", "--problem=trend")
    assert finished.returncode == 0, finished.stderr
    assert "series: series 2" in finished.stdout
    assert "targets" in finished.stdout


@pytest.mark.parametrize(
    "value",
    [
        np.zeros([0, 2]),
        np.zeros([5, 2]),
        np.zeros([3, 3]),
        np.full([2, 2], np.nan),
        np.full([2, 2], 1e300),
        np.array([["a", "b"]]),
        b"",
        b"PK\x03\x04",
    ],
    ids=["no steps", "too many", "channels", "nan", "infinite as float32", "texts", "empty", "zip"],
)
def test_what_is_no_series_is_refused(series, value):
    declared = series(channels=2, max_steps=4)
    assert declared.encode(np.ones([4, 2])) == np.ones([4, 2], "<f4").tobytes()
    with pytest.raises(errors.BadExampleError, match="is no series"):
        declared.encode(value)


def test_its_check_refuses_the_same_in_an_export(series):
    declared = series(channels=2, max_steps=4)
    made = features.build(declared, None, length_multiple=4)
    good = [np.ones([steps, 2], "<f4").tobytes() for steps in (1, 4)]
    bad = [b"", good[0][:-1], good[0][:-4], bytes(5 * 8), np.full([2, 2], np.nan, "<f4").tobytes()]
    found = checks.build(declared, made).check(tf.constant([*good, *bad]))
    said = [error.decode() for error in found.errors.numpy()]
    assert said[:2] == ["", ""]
    assert all("float32 [1 to 4, 2]" in error for error in said[2:])
    assert list(found.values[:2].numpy()) == good
    tensors = made.featurize(found.values[:2], training=False)
    assert tensors.shape == (2, 4, 3)
    np.testing.assert_array_equal(tensors[:, :, -1], [[1, 0, 0, 0], [1, 1, 1, 1]])
    assert made.featurize(tf.constant([], tf.string), training=False).shape == (0, 4, 3)
