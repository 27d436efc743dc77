"""A warm start takes what is shared by name, says what it left, and refuses what does not fit."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import config, errors, vocabulary
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.models import build
from t2t_mm.runs import checkpoint, origin, run_folder
from t2t_mm.training import warm_start
from tests.models import conftest

SIZES = conftest.TINY_TRANSFORMER
TEXTS = ["a red ball", "a blue box", "the green cone is small", "two red boxes"]
WORDS = vocabulary.build("mm_8k", TEXTS, size=290)
OTHER = vocabulary.build("mm_8k", [f"{text} and ham" for text in TEXTS], size=300)


make_task = functools.partial(conftest.make_task, words=WORDS)
TEXT = make_task("text", {"inputs": Language()}, Language(), "to-german")
PICTURES = make_task(
    "pictures", {"image": Image(size=32)}, Categorical(classes=("cat", "dog")), "to-class"
)
ASKING = make_task("asking", {"image": Image(size=32), "question": Language()}, Language(), "ask")
STARS = make_task("stars", {"review": Language()}, Categorical(classes=("1", "2")), "to-stars")
WRITING = make_task("writing", {}, Language(), "to-english")


@pytest.fixture(autouse=True)
def _clean():
    yield
    config.reset()


@pytest.fixture
def make():
    """Returns a function that makes a model in which no two weights are alike."""

    def model_of(tasks, *, seed=0, sizes=()):
        config.load([], [*SIZES, *sizes])
        model = build.build("transformer", tasks)
        draw = np.random.default_rng(seed)
        for variable in model.variables:
            noise = draw.normal(scale=0.2, size=variable.shape)
            variable.assign(variable.numpy() + noise.astype(np.float32))
        return model

    return model_of


@pytest.fixture
def run(make, tmp_path):
    """Returns a function that leaves a run with one checkpoint; gives its folder and model."""

    def run_of(tasks, **changes):
        model = make(tasks, **changes)
        folder = run_folder.RunFolder(tmp_path / "run").create(
            model="transformer", schedule="uniform", tasks=tasks
        )
        folder.write_config()
        fingerprint = build.model_fingerprint("transformer", model)
        checkpoint.Checkpoints(folder.checkpoints, {"model": model}, fingerprint=fingerprint).save(
            5
        )
        return folder.path, model

    return run_of


def load(folder, model, allow=()):
    return warm_start.load(
        origin.find(folder),
        model,
        fingerprint=build.model_fingerprint("transformer", model),
        allow=allow,
    )


def text_batch():
    ids = tf.constant([WORDS.encode("a red ball"), WORDS.encode("a blue box")[:3]][:1])
    return {"inputs": {"inputs": ids}, "targets": ids}


def picture_batch():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3))
    return {"image": tf.constant(pixels, tf.uint8)}


def test_a_task_more_leaves_the_old_ones_answers_as_they_were(run, make):
    folder, old = run([TEXT, PICTURES])
    # Its command comes before the others, so that theirs have other numbers than before.
    new = make([ASKING, TEXT, PICTURES, STARS, WRITING], seed=1)
    assert new.commands.index("to-german") != old.commands.index("to-german")
    found = load(folder, new)
    np.testing.assert_array_equal(old(text_batch(), "text"), new(text_batch(), "text"))
    np.testing.assert_array_equal(
        old.class_logits("pictures", picture_batch()), new.class_logits("pictures", picture_batch())
    )
    parts = found.parts
    for name in ("language_mm_8k", "image", "categorical_pictures", "body/encoder", "body/decoder"):
        assert parts[name].restored == parts[name].weights > 0
        assert parts[name].fresh == []
    assert parts["categorical_stars"].restored == 0
    assert parts["categorical_stars"].fresh == ["not in that run"]
    assert parts["commands"].restored == 2 * 16
    assert parts["commands"].weights == (5 + 2 + 1) * 16  # commands, marks, and no input at all
    assert parts["commands"].fresh == [
        "ask; to-english; to-stars",
        "image; question",
        "no_input",
    ]
    assert found.left == []


def test_a_task_less_leaves_its_parts_behind(run, make):
    folder, old = run([TEXT, PICTURES, ASKING, WRITING])
    new = make([TEXT], seed=1)
    found = load(folder, new)
    np.testing.assert_array_equal(old(text_batch(), "text"), new(text_batch(), "text"))
    assert set(found.left) == {
        "categorical_pictures",
        "image",
        "input_marks",
        "no_input",
        "command ask",
        "command to-class",
        "command to-english",
        "input image",
        "input question",
    }


def test_a_table_of_it_is_shown_and_described(run, make):
    folder, _ = run([TEXT, PICTURES])
    lines = []
    found = load(folder, make([TEXT, STARS], seed=1))
    found.show(lines.append)
    text = "\n".join(lines)
    assert "step 5" in lines[0]
    assert "to-stars" in next(line for line in lines if line.startswith("  commands"))
    assert "not in that run" in next(line for line in lines if "categorical_stars" in line)
    assert "Left behind: " in text and "categorical_pictures" in text
    described = found.describe()
    assert described["step"] == 5
    assert described["parts"]["commands"]["restored"] == 16


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (["TransformerConfig.width = 32"], "config.width is 16 there, 32 here"),
        (["TransformerConfig.heads = 4"], "config.heads is 2 there, 4 here"),
        (["TransformerConfig.decoder_layers = 2"], "config.decoder_layers is 1 there, 2 here"),
    ],
)
def test_another_size_is_refused_unless_it_is_allowed(run, make, sizes, words):
    folder, _ = run([TEXT])
    new = make([TEXT], seed=1, sizes=sizes)
    before = [variable.numpy() for variable in new.variables]
    with pytest.raises(errors.CheckpointError, match=words) as caught:
        load(folder, new)
    assert "WarmStartSettings.allow = ('sizes',)" in str(caught.value)
    for variable, value in zip(new.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    if "width" not in words:
        found = load(folder, new, allow=("sizes",))
        assert found.parts["language_mm_8k"].fresh == []
        assert found.parts["body/encoder"].restored == found.parts["body/encoder"].weights
        if "layers" in words:
            assert found.parts["body/decoder"].fresh == ["of another size"]


def test_nothing_that_fits_is_an_error_whatever_is_allowed(run, make):
    folder, _ = run([TEXT])
    wider = ["TransformerConfig.width = 32", "TransformerConfig.filter_width = 32"]
    new = make([TEXT], seed=1, sizes=wider)
    with pytest.raises(errors.CheckpointError, match="No weight"):
        load(folder, new, allow=("sizes", "vocabulary"))


def test_pieces_of_another_vocabulary_are_matched_where_that_is_allowed(run, make):
    folder, old = run([TEXT])
    moved = dataclasses.replace(TEXT, vocabularies={"mm_8k": OTHER})
    new = make([moved], seed=1)
    with pytest.raises(errors.CheckpointError, match="vocabulary 'mm_8k' is another") as caught:
        load(folder, new)
    assert "allow = ('vocabulary',)" in str(caught.value)
    assert "vocabularies copied into" in str(caught.value)
    fresh = new.nets["language_mm_8k"].embedding.numpy()
    found = load(folder, new, allow=("vocabulary",))
    table, before = (m.nets["language_mm_8k"].embedding.numpy() for m in (new, old))
    common = set(WORDS.pieces) & set(OTHER.pieces)
    assert 260 < len(common) < len(OTHER.pieces)
    for number, piece in enumerate(OTHER.pieces):
        expected = before[WORDS.pieces.index(piece)] if piece in common else fresh[number]
        np.testing.assert_array_equal(table[number], expected, err_msg=piece)
    assert found.parts["language_mm_8k"].restored == len(common) * 16
    assert any("more" in note for note in found.parts["language_mm_8k"].fresh)


def test_classes_are_matched_by_name_where_that_is_allowed(run, make):
    folder, old = run([PICTURES])
    wider = dataclasses.replace(PICTURES, targets=Categorical(classes=("bee", "cat", "dog")))
    new = make([wider], seed=1)
    with pytest.raises(errors.CheckpointError, match="classes of categorical_pictures is another"):
        load(folder, new)
    load(folder, new, allow=("classes",))
    before = old.class_logits("pictures", picture_batch())
    after = new.class_logits("pictures", picture_batch())
    np.testing.assert_allclose(after[:, 1:], before, atol=1e-6)


def test_settings_name_what_can_be_allowed():
    with pytest.raises(errors.ConfigError, match="'vocabulary' or 'classes' or 'sizes'"):
        config.load([], ["WarmStartSettings.allow = ('sises',)"])
