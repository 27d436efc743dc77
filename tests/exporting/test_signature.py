"""The graph of each kind of problem answers as mm-decoder does, whoever shares its batch."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import t2t_mm
from t2t_mm.exporting import signature
from tests.modality.audio.test_check import wav

DRAW = np.random.default_rng(1)
TEXTS = ["a red ball is under the blue box", "où est le chat", "ball", "box " * 20, "a b c"]
NO_TEXT, CONTROL = "", "a\x07b"


def picture(width, height, **options):
    file = io.BytesIO()
    pixels = DRAW.integers(0, 255, (height, width, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(file, options.pop("format", "JPEG"), **options)
    return file.getvalue()


PICTURES = [picture(32, 32), picture(50, 40), picture(31, 90, format="PNG"), picture(33, 33)]
SOUNDS = [wav(0.3), wav(1.1, channels=2), wav(0.1), wav(0.5)]
GOOD = {
    "text": [{"inputs": text} for text in TEXTS],
    "classes": [{"image": data} for data in PICTURES],
    "questions": [
        {"image": data, "question": text} for data, text in zip(PICTURES, TEXTS, strict=False)
    ],
    "sounds": [{"sound": data} for data in SOUNDS],
    "writing": [{"prefix": text} for text in ("", "a red", "où", "the green cone is")],
}
BAD = {
    "text": [{"inputs": CONTROL}],
    "classes": [{"image": b"no picture"}],
    "questions": [{"image": PICTURES[0], "question": NO_TEXT}, {"image": b"", "question": "a"}],
    "sounds": [{"sound": wav(2.5)}],
    "writing": [{"prefix": CONTROL}],
}
SEARCHES = {
    "greedy": {},
    "beam": {"beam_size": 3, "alpha": 0.6, "n_best": 2},
    "sampling": {"temperature": 0.8, "top_k": 20, "n_best": 2, "seed": 7},
}


@pytest.fixture(scope="module")
def make(loaded):
    """Returns a function from a problem and settings to its signature, traced once."""

    @functools.cache
    def signature_of(problem, search):
        task = loaded.task(problem)
        settings = loaded.decode_settings.override(SEARCHES[search])
        settings = settings.within(task.targets, loaded.batching.max_length)
        return signature.Signature(loaded, task, settings)

    return signature_of


def answer(one, rows, seed=None):
    given = {name: tf.constant([row[name] for row in rows], tf.string) for name in one.inputs}
    if seed is not None:
        given["seed"] = tf.constant(seed, tf.int64)
    found = one.function(**given)
    assert set(found) == set(one.outputs)
    return {name: values.numpy() for name, values in found.items()}


def lists(found):
    texts = [[text.decode() for text in np.atleast_1d(row)] for row in found["outputs"]]
    return texts, [np.atleast_1d(row).tolist() for row in found["scores"]]


@pytest.mark.slow
@pytest.mark.parametrize("problem", GOOD)
@pytest.mark.parametrize("search", SEARCHES)
def test_answers_of_every_kind_are_those_of_the_decoder(make, loaded, problem, search):
    if (problem, search) == ("classes", "sampling"):
        pytest.skip("a class is not drawn")
    check_answers(make(problem, search), loaded, problem, SEARCHES[search])


def check_answers(one, loaded, problem, search):
    seed = search.get("seed") if one.samples else None
    good, bad = GOOD[problem], BAD[problem]
    rows = [*bad, *good, *bad]
    wanted = t2t_mm.decode(loaded, rows, problem=problem, strict=False, **search)
    found = answer(one, rows, seed)
    said = [error.decode() for error in found["errors"]]
    assert [bool(error) for error in said] == [each.error is not None for each in wanted]
    texts, scores = lists(found)
    for place, each in enumerate(wanted):
        if each.error is not None:
            assert not any(texts[place])
            assert not any(scores[place])
            continue
        best = [each] if each.n_best is None else each.n_best
        assert texts[place] == [one.outputs for one in best]
        assert scores[place] == pytest.approx([one.score for one in best], abs=1e-4)
    for place in (len(bad), len(rows) - 1):  # a good row alone, and a bad one
        alone = answer(one, rows[place : place + 1], seed)
        assert lists(alone)[0][0] == texts[place]
        assert lists(alone)[1][0] == pytest.approx(scores[place], abs=1e-4)
        assert alone["errors"][0].decode() == said[place]
    none = answer(one, [], seed)
    assert all(len(values) == 0 for values in none.values())


@pytest.mark.slow
def test_classes_have_their_probabilities(make, loaded):
    one = make("classes", "greedy")
    found = answer(one, [*GOOD["classes"], *BAD["classes"]])
    classes = loaded.task("classes").targets.classes
    assert [[name.decode() for name in row] for row in found["classes"]] == [list(classes)] * 5
    shares = found["probabilities"]
    assert shares.sum(1) == pytest.approx([1, 1, 1, 1, 0], abs=1e-5)
    best = [classes[place].encode() for place in shares[:4].argmax(1)]
    assert found["outputs"][:4].tolist() == best
    assert np.exp(found["scores"][:4]) == pytest.approx(shares[:4].max(1), abs=1e-6)


@pytest.mark.slow
def test_an_error_names_the_input_where_there_are_several(make):
    said = answer(make("questions", "greedy"), BAD["questions"])["errors"]
    assert said[0] == b"question: A text is empty."
    assert said[1].startswith(b"image: A file is not a picture.")


@pytest.mark.slow
def test_samples_depend_on_the_seed_and_the_row_alone(make):
    one = make("text", "sampling")
    rows = GOOD["text"]
    first = answer(one, rows, seed=1)["outputs"].tolist()
    assert answer(one, rows[::-1], seed=1)["outputs"].tolist() == first[::-1]
    assert answer(one, rows, seed=2)["outputs"].tolist() != first
