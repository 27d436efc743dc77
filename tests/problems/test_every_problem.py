"""Every built-in problem with sample data, all the way from raw files to an answer.

The data of all of them is made together, with one vocabulary. One model is trained on a
problem of most shapes (what goes in, what comes out, how it is measured), another one, in
the slow tests, on all the others.
"""

import math

import pytest

import t2t_mm
from t2t_mm import config, plugins, registry, vocabulary
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import baselines
from t2t_mm.models import build
from t2t_mm.reports import inspection
from tests.problems.conftest import SIZES, examples, given

STEPS = 2  # of each problem

plugins.load_all()


def shape(name):
    problem = registry.problems.get(name)
    kinds = sorted(declared.kind for declared in problem.inputs.values())
    return (*kinds, "to", problem.targets.kind, *problem.metrics)


def names():
    """Returns the problems in question, and those of them that stand for their shape."""
    found = [
        entry.name
        for entry in registry.problems.entries()
        if entry.plugin.startswith("t2t_mm.problems.") and "sample" in entry.value.sources
    ]
    first = {shape(name): name for name in reversed(found)}
    return found, sorted(first.values())


ALL, FIRST = names()
# What goes in, comes out and measures these, others have too: together, they would take a minute.
FIRST = [name for name in FIRST if name not in ("fsdd_words", "multi30k_lm_en", "vqa")]
OTHERS = [name for name in ALL if name not in FIRST]
EACH = [*FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The folder of all data, and what the generation answered."""
    folder = tmp_path_factory.mktemp("every_problem")
    answer = t2t_mm.generate(
        ALL, folder, source="sample", sample_size=24, max_examples=12, workers=2
    )
    return folder, answer


@pytest.fixture(scope="session")
def train(data, tmp_path_factory):
    """Returns a function that trains some problems jointly, once, and gives run and answer."""
    done = {}

    def once(problems):
        if problems[0] not in done:
            run = tmp_path_factory.mktemp("every_run") / "run"
            answer = t2t_mm.train(
                problems,
                data_dir=data[0],
                output_dir=run,
                gin_params=SIZES,
                train_steps=STEPS * len(problems),
                eval_every=0,
                schedule=in_turn(len(problems)),
            )
            done[problems[0]] = (t2t_mm.load_run(run), answer)
        return done[problems[0]]

    return once


@pytest.fixture
def trained(train):
    """Returns a function from a problem to the run and the answer of its training."""
    return lambda name: train(FIRST if name in FIRST else OTHERS)


def in_turn(count):
    """Returns the schedule that trains each of `count` problems once, and then again."""
    points = [
        f"{step}=" + ",".join(str(int(place == step % count)) for place in range(count))
        for step in range(STEPS * count)
    ]
    return f"step:{';'.join(points)}"


@pytest.mark.parametrize("name", ALL)
def test_raw_files_become_records(data, name):
    folder, answer = data
    problem = registry.problems.get(name)
    assert answer["problems"][name]["status"] == "generated"
    for split in problem.splits:
        assert answer["problems"][name]["splits"][split]["examples"] > 0
        for example in examples(folder, name, split, 4):
            assert set(example) == {*problem.inputs, "targets", "key"}
            assert all(value for values in example.values() for value in values)
    found = inspection.inspect(name, folder, examples=2)
    assert len(found.describe()["examples"]) == 2
    assert set(found.modalities) == {*problem.inputs, "targets"}


def test_one_vocabulary_serves_all_text_and_keeps_symbols_whole(data):
    folder, answer = data
    assert list(answer["vocabularies"]) == ["mm_8k"]
    assert answer["vocabularies"]["mm_8k"]["size"] <= 8192
    shared = vocabulary.Vocabulary.load(folder / "vocabularies" / "mm_8k")
    symbols = {symbol for name in ALL for symbol in registry.problems.get(name).symbols}
    assert symbols
    broken = [symbol for symbol in symbols if len(shared.encode(symbol)) != 1]
    assert not broken


@pytest.mark.parametrize("name", EACH)
def test_some_steps_of_joint_training(trained, name):
    _, answer = trained(name)
    done = answer["problems"][name]
    assert done["steps"] == STEPS
    assert math.isfinite(done["loss"])


@pytest.mark.parametrize("name", EACH)
def test_its_own_metrics_measure_it(trained, name):
    _, answer = trained(name)
    metrics = registry.problems.get(name).metrics
    assert set(metrics) <= set(answer["eval"][name])
    for metric, value in answer["eval"][name].items():
        assert math.isfinite(value), metric


@pytest.mark.parametrize("name", EACH)
def test_it_answers_what_it_is_given(data, trained, name):
    run, _ = trained(name)
    task = run.task(name)
    answers = t2t_mm.decode(run, given(task, task.splits[1], 2), problem=name)
    assert len(answers) == 2
    classes = getattr(task.targets, "classes", None)
    for answer in answers:
        assert math.isfinite(answer.score)
        assert answer.outputs in classes if classes else isinstance(answer.outputs, str)


@pytest.mark.parametrize("name", ALL)
def test_a_simple_answer_is_there_to_be_beaten(data, name):
    task = task_lib.Task.from_data(name, data[0])
    found = baselines.measure(task, task.splits[1], max_examples=6)
    assert set(found.values) >= set(task.metrics)
    assert all(math.isfinite(value) for value in found.values.values())


def test_one_more_problem_of_known_kinds_costs_its_command_alone(data):
    """No net, no layer and no table is made for it; a new label set costs its head."""
    config.load([], SIZES)
    tasks = {name: task_lib.Task.from_data(name, data[0]) for name in ALL}
    texts = [
        t
        for t in tasks.values()
        if [m.kind for m in t.inputs.values()] == ["language"] and not t.targets.words_of
    ]
    few = build.build("transformer", texts[:1])
    many = build.build("transformer", texts)
    assert len(texts) > 10
    assert len(many.variables) == len(few.variables)
    assert weights(many) - weights(few) == 16 * (len({t.command for t in texts}) - 1)
    tree = next(t for t in tasks.values() if getattr(t.targets, "words_of", ""))
    # Outputs that follow words: two maps of the first and last piece of a word, one with a bias.
    assert weights(build.build("transformer", [texts[0], tree])) - weights(few) == (
        16 + 2 * 2 * 16 * 16 + 16
    )
    whole = build.build("transformer", list(tasks.values()))
    heads = {name for name in whole.nets if name.startswith("categorical_")}
    labels = {t.targets.net_name(t.name) for t in tasks.values() if not t.targets.autoregressive}
    assert heads == labels
    config.reset()


def weights(model):
    return sum(math.prod(variable.shape) for variable in model.variables)
