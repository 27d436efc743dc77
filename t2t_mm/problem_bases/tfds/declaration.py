"""TfdsProblem: a data set of TensorFlow Datasets as a problem, in a few lines.

@register_problem("tfds_mnist")
class TfdsMnist(TfdsProblem):
    tfds_name = "mnist:3.0.1"
    tfds_splits = {"train": "train[:55000]", "validation": "train[55000:]"}
    tfds_features = {"targets": "label"}
    inputs = {"image": Image(size=32, augment=False)}
    targets = Categorical(labels="digits")
    command = "to-class"
    metrics = ("accuracy",)
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import ClassVar

from t2t_mm import problem
from t2t_mm.corpus import raw


class TfdsProblem(problem.Problem):
    """The base of problems over data sets prepared by TensorFlow Datasets.

    The data set must lie in TFDS's folder, or in `--manual_dir` (or in
    `tensorflow_datasets/` there), where `tfds build NAME` puts it. Values are converted by
    the type of the feature: a class to its name, a picture to its encoded bytes, sound to
    samples with their rate, a number to digits; text stays. A sequence of texts gives
    several references for the targets.

    Attributes:
      tfds_name: the data set with its config and version ("mnist:3.0.1",
        "glue/sst2:2.0.0"). Name the version, since it identifies the data.
      tfds_splits: TFDS's split by split of the problem ("train[:90%]"); `splits` are its
        keys.
      tfds_features: the feature of an input or of the "targets", with slashes for nested
        ones ("translation/de"); by default the feature with the input's name.
      sample_rate: samples a second of sounds, if TFDS does not have it.
      sample_bits: bits of a sample, if TFDS has whole numbers.
    """

    corpus = "tensorflow_datasets"
    sources = ("tfds",)

    tfds_name: ClassVar[str] = ""
    tfds_splits: ClassVar[Mapping[str, str]] = {
        "train": "train",
        "validation": "validation",
        "test": "test",
    }
    tfds_features: ClassVar[Mapping[str, str]] = {}
    sample_rate: ClassVar[int | None] = None
    sample_bits: ClassVar[int] = 16

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.splits = tuple(cls.tfds_splits)
        if "layout" not in vars(cls):
            cls.layout = f"{cls.tfds_name}, as `tfds build {cls.tfds_name}` prepares it"

    @classmethod
    def declaration_digest(cls) -> str:
        read = (cls.tfds_name, dict(cls.tfds_splits), dict(cls.tfds_features))
        text = repr((read, cls.sample_rate, cls.sample_bits))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def wrong_declaration(cls) -> str | None:
        if not cls.tfds_name:
            return "tfds_name is empty; it names a data set of TFDS, as in 'mnist:3.0.1'"
        for name in cls.tfds_features:
            if name != "targets" and name not in cls.inputs:
                return f"tfds_features names {name!r}, which inputs does not"
        return None

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        _leave_accelerators_alone()
        from t2t_mm.problem_bases.tfds import features, reading

        data = reading.open_data(self.tfds_name, files.root)
        reading.check_links(data, follow=files.boundary.follow)
        sources = {
            name: features.Wanted(name, self.tfds_features.get(name, name), modality)
            for name, modality in {**self.inputs, "targets": self.targets}.items()
        }
        sound = features.Sound(self.sample_rate, self.sample_bits)
        fields = features.find(data, list(sources.values()), sound)
        for key, values in reading.examples(data, self.tfds_splits[split], fields):
            yield key, {name: fields[name].value(values) for name in sources}


def _leave_accelerators_alone() -> None:
    """Hides GPUs from TensorFlow in worker processes, each of which would take their memory."""
    import multiprocessing  # which lists go without

    if multiprocessing.parent_process() is not None and "tensorflow" not in sys.modules:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
