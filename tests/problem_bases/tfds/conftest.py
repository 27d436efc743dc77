"""A small data set, prepared as TFDS prepares its own; no network, no code of it needed."""

import io

import numpy as np
import pytest
from PIL import Image as pillow

NAME = "pets:1.2.0"
NAMES = ["cat", "dog"]
COUNTS = {"train": 20, "test": 6}


def png(number):
    held = io.BytesIO()
    pillow.new("RGB", (40, 40), (number, 0, 9)).save(held, "PNG")
    return held.getvalue()


def example(split, number):
    return {
        "image": io.BytesIO(png(number)),
        "label": -1 if (split, number) == ("train", 5) else number % 2,
        "title": f"Pet {number} of {split}",
        "count": number,
        "tame": number % 3 == 0,
        "sound": np.arange(4, dtype=np.int16) * 500 * number,
        "loud": np.array([0, 1 << 20], np.int64),
        "both": {"en": f"pet {number}", "de": f"Tier {number}"},
        "captions": [{"text": f"{word} {number}", "id": number} for word in ("a", "the")],
        "colours": np.zeros([3], np.float32),
        "a/b": "slash",
    }


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Returns the folder that holds the data set."""
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("prepared") / "tensorflow_datasets"
    features = tfds.features
    tfds.dataset_builders.store_as_tfds_dataset(
        name="pets",
        version="1.2.0",
        data_dir=folder,
        split_datasets={
            split: [(number, example(split, number)) for number in range(count)]
            for split, count in COUNTS.items()
        },
        features=features.FeaturesDict(
            {
                "image": features.Image(shape=(None, None, 3)),
                "label": features.ClassLabel(names=NAMES),
                "title": features.Text(),
                "count": features.Scalar(np.int64),
                "tame": features.Scalar(np.bool_),
                "sound": features.Audio(sample_rate=8000, dtype=np.int16),
                "loud": features.Audio(dtype=np.int64),
                "both": features.Translation(languages=["en", "de"]),
                "captions": features.Sequence({"text": features.Text(), "id": np.int64}),
                "colours": features.Tensor(shape=(3,), dtype=np.float32),
                "a/b": features.Text(),
            }
        ),
    )
    return folder
