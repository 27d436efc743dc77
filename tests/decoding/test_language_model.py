"""A language model is asked: it goes on with what it is given, and writes by itself."""

import json

import keras
import pytest

import t2t_mm
from t2t_mm import Problem, config, register_problem
from t2t_mm.bin import decoder as decoder_command
from t2t_mm.cli import prompt
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import decode
from t2t_mm.decoding import requests as requests_lib
from t2t_mm.modality import Language
from t2t_mm.models import build
from t2t_mm.runs import checkpoint, run_folder

NAME = "toy_lm"
CONFIG = [
    "TransformerConfig.width = 16",
    "TransformerConfig.filter_width = 16",
    "TransformerConfig.heads = 2",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TrainSettings.precision = 'float32'",
    "DecodeSettings.max_length = 9",
]


class Writing(Problem):
    inputs = {}
    targets = Language(vocab="lm")
    command = "to-english"
    metrics = ("log_perplexity", "token_accuracy")

    def generate_examples(self, split, files):
        for number in range(12):
            yield f"{split}/{number}", {"targets": f"the dog {number} runs home"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An output folder with a checkpoint of a model that was never trained."""
    root = tmp_path_factory.mktemp("lm")
    registered = t2t_mm.registry.problems._entries
    before = dict(registered)
    register_problem(NAME)(Writing)
    t2t_mm.generate(NAME, root / "data", manual_dir=root, workers=1, vocabulary_size=300)
    config.load([], CONFIG)
    keras.utils.set_random_seed(0)  # a model by chance may write line ends
    tasks = task_lib.tasks_from_data([NAME], root / "data")
    model = build.build("transformer", tasks)
    run = run_folder.RunFolder(root / "run").create(
        model="transformer", schedule="uniform", tasks=tasks
    )
    run.write_config()
    fingerprint = build.model_fingerprint("transformer", model)
    checkpoint.Checkpoints(run.checkpoints, {"model": model}, fingerprint=fingerprint).save(3)
    config.reset()
    yield run.path
    t2t_mm.registry.problems._entries = before


@pytest.fixture(scope="module")
def loaded(folder):
    return t2t_mm.load_run(folder)


def test_what_it_writes_begins_with_what_it_was_given(loaded):
    task = loaded.task()
    given = ["the dog", "", "the dog 3 runs", "home"]
    answers = t2t_mm.decode(loaded, given)
    assert [answer.inputs for answer in answers] == given
    for text, answer in zip(given, answers, strict=True):
        begun = task.vocabulary.encode(text)[:9]
        assert task.vocabulary.encode(answer.outputs)[: len(begun)] == begun
        assert answer.score <= 0
    (alone,) = t2t_mm.decode(loaded, [{}])
    assert alone.outputs == answers[1].outputs
    assert alone.score == pytest.approx(answers[1].score, abs=1e-4)


def test_a_split_is_measured_and_answered(loaded):
    found = t2t_mm.evaluate(loaded, baselines=True)
    assert found["results"][NAME]["log_perplexity"] > 0
    simple = found["baselines"][NAME]
    assert simple["name"] == "frequencies of tokens"
    assert set(simple["values"]) == {"log_perplexity", "token_accuracy"}
    answers = t2t_mm.decode(loaded, split="validation", max_examples=3)
    assert [answer.inputs for answer in answers] == [{}] * 3
    assert len({answer.outputs for answer in answers}) == 1
    assert {answer.reference[:7] for answer in answers} == {"the dog"}


def test_the_command_takes_beginnings_line_by_line(loaded, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("t2t_mm.runs.loaded_run.restore", lambda run, which: loaded)
    (tmp_path / "in.txt").write_text("the dog\n\n")
    flags = [f"--output_dir={folder}", f"--input={tmp_path / 'in.txt'}", "--json"]
    assert decoder_command.main(flags) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["inputs"] for row in rows] == ["the dog", ""]
    assert rows[0]["outputs"].startswith("the dog")
    assert rows[1]["outputs"]
    (tmp_path / "in.txt").write_text("the dog\n" + "the dog " * 9)
    assert decoder_command.main(flags) == 0
    assert "1 of 2 inputs were longer" in capsys.readouterr().err


def test_a_talk_answers_an_empty_line_too(loaded, capsys):
    lines = iter(["the dog", ""])

    def ask(_):
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    prompt.talk(loaded, loaded.task(), loaded.decode_settings, ask=ask)
    written = capsys.readouterr()
    assert "beginnings of texts" in written.err
    assert len(written.out.splitlines()) == 2


def test_the_order_of_requests_is_kept(loaded):
    task = loaded.task()
    requests = requests_lib.requests(task, [f"the dog {n}" for n in range(30)])
    answers = list(decode.of_requests(loaded, task, requests))
    assert [answer.inputs for answer in answers] == [f"the dog {n}" for n in range(30)]
