import collections

import pytest

from t2t_mm import errors, registry, testing


class SampleFsddTest(testing.ProblemTestCase):
    problem = "fsdd"
    sample_size = 60
    expected_examples = {"train": 60, "validation": 100, "test": 100}


class SampleFsddWordsTest(testing.ProblemTestCase):
    problem = "fsdd_words"
    sample_size = 20
    expected_examples = {"train": 20, "validation": 100, "test": 100}

    @pytest.mark.slow  # the same as those of fsdd
    def test_features(self):
        super().test_features()


def raw_files(indices):
    return {
        f"fsdd/recordings/{digit}_{speaker}_{index}.wav": b""
        for digit in (0, 7)
        for speaker in ("lucas", "theo")
        for index in indices
    }


def indices(split, folder):
    found = testing.generated("fsdd", split, folder)
    return sorted({int(example["audio"].stem.split("_")[-1]) for _, example in found})


def test_the_whole_data_set_has_the_test_set_of_its_authors(tmp_path):
    testing.write_files(tmp_path, raw_files(range(50)))
    assert indices("test", tmp_path) == [0, 1, 2, 3, 4]
    assert indices("validation", tmp_path) == [5, 6, 7, 8, 9]
    assert indices("train", tmp_path) == list(range(10, 50))


def test_a_copy_without_that_test_set_holds_others_back(tmp_path):
    testing.write_files(tmp_path, raw_files(range(5, 30)))
    assert indices("test", tmp_path) == [5, 6, 7]
    assert indices("validation", tmp_path) == [8, 9]
    assert indices("train", tmp_path) == list(range(10, 30))


def test_a_sound_has_a_class_or_a_word(tmp_path):
    testing.write_files(tmp_path, raw_files([8]))
    # The digits take turns, for each speaker in turn.
    for problem, targets in (("fsdd", ["0", "7"] * 2), ("fsdd_words", ["zero", "seven"] * 2)):
        found = testing.generated(problem, "validation", tmp_path)
        assert [example["targets"] for _, example in found] == targets
    assert [key for key, _ in found] == [
        "validation/0_lucas_8", "validation/7_lucas_8",
        "validation/0_theo_8", "validation/7_theo_8",
    ]  # fmt: skip
    assert registry.problems.get("fsdd").targets.classes == tuple("0123456789")


def test_a_name_that_says_nothing(tmp_path):
    testing.write_files(tmp_path, {"fsdd/recordings/seven.wav": b""})
    with pytest.raises(errors.DataError, match=r"seven\.wav.*Expected: DIGIT_SPEAKER_INDEX\.wav"):
        testing.generated("fsdd", "train", tmp_path)


def test_missing_files_say_the_layout(tmp_path):
    with pytest.raises(errors.DataError, match=r"Expected: recordings/DIGIT_SPEAKER_INDEX\.wav"):
        testing.generated("fsdd_words", "train", tmp_path)


@pytest.mark.real_data
def test_the_real_recordings(real_data):
    root = real_data("fsdd")
    splits = {
        split: testing.generated("fsdd", split, root) for split in ("train", "validation", "test")
    }
    assert {split: len(dict(found)) for split, found in splits.items()} == {
        "train": 1_200, "validation": 120, "test": 180,
    }  # fmt: skip
    digits = collections.Counter(example["targets"] for _, example in splits["test"])
    assert digits == {str(digit): 18 for digit in range(10)}
    said = dict(
        line.split("\t") for line in (root / "fsdd/transcripts.tsv").read_text().splitlines()
    )
    for split in splits:
        for _, example in testing.generated("fsdd_words", split, root):
            assert example["targets"] == said[example["audio"].name]


@pytest.mark.real_data
def test_the_real_recordings_can_be_encoded(real_data):
    declared = registry.problems.get("fsdd").inputs["audio"]
    for _, example in testing.generated("fsdd", "test", real_data("fsdd"))[::20]:
        assert declared.encode(example["audio"])[:4] == b"RIFF"
