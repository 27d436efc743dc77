"""An export answers raw inputs as mm-decoder does, without the framework."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import errors
from t2t_mm.bin import export as command
from t2t_mm.exporting import explain, saved_model, signature, versions
from t2t_mm.modality import Language
from t2t_mm.runs import run_folder
from t2t_mm.trees import linear_trees
from tests.exporting import compare
from tests.exporting.conftest import PICTURE, SIZES, make_run


def test_a_text_in_a_process_without_the_framework(loaded, tmp_path):
    answer = t2t_mm.export(loaded, tmp_path, problems=["text"])
    assert answer["step"] == 10
    assert answer["exports"] == {
        "text": str(tmp_path / "text" / "1"),
        "multi_model": str(tmp_path / "multi_model" / "1"),
    }
    texts = ["a red ball", "", "où est le chat", "a\x07b", "the box " * 30]
    wanted = t2t_mm.decode(loaded, texts, problem="text", strict=False)
    rows = [{"inputs": text.encode()} for text in texts]
    found = compare.answered_alone(answer["exports"]["multi_model"], {"text": rows})["text"]
    assert found["outputs"] == [each.outputs for each in wanted]
    assert found["scores"] == pytest.approx([each.score for each in wanted], abs=1e-4)
    assert [not error for error in found["errors"]] == [True, False, True, False, True]
    assert "U+0007 at character 2" in found["errors"][3]
    described = json.loads((tmp_path / "text" / "export.json").read_text())
    assert described["signatures"]["serving_default"]["problem"] == "text"


@pytest.mark.slow
def test_constrained_texts_in_a_process_without_the_framework(tmp_path):
    sizes = [each for each in SIZES if "max_length" not in each]
    problems = {name: ({"inputs": Language()}, Language()) for name in ("wsj_parsing", "yes_no")}
    path = make_run(tmp_path / "run", problems, sizes=[*sizes, "DecodeSettings.max_length = 90"])
    described = json.loads((path / "problems.json").read_text())
    described["problems"][1]["answers"] = ["yes", "no", "the ball"]
    (path / "problems.json").write_text(json.dumps(described))
    texts = ["a red ball", "où est le chat", "the box", "it  is under\tthe box " * 2]
    for search in ({"beam_size": 2, "n_best": 2}, {}):
        loaded = t2t_mm.load_run(path)
        exported = t2t_mm.export(loaded, tmp_path / "exports", **search)["exports"]["multi_model"]
        rows = [{"inputs": text.encode()} for text in texts]
        found = compare.answered_alone(exported, {"wsj_parsing": rows, "yes_no": rows})
        for name in found:
            wanted = t2t_mm.decode(loaded, texts, problem=name, **search)
            assert compare.compared(wanted, found[name])[0] == 0
            for text, each in zip(texts, wanted, strict=True):
                outputs = [one.outputs for one in each.n_best or [each]]
                if name == "yes_no":
                    assert set(outputs) <= {"yes", "no", "the ball"}
                    assert len(set(outputs)) == len(outputs)
                else:  # its symbols are spelt in bytes, since the vocabulary has none of them
                    assert not any(linear_trees.read(o, text.split())[1] for o in outputs)


@pytest.fixture
def light(monkeypatch):
    """Lets exports be made without tracing and saving a model."""

    def write(folder, functions, variables, resources):
        (folder / "variables").mkdir()
        (folder / "saved_model.pb").write_bytes(b"graph")
        return "0" * 64

    monkeypatch.setattr(saved_model, "write", write)
    monkeypatch.setattr(signature.Signature, "function", None)
    monkeypatch.setattr(explain, "function", lambda run, answers: None)
    monkeypatch.setattr(signature.Signature, "resources", lambda self: [])


@pytest.mark.usefixtures("light")
def test_each_call_makes_a_version(loaded, tmp_path):
    (tmp_path / "text" / "7").mkdir(parents=True)
    (tmp_path / "text" / "notes").mkdir()
    (tmp_path / "text" / ".9.making").mkdir()  # of one that was killed
    first = t2t_mm.export(loaded, tmp_path, problems=["text", "class*"])
    assert list(first["exports"]) == ["text", "classes", "multi_model"]
    assert first["exports"]["text"] == str(tmp_path / "text" / "8")
    second = t2t_mm.export(loaded, tmp_path, problems=["classes"])
    assert second["exports"] == {
        "classes": str(tmp_path / "classes" / "2"),
        "multi_model": str(tmp_path / "multi_model" / "2"),
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classes", "multi_model", "text"]
    assert sorted(path.name for path in (tmp_path / "text").iterdir()) == [
        "7", "8", "export.json", "notes"
    ]  # fmt: skip
    for name, version in (("text", 8), ("classes", 2), ("multi_model", 2)):
        beside = json.loads((tmp_path / name / "export.json").read_text())
        within = tmp_path / name / str(version) / "assets.extra" / "export.json"
        assert beside == json.loads(within.read_text())
        assert (beside["name"], beside["version"], beside["step"]) == (name, version, 10)
    assert list(beside["signatures"]) == ["classes"]


@pytest.mark.usefixtures("light")
def test_what_export_json_says(loaded, tmp_path):
    t2t_mm.export(loaded, tmp_path, beam_size=4, alpha=0.6, n_best=3)
    said = json.loads((tmp_path / "multi_model" / "export.json").read_text())
    assert said["format"] == 1
    assert said["precision"] == "float32"
    assert said["model"] == "transformer"
    assert said["run"] == str(loaded.folder.path)
    one = said["signatures"]["questions"]
    assert one["problem"] == "questions"
    assert {name: each["modality"] for name, each in one["inputs"].items()} == {
        "image": "image",
        "question": "language",
    }
    assert one["search"]["beam_size"] == 4
    assert one["search"]["alpha"] == 0.6
    assert one["n_best"] == 3
    assert one["outputs"] == ["outputs", "scores", "errors"]
    assert one["examples"] == []
    classes = said["signatures"]["classes"]
    assert classes["targets"]["classes"] == ["cat", "dog", "hen", "où"]
    assert classes["outputs"] == ["outputs", "scores", "errors", "probabilities", "classes"]
    assert list(said["signatures"]["writing"]["inputs"]) == ["prefix"]


@pytest.mark.slow
@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_precision_is_the_one_asked_for(run, tmp_path, precision):
    t2t_mm.export(run, tmp_path, problems=["text"], precision=precision)
    said = json.loads((tmp_path / "text" / "export.json").read_text())
    assert said["precision"] == precision


@pytest.mark.usefixtures("light")
def test_a_failure_leaves_no_version(loaded, tmp_path, monkeypatch):
    def write(folder, functions, variables, resources):
        (folder / "half").write_text("")
        with saved_model._writing(folder):
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(saved_model, "write", write)
    with pytest.raises(errors.DataError, match="The disk is full; could not write"):
        t2t_mm.export(loaded, tmp_path / "new", problems=["text"])
    assert not (tmp_path / "new").exists()


def test_one_export_at_a_time(loaded, tmp_path):
    with (
        versions.lock(tmp_path / "new"),
        pytest.raises(errors.DataError, match="Another process is at work on the exports in"),
    ):
        t2t_mm.export(loaded, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--problems=txet"], "Did you mean 'text'?"),
        (["--n_best=3"], "--n_best=3, --beam_size=1"),
        (["--precision=float23"], "Did you mean 'float32'?"),
        (["--checkpoint=7"], "There is no checkpoint of step 7"),
        (["--checkpoint_only", "--problems=text"], "those of all its problems"),
        (["--export_dir={file}"], "is a file"),
        (["--export_dir={file}/in"], "Cannot write"),
        (["--examples=-1"], "--examples"),
    ],
)
def test_what_cannot_be_exported_is_one_line(run, tmp_path, capsys, flags, words):
    (tmp_path / "file").write_text("")
    flags = [flag.format(file=tmp_path / "file") for flag in flags]
    if not any(flag.startswith("--export_dir") for flag in flags):
        flags.append(f"--export_dir={tmp_path / 'exports'}")
    assert command.main([f"--output_dir={run}", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert not (tmp_path / "exports").exists()


def test_a_run_without_a_checkpoint(run, tmp_path, capsys):
    bare = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("ckpt*", "export"))
    assert command.main([f"--output_dir={bare}", "--problems=text"]) == 2
    assert "There is no checkpoint in" in capsys.readouterr().err
    assert not (bare / "export").exists()


def test_a_problem_of_the_name_of_all(tmp_path):
    made = make_run(tmp_path / "run", {"multi_model": ({"inputs": Language()}, Language())})
    with pytest.raises(errors.ConfigError, match="has the name of the export of all problems"):
        t2t_mm.export(made, tmp_path / "exports")


@pytest.mark.slow
def test_weights_alone_decode_as_the_run_does(loaded, tmp_path):
    answer = t2t_mm.export(loaded, tmp_path, checkpoint_only=True)
    folder = tmp_path / "weights"
    assert answer == {
        "step": 10,
        "exports": {"weights": str(folder)},
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    }
    assert {path.name for path in folder.iterdir()} == {
        "checkpoints", "config.gin", "problems.json", "vocabularies"
    }  # fmt: skip
    texts = ["a red ball", "où"]
    wanted = t2t_mm.decode(loaded, texts, problem="text")
    assert t2t_mm.decode(folder, texts, problem="text") == wanted
    with pytest.raises(errors.ConfigError, match="holds a checkpoint's weights"):
        run_folder.RunFolder.open(folder).check_trainable()
    assert t2t_mm.export(loaded, tmp_path, checkpoint_only=True) == answer  # in its own place
    (folder / "notes.txt").write_text("")
    with pytest.raises(errors.ConfigError, match=r"not of weights alone.*notes\.txt"):
        t2t_mm.export(loaded, tmp_path, checkpoint_only=True)


@pytest.mark.usefixtures("light")
def test_examples_come_from_the_data_at_hand(tmp_path, write_data, registries):
    class Captions(t2t_mm.Problem):
        inputs = {"image": PICTURE}
        targets = Language()
        command = "caption"

        def generate_examples(self, split, files):
            yield from ()

    t2t_mm.register_problem("captions")(Captions)
    picture = PICTURE.encode(np.zeros([8, 8, 3], np.uint8))
    examples = [{"image": picture, "targets": f"number {n}".encode()} for n in range(9)]
    data = write_data("captions", {"train": examples, "validation": examples})
    made = make_run(tmp_path / "run", {"captions": ({"image": PICTURE}, Language())})
    told = []
    t2t_mm.export(made, tmp_path / "out", examples=3, data_dir=data, warn=told.append)
    assert told == []
    said = json.loads((tmp_path / "out" / "captions" / "export.json").read_text())
    found = said["signatures"]["serving_default"]["examples"]
    assert [each["reference"] for each in found] == ["number 0", "number 2", "number 4"]
    file = found[1]["inputs"]["image"]["file"]
    assert file == "assets.extra/examples/captions/1-image.png"
    assert (tmp_path / "out" / "captions" / "1" / file).read_bytes() == picture
    shard = next(data.glob("captions/*/validation-00000*"))
    shard.write_bytes(shard.read_bytes()[:-5])
    t2t_mm.export(made, tmp_path / "out", examples=9, data_dir=data, warn=told.append)
    assert "No examples of captions" in told[0]
