"""load_run, evaluate, decode and their commands, on a small run that was never trained."""

import io
import json
import math
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as pillow

import t2t_mm
from t2t_mm import Problem, config, errors, plugins, register_problem, registry
from t2t_mm.bin import decoder as decoder_command
from t2t_mm.bin import eval as eval_command
from t2t_mm.cli import prompt
from t2t_mm.data import manifest, pipeline, records
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import decode, functions
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.models import build
from t2t_mm.runs import checkpoint, loaded_run, run_folder
from t2t_mm.settings import decoding as settings

TEXT, PICTURES = "loaded_run_text", "loaded_run_pictures"
CONFIG = [
    "TransformerConfig.width = 16",
    "TransformerConfig.filter_width = 32",
    "TransformerConfig.heads = 2",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.entry_widths = (4, 4, 8, 8)",
    "TransformerConfig.exit_widths = (8, 8)",
    "TrainSettings.precision = 'float32'",
    "DecodeSettings.max_length = 12",
    "Batching.batch_tokens = 64",
    "Batching.max_length = 64",
    "Batching.batch_examples = 4",
]


class Text(Problem):
    inputs = {"inputs": Language(vocab="loaded_run")}
    targets = Language(vocab="loaded_run")
    command = "to-same"
    metrics = ("bleu", "token_accuracy", "exact_match")

    def generate_examples(self, split, files):
        for number in range(23):
            text = f"{split} dog {number}" + " runs" * (number % 5)
            yield f"{split}/{number}", {"inputs": text, "targets": f"{text} home"}


