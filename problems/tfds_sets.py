"""Data sets of TensorFlow Datasets: a few lines each, and a pattern for any other.

`tfds build NAME` prepares them; `--source=tfds` reads them.
"""

from __future__ import annotations

from t2t_mm import problem
from t2t_mm.modality.audio import declaration as audio
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.image import declaration as image
from t2t_mm.modality.language import declaration as language
from t2t_mm.problem_bases.tfds import declaration as tfds


@problem.register_problem("tfds_mnist")
class TfdsMnist(tfds.TfdsProblem):
    """Handwritten digits, without augmentation, since flips and crops change digits."""

    tfds_name = "mnist:3.0.1"
    tfds_splits = {"train": "train[:55000]", "validation": "train[55000:]", "test": "test"}
    tfds_features = {"targets": "label"}
    inputs = {"image": image.Image(size=32, augment=False)}
    targets = categorical.Categorical(labels="digits")
    command = "to-class"
    metrics = ("accuracy", "log_perplexity")


@problem.register_problem("tfds_ag_news")
class TfdsAgNews(tfds.TfdsProblem):
    """The first sentences of news, and the section that they are of."""

    tfds_name = "ag_news_subset:1.0.0"
    tfds_splits = {"train": "train[:95%]", "validation": "train[95%:]", "test": "test"}
    tfds_features = {"inputs": "description", "targets": "label"}
    inputs = {"inputs": language.Language(max_length=128)}
    targets = categorical.Categorical(classes=("World", "Sports", "Business", "Sci/Tech"))
    command = "to-class"
    metrics = ("accuracy", "log_perplexity")


@problem.register_problem("tfds_speech_commands")
class TfdsSpeechCommands(tfds.TfdsProblem):
    """Spoken commands of a second, beside other words and silence."""

    tfds_name = "speech_commands:0.0.3"
    tfds_features = {"inputs": "audio", "targets": "label"}
    inputs = {"inputs": audio.Audio(sample_rate=16_000, max_seconds=2.0)}
    targets = categorical.Categorical(labels="speech_commands")
    command = "to-class"
    metrics = ("accuracy", "log_perplexity")


@problem.register_problem("tfds_ted_pten")
class TfdsTedPtEn(tfds.TfdsProblem):
    """Talks in Portuguese, and their English translations."""

    tfds_name = "ted_hrlr_translate/pt_to_en:1.0.0"
    tfds_features = {"inputs": "pt", "targets": "en"}
    inputs = {"inputs": language.Language(max_length=128)}
    targets = language.Language(max_length=128)
    command = "to-english"
    metrics = ("bleu", "log_perplexity")
