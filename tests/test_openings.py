"""Each command opens its run, parses each gin source and loads each vocabulary once."""

import collections
import pathlib
import shutil

import pytest

import t2t_mm
from t2t_mm import Problem, config, register_problem, registry
from t2t_mm.bin import avg, datagen, decoder, export, inspect, trainer
from t2t_mm.bin import eval as eval_command
from t2t_mm.config import gin_files
from t2t_mm.modality import Language
from t2t_mm.runs import description, folders, run_folder
from t2t_mm.vocabulary import Vocabulary

NAMES = ("counted_one", "counted_two")
TINY = [
    "TrainSettings.model = 'transformer'",
    "TrainSettings.precision = 'float32'",
    "TrainSettings.train_steps = 1",
    "TransformerConfig.width = 8",
    "TransformerConfig.heads = 1",
    "TransformerConfig.filter_width = 8",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "DecodeSettings.max_length = 4",
    "Batching.batch_tokens = 64",
    "Batching.max_length = 32",
]


class Counted(Problem):
    inputs = {"inputs": Language(vocab="counted")}
    targets = Language(vocab="counted")
    command = "to-same"
    metrics = ()

    def generate_examples(self, split, files):
        for number in range(6):
            text = f"{split} dog {number}"
            yield f"{split}/{number}", {"inputs": text, "targets": text}


class Openings(collections.Counter):
    """How often each run was opened or read, each gin source parsed, each vocabulary loaded."""

    def watch(self, monkeypatch):
        made, read = run_folder.RunFolder.__init__, description.read
        parse, load = gin_files._parse, Vocabulary.load.__func__

        def counted_made(run, path):
            self["run opened", str(pathlib.Path(path).resolve())] += 1
            made(run, path)

        def counted_read(path):
            self["run read", str(path.resolve())] += 1
            return read(path)

        def counted_parse(text, *, source, **given):
            self["gin parsed", source] += 1
            return parse(text, source=source, **given)

        def counted_load(cls, folder):
            loaded = load(cls, folder)
            self["vocabulary loaded", str(pathlib.Path(folder).resolve())] += 1
            return loaded

        monkeypatch.setattr(run_folder.RunFolder, "__init__", counted_made)
        monkeypatch.setattr(description, "read", counted_read)
        monkeypatch.setattr(gin_files, "_parse", counted_parse)
        monkeypatch.setattr(Vocabulary, "load", classmethod(counted_load))
        return self

    def again(self):
        """Returns what was done more than once."""
        return {what: count for what, count in self.items() if count > 1}

    def kinds(self):
        return {kind for kind, _ in self}


ALL = {"run opened", "run read", "gin parsed", "vocabulary loaded"}


@pytest.fixture
def openings(monkeypatch):
    return Openings().watch(monkeypatch)


@pytest.fixture(scope="module", autouse=True)
def data_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("openings")
    with registry.registering("openings"):
        for name in NAMES:
            register_problem(name)(type(name, (Counted,), {}))
    given = {"source": "manual", "manual_dir": root, "workers": 1, "vocabulary_size": 300}
    t2t_mm.generate(NAMES, root / "data", **given)
    yield root / "data"
    registry.problems.remove_plugin("openings")
    config.reset()


@pytest.fixture(scope="module")
def trained(data_dir, tmp_path_factory):
    """A run of one step, and what was opened to train it."""
    with pytest.MonkeyPatch.context() as patch:
        openings = Openings().watch(patch)
        run = tmp_path_factory.mktemp("runs") / "run"
        t2t_mm.train(NAMES, data_dir=data_dir, output_dir=run, gin_params=TINY)
    return run, openings


def test_a_new_training(trained):
    _, openings = trained
    assert openings.again() == {}
    assert openings.kinds() == ALL - {"run read"}


def test_mm_trainer_of_a_new_run(data_dir, openings, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    flags = [f"--problems={','.join(NAMES)}", f"--data_dir={data_dir}", "--dry_run"]
    (tmp_path / "tiny.gin").write_text("\n".join(TINY))
    assert trainer.main([*flags, "--gin_file=tiny.gin", "--gin_param=TrainSettings.seed=3"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL - {"run read"}


def test_mm_trainer_goes_on(trained, openings):
    run, _ = trained
    assert trainer.main([f"--output_dir={run}", "--gin_param=TrainSettings.log_every=1"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_trainer_goes_on_with_the_run_of_its_model_and_problems(
    trained, openings, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained[0], folders.new_run("transformer", NAMES))
    flags = [f"--problems={','.join(NAMES)}", "--model=transformer", "--dry_run"]
    assert trainer.main([*flags, "--gin_param=TrainSettings.log_every=1"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_trainer_begins_with_the_weights_of_another_run(trained, data_dir, openings, tmp_path):
    flags = [f"--problems={','.join(NAMES)}", f"--data_dir={data_dir}", "--dry_run"]
    flags += [f"--output_dir={tmp_path / 'warm'}", f"--warm_start={trained[0]}"]
    assert trainer.main([*flags, *(f"--gin_param={one}" for one in TINY)]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_eval(trained, openings):
    assert eval_command.main([f"--output_dir={trained[0]}", "--max_examples=1", "--json"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_decoder(trained, openings, tmp_path):
    (tmp_path / "in.txt").write_text("dog\n")
    flags = [f"--output_dir={trained[0]}", f"--problem={NAMES[0]}"]
    assert decoder.main([*flags, f"--input={tmp_path / 'in.txt'}"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_avg(trained, openings, tmp_path):
    assert avg.main([f"--output_dir={trained[0]}", f"--to={tmp_path / 'mean'}"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_export(trained, openings, tmp_path):
    flags = [f"--output_dir={trained[0]}", f"--export_dir={tmp_path}", "--checkpoint_only"]
    assert export.main(flags) == 0
    assert openings.again() == {}
    assert openings.kinds() == ALL


def test_mm_datagen_of_data_that_is_there(data_dir, openings):
    flags = [f"--problems={','.join(NAMES)}", f"--data_dir={data_dir}", "--source=manual"]
    assert datagen.main([*flags, f"--manual_dir={data_dir.parent}", "--json"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == {"vocabulary loaded"}


def test_mm_inspect(data_dir, openings):
    assert inspect.main([f"--problem={NAMES[0]}", f"--data_dir={data_dir}", "--json"]) == 0
    assert openings.again() == {}
    assert openings.kinds() == {"vocabulary loaded"}


@pytest.mark.parametrize("work", ["evaluate", "decode", "dataset", "keras_model"])
def test_python_opens_a_run_once(trained, openings, work):
    run, _ = trained
    if work == "evaluate":
        t2t_mm.evaluate(run, max_examples=1)
    elif work == "decode":
        t2t_mm.decode(run, ["dog"], problem=NAMES[0])
    elif work == "keras_model":
        t2t_mm.keras_model(run, NAMES[0])
    else:
        t2t_mm.dataset(NAMES[0], run=run)
    assert openings.again() == {}
    assert openings.kinds() == ALL
