"""Models on sounds: a class, a text, a text and a sound together; learning; decoding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.data import pipeline
from t2t_mm.decoding import decode
from t2t_mm.decoding import requests as requests_lib
from t2t_mm.modality import Audio, Categorical, Language, features
from t2t_mm.runs import loaded_run
from t2t_mm.settings import batching, decoding
from tests.modality.audio.conftest import tone, wav
from tests.models import conftest
from tests.models.conftest import make_model, make_task, text_batch

RATE = 8_000
SOUND = Audio(sample_rate=RATE, bands=16)
CLASSES = ("low", "middle", "high")
TONES = make_task("tones", {"sound": SOUND}, Categorical(classes=CLASSES), "to-class")
SPEECH = make_task("speech", {"sound": SOUND}, Language(), "to-english")
BOTH = make_task("both", {"sound": SOUND, "question": Language()}, Language(), "to-answer")
SIZES = {"audio_widths": (2, 2, 3, 3, 4, 4, 4, 4)}
SEED = tf.constant([1, 2], tf.int32)


def tones(count, *, seed=0):
    """WAV files of tones in noise, and their classes."""
    draw = np.random.default_rng(seed)
    files, labels = [], []
    for i in range(count):
        labels.append(i % 3)
        hertz = (300, 900, 2400)[i % 3] * draw.uniform(0.9, 1.1)
        sound = tone(RATE, draw.uniform(0.15, 0.3), hertz)
        files.append(wav(sound + 0.05 * draw.normal(size=len(sound)), RATE))
    return files, labels


def sound_batch(count=6, *, seed=0, task=TONES):
    files, labels = tones(count, seed=seed)
    made = features.build(SOUND, task)
    given = {"sound": made.featurize(tf.constant(files), training=False)}
    if task is BOTH:
        given["question"] = text_batch(count)["inputs"]["inputs"]
    targets = tf.constant(labels) if task is TONES else text_batch(count)["targets"]
    return {"inputs": given, "targets": targets}


@pytest.fixture(scope="module", params=sorted(conftest.MODELS))
def model(request):
    return make_model(request.param, (TONES, SPEECH, BOTH), **SIZES)


@pytest.mark.parametrize("task", [TONES, SPEECH, BOTH], ids=lambda task: task.name)
def test_a_step_reaches_every_weight_of_the_audio_net(model, task):
    variables = [v.value for v in model.nets["audio_spectral_8000_16"].trainable_variables]
    with tf.GradientTape() as tape:
        loss, metrics = model.loss(task.name, sound_batch(task=task), training=True, seed=SEED)
    assert np.isfinite(float(metrics["log_perplexity"]))
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.name


@pytest.mark.parametrize("task", [TONES, SPEECH], ids=lambda task: task.name)
def test_more_padding_changes_no_loss(model, task):
    batch = sound_batch(task=task)
    longer = tf.pad(batch["inputs"]["sound"], [[0, 0], [0, 40], [0, 0]])
    padded = {**batch, "inputs": {**batch["inputs"], "sound": longer}}
    one, two = (float(model.loss(task.name, b, training=False)[0]) for b in (batch, padded))
    assert one == pytest.approx(two, abs=2e-4)


def test_sounds_of_one_form_share_a_net(model):
    assert [name for name in model.nets if name.startswith("audio")] == ["audio_spectral_8000_16"]


def test_tones_are_learnt():
    """Twenty small steps tell three tones apart, in noise and of any length."""
    keras.utils.set_random_seed(1)  # or the weights would depend on the tests before
    model = make_model("transformer", (TONES,), **SIZES, dropout=0.0)
    variables = [variable.value for variable in model.trainable_variables]
    means = [tf.Variable(tf.zeros_like(v)) for v in variables]
    squares = [tf.Variable(tf.zeros_like(v)) for v in variables]

    @tf.function(autograph=False)
    def step(batch, number):
        with tf.GradientTape() as tape:
            loss, _ = model.loss("tones", batch, training=True, seed=SEED)
        for v, m, s, g in zip(
            variables, means, squares, tape.gradient(loss, variables), strict=True
        ):
            if g is None:
                continue
            m.assign(0.9 * m + 0.1 * g)
            s.assign(0.99 * s + 0.01 * g * g)
            corrected = tf.sqrt(s / (1 - 0.99**number)) + 1e-8
            v.assign_sub(0.01 * m / (1 - 0.9**number) / corrected)
        return loss

    batch = sound_batch(24)
    losses = [float(step(batch, tf.constant(float(i)))) for i in range(1, 21)]
    assert losses[-1] < 0.7 * losses[0]
    unseen = sound_batch(24, seed=9)
    found = tf.argmax(model.class_logits("tones", unseen["inputs"]), 1).numpy()
    assert (found == unseen["targets"].numpy()).mean() > 0.6


def test_a_path_is_decoded(tmp_path):
    """As mm-decoder has it: a line with the path of a file, at whatever rate it is."""
    model = make_model("transformer", (TONES,), **SIZES)
    (tmp_path / "a.wav").write_bytes(wav(tone(44_100, 0.3), 44_100))
    (tmp_path / "b.wav").write_bytes(wav(tone(RATE, 0.2), RATE))
    loaded = loaded_run.LoadedRun(
        folder=None,
        model=model,
        tasks={"tones": TONES},
        step=1,
        batching=batching.Batching(),
        decode_settings=decoding.DecodeSettings(),
    )
    requests = [
        requests_lib.request(TONES, str(tmp_path / name), f"line {number}")
        for number, name in enumerate(("a.wav", "b.wav"), start=1)
    ]
    answers = list(decode.of_requests(loaded, TONES, requests, loaded.decode_settings))
    assert [answer.inputs for answer in answers] == [str(tmp_path / n) for n in ("a.wav", "b.wav")]
    assert all(answer.outputs in CLASSES for answer in answers)
    alone = pipeline.predict_dataset(TONES, [requests[1].raw], batching.Batching())
    logits = model.class_logits("tones", next(iter(alone))["inputs"])
    assert answers[1].outputs == CLASSES[int(tf.argmax(logits[0]))]