class Pictures(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical()
    command = "to-class"
    metrics = ("accuracy", "top5_accuracy")

    def generate_examples(self, split, files):
        for number in range(6):
            yield f"{split}/{number}", {"image": png(number), "targets": f"class {number % 3}"}


def png(number):
    data = io.BytesIO()
    pillow.new("RGB", (32, 32), (40 * number, 90, 255 - 40 * number)).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The output folder of a run of both problems, with a checkpoint of step 7."""
    root = tmp_path_factory.mktemp("loaded_run")
    plugins.load_all()
    with registry.registering("loaded_run"):
        register_problem(TEXT)(Text)
        register_problem(PICTURES)(Pictures)
    t2t_mm.generate(
        [TEXT, PICTURES],
        root / "data",
        source="manual",
        manual_dir=root,
        workers=1,
        vocabulary_size=300,
    )
    config.load([], CONFIG)
    tasks = task_lib.tasks_from_data([TEXT, PICTURES], root / "data")
    model = build.build("transformer", tasks)
    run = run_folder.RunFolder(root / "run").create(
        model="transformer", schedule="uniform", tasks=tasks
    )
    run.write_config()
    fingerprint = build.model_fingerprint("transformer", model)
    saved = checkpoint.Checkpoints(run.checkpoints, {"model": model}, fingerprint=fingerprint)
    best = {"of": f"{TEXT}/bleu", "value": 12.5, "step": 7, "waited": 0, "seen": 7}
    saved.save(7, {"selection": best})
    saved.mark_best(7)
    config.reset()
    registry.problems.remove_plugin("loaded_run")  # a run must not need its problems' code
    return run.path


@pytest.fixture(scope="module")
def run(folder):
    return t2t_mm.load_run(folder)


@pytest.fixture
def loaded_once(run, monkeypatch):
    """Lets commands share one restored model, whose functions are compiled already."""
    monkeypatch.setattr(loaded_run, "restore", lambda opened, which: run)


@pytest.fixture
def standard_input(monkeypatch):
    def give(text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return give


def in_record_order(run, problem, split):
    task = run.task(problem)
    files = manifest.Manifest.load(task.data_dir, problem, task.version).files(split)
    return [example for file in files for example in records.read_examples(file)]


def test_a_run_comes_with_its_problems_and_vocabularies(run):
    assert run.step == 7
    assert list(run.tasks) == [TEXT, PICTURES]
    assert run.task(PICTURES).targets.classes == ("class 0", "class 1", "class 2")
    assert run.vocabularies["loaded_run"].decode([1]) == ""
    assert run.decode_settings.max_length == 12


def test_the_best_checkpoint_says_by_which_metric(folder, run):
    assert run.chosen_by == ""
    best = t2t_mm.load_run(folder, checkpoint="best")
    assert best.chosen_by == f"highest bleu of {TEXT}, 12.5 at step 7"


def test_loading_leaves_the_dtype_policy_alone(folder):
    import keras

    before = keras.config.dtype_policy().name
    loaded_run.load_run(folder)
    assert keras.config.dtype_policy().name == before


def test_two_loads_have_the_same_weights(folder, run):
    again = t2t_mm.load_run(folder, checkpoint=7)
    for one, other in zip(run.model.variables, again.model.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_scores_are_those_of_the_full_pass(run):
    """What greedy decoding sums up step by step, the whole sequence at once gives too."""
    task = run.task(TEXT)
    examples = [{"inputs": text} for text in (b"dog", b"runs runs home", b"dog 7 runs")]
    (batch,) = pipeline.predict_dataset(task, examples, run.batching)
    spec = {"inputs": tf.TensorSpec([None, None], tf.int32)}
    found = functions.of(run.model).search(task, run.decode_settings, spec)(batch["inputs"])
    ids = found.ids[:, 0]
    logits = run.model({"inputs": batch["inputs"], "targets": ids}, TEXT)
    log_probs = tf.nn.log_softmax(logits)
    written = tf.gather(log_probs, ids, batch_dims=2).numpy() * (ids.numpy() != 0)
    np.testing.assert_allclose(found.scores[:, 0], written.sum(1), rtol=1e-4)


def test_evaluate_measures_every_problem_and_keeps_what_was_written(run, folder):
    answer = t2t_mm.evaluate(run, split="test")
    assert (answer["step"], answer["split"]) == (7, "test")
    assert set(answer["results"][TEXT]) == {
        "bleu",
        "token_accuracy",
        "exact_match",
        "log_perplexity",
    }
    assert set(answer["results"][PICTURES]) == {"accuracy", "top5_accuracy", "log_perplexity"}
    assert answer["results"][PICTURES]["top5_accuracy"] == 1.0
    assert "case:mixed" in answer["notes"][TEXT]["bleu"]
    assert answer["search"]["beam_size"] == 1
    path = folder / "decodes" / f"{TEXT}.test.7.greedy_max_length_12.jsonl"
    assert answer["decodes"][TEXT] == str(path)
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["reference"].encode() for row in kept] == [
        example["targets"] for example in in_record_order(run, TEXT, "test")
    ]


def test_baselines_stand_beside_the_model_where_they_are_asked_for(
    run, folder, loaded_once, capsys
):
    flags = [f"--output_dir={folder}", "--split=test", "--max_examples=5"]
    assert eval_command.main([*flags, "--json", "--baselines"]) == 0
    answer = json.loads(capsys.readouterr().out)
    simple = answer["baselines"]
    assert set(simple) == {TEXT, PICTURES}
    assert simple[TEXT]["name"] == "copy the source"
    assert simple[TEXT]["names"] == {"token_accuracy": "frequencies of tokens"}
    assert simple[PICTURES]["values"]["top5_accuracy"] == 1.0
    assert eval_command.main([*flags, "--baselines"]) == 0
    shown = capsys.readouterr().out
    assert "copy the source" in shown and "most frequent class" in shown
    assert eval_command.main([*flags, "--json"]) == 0
    assert "baselines" not in json.loads(capsys.readouterr().out)


def test_log_perplexity_is_that_of_single_examples_weighed_by_their_tokens(run):
    task = run.task(TEXT)
    found = t2t_mm.evaluate(run, problems=[TEXT], max_examples=6)
    nats = tokens = 0.0
    for batch in pipeline.eval_dataset(task, "validation", run.batching, max_examples=6):
        for row in range(len(batch["index"])):
            one = {"inputs": {"inputs": batch["inputs"]["inputs"][row : row + 1]}}
            one["targets"] = batch["targets"][row : row + 1]
            _, means = run.model.loss(TEXT, one, training=False)
            nats += float(means["log_perplexity"] * means["tokens"])
            tokens += float(means["tokens"])
    assert found["split"] == "validation"
    assert found["results"][TEXT]["log_perplexity"] == pytest.approx(nats / tokens, rel=1e-4)
    assert 0 < nats / tokens < 3 * math.log(300)


def test_evaluate_takes_globs_and_a_part(run):
    answer = t2t_mm.evaluate(run, problems=["*_pictures"], max_examples=1)
    assert list(answer["results"]) == [PICTURES]
    assert answer["results"][PICTURES]["accuracy"] in (0.0, 1.0)


def test_decode_gives_answers_in_the_order_of_the_inputs(run):
    texts = ["dog", "", "dog runs runs runs runs home", "home", "dog"]
    answers = t2t_mm.decode(run, texts, problem=TEXT)
    assert [answer.inputs for answer in answers] == texts
    for text, answer in zip(texts, answers, strict=True):
        (alone,) = t2t_mm.decode(run, [text], problem=TEXT)
        assert alone.outputs == answer.outputs
        assert alone.score == pytest.approx(answer.score, rel=1e-4)
    assert answers[1].outputs == ""
    assert answers[1].score == 0.0
    assert answers[0].score < 0


def test_decode_names_classes(run, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(png(3))
    of_path, of_bytes = t2t_mm.decode(run, [path, png(3)], problem=PICTURES)
    assert of_path.outputs.startswith("class ")
    assert math.log(1 / 3) <= of_path.score < 0  # the likeliest of three
    assert of_path.outputs == of_bytes.outputs
    assert of_path.score == pytest.approx(of_bytes.score, rel=1e-4)
    assert of_path.inputs == str(path)


def test_decode_a_split(run, folder):
    answers = t2t_mm.decode(run, problem=PICTURES, split="test")
    examples = in_record_order(run, PICTURES, "test")
    assert [a.inputs.encode() for a in answers] == [example["key"] for example in examples]
    assert [a.reference.encode() for a in answers] == [e["targets"] for e in examples]
    assert (folder / "decodes" / f"{PICTURES}.test.7.jsonl").is_file()


def test_a_part_of_a_split_does_not_replace_the_whole(run, folder):
    t2t_mm.decode(run, problem=PICTURES, split="test")
    kept = folder / "decodes" / f"{PICTURES}.test.7.jsonl"
    before = kept.read_bytes()
    assert len(t2t_mm.decode(run, problem=PICTURES, split="test", max_examples=2)) == 2
    found = t2t_mm.evaluate(run, problems=[PICTURES], split="test", max_examples=2)
    assert found["decodes"] == {}
    assert kept.read_bytes() == before


def test_what_cannot_be_meant_is_refused(run, folder):
    with pytest.raises(errors.ConfigError, match=f"one of {TEXT}, {PICTURES}"):
        t2t_mm.decode(run, ["dog"])
    with pytest.raises(errors.ConfigError, match=f"Did you mean '{TEXT}'"):
        t2t_mm.decode(run, ["dog"], problem="loaded_run_txet")
    with pytest.raises(errors.ConfigError, match="inputs or a split"):
        t2t_mm.decode(run, problem=TEXT)
    with pytest.raises(errors.CheckpointError, match="step 9"):
        t2t_mm.load_run(folder, checkpoint=9)
    with pytest.raises(errors.DataError, match="mm-datagen"):
        t2t_mm.evaluate(run, data_dir=folder / "nowhere")


def test_a_run_without_a_checkpoint_says_so(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run", ignore=shutil.ignore_patterns("ckpt-*"))
    with pytest.raises(errors.CheckpointError, match="no checkpoint"):
        t2t_mm.load_run(tmp_path / "run")


def test_mm_eval_prints_json(folder, capsys):
    arguments = [f"--output_dir={folder}", "--split=test", f"--problem={PICTURES}", "--json"]
    assert eval_command.main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["step"], answer["split"]) == (7, "test")
    assert list(answer["results"]) == [PICTURES]


def test_mm_eval_prints_a_table(folder, loaded_once, capsys):
    assert eval_command.main([f"--output_dir={folder}", "--max_examples=2"]) == 0
    shown = capsys.readouterr().out
    for part in (TEXT, "bleu", "accuracy", "step 7, split validation", "tok:13a"):
        assert part in shown


def test_mm_decoder_keeps_lines_in_step(folder, loaded_once, capsys, standard_input):
    standard_input("dog runs\n\nhome\n")
    assert decoder_command.main([f"--output_dir={folder}", f"--problem={TEXT}", "--input=-"]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 4
    assert lines[1] == lines[3] == ""
    standard_input("dog runs\n\nhome\n")
    flags = [f"--output_dir={folder}", f"--problem={TEXT}", "--input=-", "--max_examples=2"]
    assert decoder_command.main(flags) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_mm_decoder_prints_one_document_a_line(folder, loaded_once, capsys, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"inputs": "dog\\nruns"}\n\n{"inputs": "home"}\n')
    flags = [f"--output_dir={folder}", f"--problem={TEXT}", f"--input={tmp_path / 'in.jsonl'}"]
    assert decoder_command.main([*flags, "--json", "--max_length=12"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["inputs"] for row in rows] == [{"inputs": "dog\nruns"}, "", {"inputs": "home"}]
    assert [set(row) for row in rows] == [{"inputs", "outputs", "score"}] * 3


def test_mm_decoder_writes_a_file_whole_or_not_at_all(folder, loaded_once, capsys, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(png(1))
    bad.write_bytes(png(2)[:50])
    paths, output = tmp_path / "paths.txt", tmp_path / "out.txt"
    flags = [f"--output_dir={folder}", f"--problem={PICTURES}", f"--input={paths}"]
    paths.write_text(f"{good}\n{bad}\n")
    assert decoder_command.main([*flags, f"--output={output}", "--strict"]) == 2
    assert "paths.txt line 2: A picture does not decode" in capsys.readouterr().err
    assert not output.exists()
    paths.write_text(f"{good}\n{good}\n")
    assert decoder_command.main([*flags, f"--output={output}"]) == 0
    assert len(output.read_text().splitlines()) == 2
    assert capsys.readouterr().out == ""


def test_mm_decoder_prints_what_is_ready_before_it_fails(
    folder, loaded_once, capsys, monkeypatch, tmp_path
):
    good, bad, paths = (tmp_path / name for name in ("good.png", "bad.png", "paths.txt"))
    good.write_bytes(png(1))
    bad.write_bytes(png(2)[:50])
    paths.write_text(f"{good}\n{bad}\n")
    monkeypatch.setattr(decode, "CHUNK", 1)
    flags = [f"--output_dir={folder}", f"--problem={PICTURES}", f"--input={paths}", "--strict"]
    assert decoder_command.main(flags) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "paths.txt line 2: A picture does not decode" in err


def test_mm_decoder_misses_no_file_once_it_is_at_work(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(loaded_run, "restore", None)  # nothing is loaded before this is known
    good, paths = tmp_path / "good.png", tmp_path / "paths.txt"
    good.write_bytes(png(1))
    paths.write_text(f"{good}\n{tmp_path / 'nowhere.png'}\n")
    flags = [f"--output_dir={folder}", f"--problem={PICTURES}", f"--input={paths}", "--strict"]
    assert decoder_command.main(flags) == 2
    assert "paths.txt line 2: there is no file" in capsys.readouterr().err


@pytest.fixture
def mixed(tmp_path):
    """A list of pictures: good, damaged, none, not there, good."""
    good, bad, paths = (tmp_path / name for name in ("good.png", "bad.png", "paths.txt"))
    good.write_bytes(png(1))
    bad.write_bytes(png(2)[:50])
    paths.write_text(f"{good}\n{bad}\n\n{tmp_path / 'nowhere.png'}\n{good}\n")
    return paths


def test_mm_decoder_answers_all_but_what_cannot_be_used(folder, loaded_once, capsys, mixed):
    flags = [f"--output_dir={folder}", f"--problem={PICTURES}", f"--input={mixed}"]
    assert decoder_command.main([*flags, "--json"]) == 2
    out, err = capsys.readouterr()
    one, bad, empty, absent, last = (json.loads(line) for line in out.splitlines())
    assert one["outputs"] == last["outputs"] != ""
    assert set(bad) == set(absent) == {"inputs", "error"}
    assert bad["inputs"].endswith("bad.png") and "line 2: A picture does not decode" in bad["error"]
    assert "line 4: there is no file" in absent["error"]
    assert empty == {"inputs": "", "outputs": "", "score": 0.0}
    assert err.count("mm-decoder:") == 1
    assert "2 of 5 inputs could not be used, and have an error for an answer" in err
    assert decoder_command.main(flags) == 2
    out, err = capsys.readouterr()
    assert [bool(line) for line in out.split("\n")] == [True, False, False, False, True, False]
    assert err.index("line 2: A picture") < err.index("line 4: there is no") < err.index("2 of 5")


def test_mm_decoder_writes_json_lines_to_a_file_of_that_name(folder, loaded_once, mixed, tmp_path):
    flags = [f"--output_dir={folder}", f"--problem={PICTURES}", f"--input={mixed}"]
    output = tmp_path / "out.jsonl"
    assert decoder_command.main([*flags, f"--output={output}"]) == 2
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert ["error" in row for row in rows] == [False, True, False, True, False]


def test_mm_decoder_marks_texts_that_cannot_be_used(folder, loaded_once, capsys, tmp_path):
    (tmp_path / "in.txt").write_bytes(b"dog\n\xff\n\x1b[2J\n" + b"a" * 50_001 + b"\nhome\n")
    flags = [f"--output_dir={folder}", f"--problem={TEXT}", f"--input={tmp_path / 'in.txt'}"]
    assert decoder_command.main([*flags, "--json"]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["error" in row for row in rows] == [False, True, True, True, False]
    said = ("is not UTF-8", "control character", "too long")
    assert all(words in row["error"] for words, row in zip(said, rows[1:4], strict=True))


def test_an_input_that_only_the_pipeline_refuses_is_found(run, monkeypatch):
    from t2t_mm.decoding import predict

    decode_dataset = predict.decode_dataset

    def refusing(model, task, dataset, settings, numbers=None):
        texts = [text for batch in dataset for text in batch["inputs"]["inputs"].numpy().tolist()]
        if max(map(len, texts)) > 10:
            raise errors.DataError("An example cannot be used")
        return decode_dataset(model, task, dataset, settings, numbers)

    monkeypatch.setattr(predict, "decode_dataset", refusing)
    given = ["dog", "home", "dog runs " * 5, "dog", "home"]
    answers = t2t_mm.decode(run, given, problem=TEXT, strict=False)
    assert [answer.error is not None for answer in answers] == [False, False, True, False, False]
    assert answers[0].outputs == answers[3].outputs
    with pytest.raises(errors.DataError, match="cannot be used"):
        t2t_mm.decode(run, given, problem=TEXT)


def test_decode_from_python_raises_or_tells(run, tmp_path):
    with pytest.raises(errors.DataError, match="Input 1: there is no file"):
        t2t_mm.decode(run, [png(1), tmp_path / "nowhere.png"], problem=PICTURES)
    given = [png(1), tmp_path / "nowhere.png", png(1)]
    one, bad, last = t2t_mm.decode(run, given, problem=PICTURES, strict=False)
    assert "Input 1: there is no file" in bad.error
    assert one.error is None and one.outputs == last.outputs


def test_decode_takes_pictures_as_arrays(run, tmp_path):
    with pillow.open(io.BytesIO(png(3))) as picture:
        picture.load()
    pixels = np.asarray(picture)
    path = tmp_path / "picture.png"
    path.write_bytes(png(3))
    alpha = np.dstack([pixels, np.zeros(pixels.shape[:2], np.uint8)])
    given = [path, pixels, pixels / 255, (pixels / 255).astype(np.float32), picture, alpha]
    given += [{"image": pixels}, tf.constant(pixels)]
    answers = t2t_mm.decode(run, given, problem=PICTURES, n_best=3)
    for one in answers[1:]:
        assert [each.outputs for each in one.n_best] == [c.outputs for c in answers[0].n_best]
        assert one.score == pytest.approx(answers[0].score, rel=1e-4)
    assert answers[1].inputs == "(uint8 [32, 32, 3])"
    assert sum(each.probability for each in answers[0].n_best) == pytest.approx(1, rel=1e-4)
    assert len(t2t_mm.decode(run, np.stack([pixels] * 2), problem=PICTURES)) == 2
    with pytest.raises(
        errors.BadExampleError, match="Input 0: .*out of range.*0 to 1.*255 is white"
    ):
        t2t_mm.decode(run, [pixels.astype(np.float32)], problem=PICTURES)


def test_decode_takes_settings_of_the_search(run):
    (one,) = t2t_mm.decode(run, ["dog"], problem=TEXT, beam_size=3, n_best=2)
    assert len(one.n_best) == 2
    with pytest.raises(errors.ConfigError, match="Did you mean 'beam_size'"):
        t2t_mm.decode(run, ["dog"], problem=TEXT, beamsize=3)
    with pytest.raises(errors.ConfigError, match="More outputs are wanted"):
        t2t_mm.decode(run, ["dog"], problem=TEXT, n_best=3)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--beam_size=4", "--temperature=1"], "Received: --beam_size=4, --temperature=1.0"),
        (["--top_k=5"], "Received: --top_k=5, --temperature=0.0. Give --temperature=1 too"),
        (["--top_p=0.9", "--beam_size=2"], "Received: --top_p=0.9, --temperature=0.0"),
        (["--alpha=0.6"], "Received: --alpha=0.6, --beam_size=1. Give --beam_size=4 too"),
        (["--n_best=3"], "Received: --n_best=3, --beam_size=1. Give --beam_size=3"),
        (["--beam_size=2", "--n_best=3"], "Received: --n_best=3, --beam_size=2"),
        (["--temperature=1e-9"], "Expected: 0, or 0.001 or more"),
        (["--top_p=0"], "out of range"),
        (["--temperature=-1"], "out of range"),
        (["--beam_size=0"], "out of range"),
        (["--problem=loaded_run_pictures,loaded_run_text"], "takes one problem"),
        (["--input=a.txt", "--split=test"], "not both"),
        (["--problem=loaded_run_text", "--input=nowhere.txt"], "There is no file nowhere.txt"),
        (["--problem=loaded_run_text", "--split=tset"], "Did you mean 'test'"),
    ],
)
def test_mm_decoder_refuses_in_one_line(folder, loaded_once, capsys, flags, said):
    assert decoder_command.main([f"--output_dir={folder}", *flags]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "mm-decoder: " in line]
    assert len(lines) == 1
    assert said in lines[0]


def test_mm_eval_refuses_in_one_line_before_a_model_is_loaded(folder, monkeypatch, capsys):
    monkeypatch.delattr(loaded_run, "restore")
    for flags in (["--alpha=0.6"], ["--temperature=1", "--beam_size=2"], ["--n_best=2"]):
        assert eval_command.main([f"--output_dir={folder}", *flags]) == 2
        (line,) = (li for li in capsys.readouterr().err.splitlines() if "mm-eval: " in li)
        assert "Received: --" in line


def decoded(flags, capsys):
    assert decoder_command.main([*flags, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]


def test_mm_decoder_gives_the_n_best_of_a_beam(folder, loaded_once, capsys, tmp_path):
    (tmp_path / "in.txt").write_text("dog runs\n\nhome\n")
    flags = [f"--output_dir={folder}", f"--problem={TEXT}", f"--input={tmp_path / 'in.txt'}"]
    beam = [*flags, "--beam_size=3", "--alpha=0.6", "--n_best=2"]
    first, empty, last = decoded(beam, capsys)
    assert empty == {"inputs": "", "outputs": "", "score": 0.0, "n_best": []}
    for row in (first, last):
        assert set(row) == {"inputs", "outputs", "score", "n_best"}
        assert row["outputs"] == row["n_best"][0]["outputs"]
        ranks = [one["penalised_score"] for one in row["n_best"]]
        assert len(ranks) == 2
        assert ranks[0] >= ranks[1]
        assert all(one["penalised_score"] >= one["score"] for one in row["n_best"])
    assert decoder_command.main(beam) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.count("\t") for line in lines] == [1, 0, 1]


def test_mm_decoder_samples_by_the_seed_and_the_text(folder, loaded_once, capsys, tmp_path):
    (tmp_path / "in.txt").write_text("dog\nhome\ndog\nhome\n")
    flags = [f"--output_dir={folder}", f"--problem={TEXT}", f"--input={tmp_path / 'in.txt'}"]
    flags += ["--temperature=1", "--top_k=50", "--top_p=0.95"]
    one, same, other = (decoded([*flags, f"--seed={seed}"], capsys) for seed in (1, 1, 2))
    assert [row["outputs"] for row in one] == [row["outputs"] for row in same]
    assert [row["outputs"] for row in one] != [row["outputs"] for row in other]
    # The same text, whatever its line; another text draws something else.
    assert one[0]["outputs"] == one[2]["outputs"] != one[1]["outputs"]
    (tmp_path / "in.txt").write_text("dog runs runs\n\nhome\n")  # other neighbours, another line
    assert decoded([*flags, "--seed=1"], capsys)[2]["outputs"] == one[1]["outputs"]
    (loaded,) = (loaded_run.load_run(folder),)
    (answer,) = t2t_mm.decode(
        loaded, ["home"], problem=TEXT, temperature=1.0, top_k=50, top_p=0.95, seed=1
    )
    assert answer.outputs == one[1]["outputs"]


def test_a_split_is_sampled_as_its_texts_are(run):
    texts = [e["inputs"].decode() for e in in_record_order(run, TEXT, "test")]
    of_split = t2t_mm.decode(run, problem=TEXT, split="test", temperature=1.0, seed=3)
    of_texts = t2t_mm.decode(run, texts, problem=TEXT, temperature=1.0, seed=3)
    assert [a.outputs for a in of_split] == [a.outputs for a in of_texts]


def test_mm_eval_takes_a_beam_and_keeps_what_it_wrote(folder, loaded_once, capsys):
    flags = [f"--output_dir={folder}", f"--problem={TEXT}", "--split=test", "--json"]
    assert eval_command.main([*flags, "--beam_size=3", "--alpha=0.6", "--n_best=2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    path = folder / "decodes" / f"{TEXT}.test.7.beam_3_alpha_0.6_n_best_2_max_length_12.jsonl"
    assert answer["decodes"][TEXT] == str(path)
    assert answer["search"]["alpha"] == 0.6
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(len(row["n_best"]) == 2 for row in kept)
    again = decoded(
        [f"--output_dir={folder}", f"--problem={TEXT}", "--split=test", "--beam_size=3"]
        + ["--alpha=0.6", "--n_best=2"],
        capsys,
    )
    assert [row["outputs"] for row in again] == [row["outputs"] for row in kept]


@pytest.mark.parametrize("beam", [[], ["--beam_size=3"]])
def test_mm_decoder_gives_the_likeliest_classes(folder, loaded_once, capsys, tmp_path, beam):
    (tmp_path / "a.png").write_bytes(png(3))
    (tmp_path / "in.txt").write_text(f"{tmp_path / 'a.png'}\n")
    flags = [f"--output_dir={folder}", f"--problem={PICTURES}", f"--input={tmp_path / 'in.txt'}"]
    (row,) = decoded([*flags, *beam, "--n_best=3"], capsys)
    scores = [one["score"] for one in row["n_best"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(math.exp(score) for score in scores) == pytest.approx(1.0, rel=1e-4)


def test_a_talk_shows_all_that_are_wanted(run, capsys):
    lines = iter(["dog", "dog"])

    def ask(_):
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    wanted = settings.DecodeSettings(temperature=1.0, n_best=2, max_length=12)
    prompt.talk(run, run.task(TEXT), wanted, ask=ask)
    shown = capsys.readouterr().out
    assert shown.count("    (-") == 4
    assert shown[: len(shown) // 2] != shown[len(shown) // 2 :], "the second time other samples"


def test_a_talk_goes_on_after_an_input_that_cannot_be_used(run, capsys):
    lines = iter(["nowhere.png", "picture.png"])

    def ask(text):
        assert text == "to-class> "
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    prompt.talk(run, run.task(PICTURES), run.decode_settings, ask=ask)
    said = capsys.readouterr().err
    assert "Input 1: there is no file nowhere.png" in said
    assert "Input 2: there is no file picture.png" in said


def test_a_talk_answers(run, capsys):
    lines = iter(["dog", "", "home"])

    def ask(_):
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    emitted = []
    prompt.talk(run, run.task(TEXT), run.decode_settings, emit=emitted.append, ask=ask)
    assert [row["inputs"] for row in emitted] == ["dog", "", "home"]
