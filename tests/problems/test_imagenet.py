import pytest

from t2t_mm import errors, registry, testing
from t2t_mm.data import task

A, B = "n01440764", "n02422106"
TRAIN = {f"train/{A}/{A}_1.JPEG": b"", f"train/{A}/{A}_2.JPEG": b"", f"train/{B}/{B}_7.JPEG": b""}
FLAT = {f"val/ILSVRC2012_val_0000000{number}.JPEG": b"" for number in (1, 2)}


class SampleImagenetTest(testing.ProblemTestCase):
    problem = "imagenet"
    expected_examples = {"train": 40, "validation": 200}

    def test_sample_pictures_are_smaller(self):
        made = task.Task.from_data("imagenet", self._folder / "data")
        assert made.inputs["image"].size == 64
        assert registry.problems.get("imagenet").inputs["image"].size == 299


def labels(split, folder):
    return {key: e["targets"] for key, e in testing.generated("imagenet", split, folder)}


def test_training_photos_lie_in_a_folder_a_class(tmp_path):
    testing.write_files(tmp_path / "imagenet", TRAIN)
    found = labels("train", tmp_path)
    assert found == {f"train/{A}_1": A, f"train/{A}_2": A, f"train/{B}_7": B}
    # The classes take turns, so that --max_examples finds them all.
    assert list(found.values()) == [A, B, A]


@pytest.mark.parametrize(
    ("top", "files"),
    [
        ("", {f"val/{A}/x1.JPEG": b"", f"val/{B}/x2.JPEG": b""}),
        (
            "",
            {name.replace("ILSVRC2012_val_0000000", "x"): b"" for name in FLAT}
            | {"imagenet_2012_validation_synset_labels.txt": f"{A}\n{B}\n"},
        ),
        (
            "ILSVRC/Data/CLS-LOC/",
            {name.replace("ILSVRC2012_val_0000000", "x"): b"" for name in FLAT},
        ),
    ],
)
def test_validation_photos_in_each_layout(tmp_path, top, files):
    solution = f"ImageId,PredictionString\nx1,{A} 1 2 3 4 {A} 5 6 7 8 \nx2,{B} 1 2 3 4\n"
    testing.write_files(tmp_path, {f"{top}{n}" if "JPEG" in n else n: c for n, c in files.items()})
    if top:
        testing.write_files(tmp_path, {"LOC_val_solution.csv": solution})
    assert labels("validation", tmp_path) == {"validation/x1": A, "validation/x2": B}


def test_photos_without_classes(tmp_path):
    testing.write_files(tmp_path, FLAT)
    with pytest.raises(errors.DataError, match=r"LOC_val_solution\.csv"):
        labels("validation", tmp_path)
    testing.write_files(tmp_path, {"imagenet_2012_validation_synset_labels.txt": f"{A}\n"})
    with pytest.raises(errors.DataError, match="1 classes, 2 photos"):
        labels("validation", tmp_path)


def test_missing_files_say_the_layout(tmp_path):
    for split in ("train", "validation"):
        with pytest.raises(errors.DataError, match=r"Expected: train/WNID/\*\.JPEG"):
            labels(split, tmp_path)


@pytest.mark.real_data
def test_the_real_layout(real_data):
    found = testing.generated(
        "imagenet", "train", real_data("imagenet_samples") / "imagenet_samples"
    )
    assert len(found) == len({e["targets"] for _, e in found}) == 300
