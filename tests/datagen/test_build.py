"""The examples of a problem: their classes, and those that are bad or left out."""

import pytest

from t2t_mm import errors
from t2t_mm.data import manifest
from t2t_mm.datagen import progress


def test_classes_are_found(generate, data):
    generate("toy_pictures", source="sample")
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("green", "red")}


@pytest.fixture
def pictures(generate, tmp_path):
    """Sample pictures copied to where manual files are."""
    generate("toy_pictures", data_dir=tmp_path / "first", source="sample")
    (made,) = (tmp_path / "first" / "raw_sample").iterdir()
    folder = tmp_path / "manual" / "toy_pictures"
    folder.parent.mkdir()
    made.rename(folder)
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_a_class_that_only_validation_has(generate, pictures, data, workers):
    (pictures / "validation" / "red").rename(pictures / "validation" / "reds")
    options = {"manual_dir": pictures.parent, "workers": workers}
    words = (
        "'validation/reds/0' of toy_pictures, split validation, is bad: targets: The class 'reds' "
        "does not occur in training.*one of the 2 classes there.*Did you mean 'red'"
    )
    with pytest.raises(errors.BadExampleError, match=f"{words}.*--max_bad_examples=3"):
        generate("toy_pictures", **options, max_bad_examples=3)
    assert not data.exists()
    answer = generate("toy_pictures", **options, max_bad_examples=4)
    counts = [c["examples"] for c in answer["problems"]["toy_pictures"]["splits"].values()]
    assert counts == [8, 4]
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("green", "red")}
    assert loaded.details["skipped"] == {"targets: The class ... does not occur in training": 4}


def test_a_part_of_the_data_may_lack_classes_in_training(generate, pictures, data):
    generate("toy_pictures", manual_dir=pictures.parent, max_examples=4)
    # Sorted by path, the first four training pictures are all green, as are these.
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("green",)}
    (pictures / "validation" / "green").rename(pictures / "validation" / "blue")
    generate("toy_pictures", manual_dir=pictures.parent, max_examples=4, overwrite=True)
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("blue", "green")}


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_pictures(generate, pictures, data, workers):
    for name in ("train/red/0.png", "train/green/5.png", "validation/red/2.png"):
        path = pictures / name
        path.write_bytes(path.read_bytes()[:60])
    options = {"manual_dir": pictures.parent, "workers": workers}
    with pytest.raises(
        errors.DataError, match=r"'train/green/5'.*green/5\.png.*--max_bad_examples"
    ):
        generate("toy_pictures", **options)
    with pytest.raises(errors.DataError, match="--max_bad_examples=2"):
        generate("toy_pictures", **options, max_bad_examples=2)
    assert not data.exists()
    answer = generate("toy_pictures", **options, max_bad_examples=3)
    counts = [c["examples"] for c in answer["problems"]["toy_pictures"]["splits"].values()]
    assert counts == [6, 7]
    details = manifest.Manifest.load(data, "toy_pictures", "1.0.0").details
    assert details["skipped"] == {"image: A picture does not decode": 3}


@pytest.mark.parametrize("workers", [1, 2])
def test_examples_that_a_generator_leaves_out_are_counted_once(generate, data, workers):
    said = []

    class Said(progress.Progress):
        def say(self, text):
            said.append(text)

    answer = generate("toy_picky", workers=workers, progress=Said())
    counts = [c["examples"] for c in answer["problems"]["toy_picky"]["splits"].values()]
    assert counts == [45, 10, 9]
    details = manifest.Manifest.load(data, "toy_picky", "1.0.0").details
    assert details["filtered"] == {
        "train": {"of eight letters": 5},
        "validation": {"of eight letters": 1, "the last": 1},
        "test": {"of eight letters": 1, "the last": 1},
    }
    assert "left out of toy_picky validation: 1 of eight letters, 1 the last" in said


def test_values_of_a_wrong_type_are_bad_examples(generate, data):
    with pytest.raises(errors.DataError, match="'train/2' of toy_numbers.*not a string.*int"):
        generate("toy_numbers")
    generate("toy_numbers", max_bad_examples=12)
    details = manifest.Manifest.load(data, "toy_numbers", "1.0.0").details
    assert details["skipped"] == {"targets: A text is not a string": 12}


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("toy_twice", r"have the key 'train/\d'"),
        ("toy_misspelt", "lacks 'targets' and has an unknown 'target'.*Did you mean 'targets'"),
        ("toy_odd", "yielded something odd as example 0.*non-empty string and a dict"),
        ("toy_unicode", r"is bad: inputs: A text is not valid Unicode"),
        ("toy_opens", r"raw file of 'toy_opens' cannot be read: .*nowhere.*Expected: \{train"),
        ("toy_raises", r"generate_examples of 'toy_raises' failed.*ValueError.*toys\.py:\d+"),
    ],
)
def test_generators_that_are_wrong(generate, data, problem, words):
    with pytest.raises(errors.UserError, match=words):
        generate(problem)
    assert not data.exists()


def test_a_generator_that_is_wrong_in_another_process(generate, data):
    with pytest.raises(errors.PluginError, match=r"'toy_raises' failed.*ValueError.*toys\.py:\d+"):
        generate("toy_raises", workers=2)
    assert not data.exists()
