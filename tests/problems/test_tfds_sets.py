"""The built-in data sets of TFDS, as TFDS itself mocks them: offline, with made-up examples."""

import pytest

import t2t_mm
from t2t_mm import registry, testing
from t2t_mm.data import manifest, records

NAMES = ["tfds_ag_news", "tfds_mnist", "tfds_speech_commands", "tfds_ted_pten"]


@pytest.fixture
def mocked():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=5, policy=tfds.testing.MockPolicy.USE_CODE):
        yield


def test_all_of_them_are_tested():
    found = [e.name for e in registry.problems.entries() if e.plugin == "t2t_mm.problems.tfds_sets"]
    assert found == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if "speech" not in name])
def test_every_feature_arrives(mocked, tmp_path, name):
    answer = t2t_mm.generate(name, tmp_path / "data", workers=1)
    splits = answer["problems"][name]["splits"]
    assert {counts["examples"] for counts in splits.values()} == {5}
    declared = registry.problems.get(name)
    made = manifest.Manifest.load(tmp_path / "data", name, declared.version)
    assert made.source == "tfds"
    for split in declared.splits:
        for file in made.files(split):
            for example in records.read_values(file):
                assert all(all(values) for values in example.values())


def test_pictures_stay_encoded_and_classes_have_their_names(mocked, tmp_path):
    (_, example), *_ = testing.generated("tfds_mnist", "train", tmp_path)
    assert example["image"].startswith(b"\x89PNG")
    assert example["targets"] in set("0123456789")
    (_, example), *_ = testing.generated("tfds_ag_news", "test", tmp_path)
    assert example["targets"] in ("World", "Sports", "Business", "Sci/Tech")


def test_sounds_have_their_rate(mocked, tmp_path):
    # The mock's sounds are of a few samples, too short to be encoded.
    (_, example), *_ = testing.generated("tfds_speech_commands", "train", tmp_path)
    samples, rate = example["inputs"]
    assert rate == 16_000
    assert 0 < abs(samples).max() < 255 / 32_768
    assert example["targets"] in (
        *"down go left no off on right stop up yes".split(),
        "_silence_",
        "_unknown_",
    )
