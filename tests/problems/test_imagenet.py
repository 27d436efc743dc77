import io
import pathlib
import tarfile

import pytest

from t2t_mm import errors, registry, testing
from t2t_mm.data import manifest, pipeline, task
from t2t_mm.datagen import generate
from t2t_mm.settings import batching

A, B = "n01440764", "n02422106"
TRAIN = {f"train/{A}/{A}_1.JPEG": b"", f"train/{A}/{A}_2.JPEG": b"", f"train/{B}/{B}_7.JPEG": b""}
ONE, TWO = (f"ILSVRC2012_val_0000000{number}" for number in (1, 2))
FLAT = {f"val/{ONE}.JPEG": b"", f"val/{TWO}.JPEG": b""}
SOLUTION = f"ImageId,PredictionString\n{TWO},{B} 1 2 3 4 {B} 5 6 7 8 \n{ONE},{A} 1 2 3 4\n"
LABELS = "imagenet_2012_validation_synset_labels.txt"
KIT = "ILSVRC2012_devkit_t12"
# Of four synsets, written by scipy.io.savemat: fox 1, A 2, B 3, entity 1001.
META = (pathlib.Path(__file__).parent / "ilsvrc" / "meta.mat").read_bytes()


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


def packed(files, mode="w"):
    """Returns a tar of files, by their names."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def class_tars(folder=""):
    return {
        f"{folder}{A}.tar": packed({f"{A}_1.JPEG": b"one", f"{A}_2.JPEG": b"two"}),
        f"{folder}{B}.tar": packed({f"{B}_7.JPEG": b"seven", "readme.txt": b""}),
    }


@pytest.mark.parametrize(
    "files", [class_tars("train/"), {"ILSVRC2012_img_train.tar": packed(class_tars())}]
)
def test_training_photos_in_tars(tmp_path, files):
    testing.write_files(tmp_path, files)
    found = testing.generated("imagenet", "train", tmp_path)
    assert [key for key, _ in found] == [f"train/{A}_1", f"train/{B}_7", f"train/{A}_2"]
    assert [e["targets"] for _, e in found] == [A, B, A]
    assert [e["image"].read_bytes() for _, e in found] == [b"one", b"seven", b"two"]


def kit():
    """A development kit in which A has number 2 and B number 3, against the alphabet."""
    return {
        f"{KIT}/data/ILSVRC2012_validation_ground_truth.txt": "2\n3\n",
        f"{KIT}/data/meta.mat": META,
        f"{KIT}/readme.txt": "",
    }


@pytest.mark.parametrize("packed_photos", [False, True])
@pytest.mark.parametrize(
    "truth",
    [
        {"LOC_val_solution.csv": SOLUTION},
        {LABELS: f"{A}\n{B}\n"},
        kit(),
        {f"{KIT}.tar.gz": packed(kit(), "w:gz")},
        # All of them say the same; this one is the most explicit.
        {"LOC_val_solution.csv": SOLUTION, LABELS: "not to be read"},
    ],
)
def test_validation_photos_in_one_place(tmp_path, packed_photos, truth):
    photos = FLAT
    if packed_photos:
        inside = {name.removeprefix("val/"): content for name, content in FLAT.items()}
        photos = {"ILSVRC2012_img_val.tar": packed(inside)}
    testing.write_files(tmp_path, photos | truth)
    assert labels("validation", tmp_path) == {f"validation/{ONE}": A, f"validation/{TWO}": B}


def test_validation_photos_in_class_folders(tmp_path):
    testing.write_files(tmp_path, {f"val/{B}/{TWO}.JPEG": b"", f"val/{A}/{ONE}.JPEG": b""})
    assert labels("validation", tmp_path) == {f"validation/{ONE}": A, f"validation/{TWO}": B}


def test_as_kaggle_has_it(tmp_path):
    top = "ILSVRC/Data/CLS-LOC/"
    testing.write_files(tmp_path, {f"{top}{name}": b"" for name in (*TRAIN, *FLAT)})
    testing.write_files(tmp_path, {"LOC_val_solution.csv": SOLUTION})
    assert len(labels("train", tmp_path)) == 3
    assert labels("validation", tmp_path) == {f"validation/{ONE}": A, f"validation/{TWO}": B}


def test_photos_without_classes(tmp_path):
    testing.write_files(tmp_path, FLAT)
    with pytest.raises(errors.DataError, match=r"LOC_val_solution\.csv"):
        labels("validation", tmp_path)
    # A photo that is left over is one bad example, to be skipped or not.
    testing.write_files(tmp_path, {LABELS: f"{A}\n"})
    found = labels("validation", tmp_path)
    assert found[f"validation/{ONE}"] == A
    with pytest.raises(errors.BadExampleError, match=f"{LABELS} does not tell.*{TWO}"):
        raise found[f"validation/{TWO}"]


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        ({LABELS: f"{A}\nshark\n"}, f"{LABELS}, line 2, does not name a class.*'shark'"),
        ({"LOC_val_solution.csv": f"a,b\n{ONE}\n"}, "csv, line 2, does not name a class"),
        (
            kit() | {f"{KIT}/data/ILSVRC2012_validation_ground_truth.txt": "2\n9\n"},
            "line 2, does not name a class.*'9'.*its number",
        ),
        (kit() | {f"{KIT}/data/meta.mat": b"MATLAB"}, "meta.mat cannot be read.*version 5"),
        (
            kit() | {f"{KIT}/data/meta.mat": kit()[f"{KIT}/data/meta.mat"][:-40]},
            "meta.mat cannot be read.*cut short",
        ),
        ({f"{KIT}.tar.gz": packed(kit(), "w:gz")[:-80]}, "tar.gz is not a whole"),
        ({f"{KIT}.tar.gz": packed({"a": b"b"}, "w:gz")}, "tar.gz lacks .*ground_truth"),
    ],
)
def test_classes_that_cannot_be_read(tmp_path, truth, words):
    testing.write_files(tmp_path, FLAT | truth)
    with pytest.raises(errors.DataError, match=words):
        labels("validation", tmp_path)


def test_records_out_of_the_tars(tmp_path):
    """The photos of the sample world, packed as ILSVRC-2012 is published."""
    sample = tmp_path / "sample"
    sample.mkdir()
    registry.problems.get("imagenet")().make_sample(sample, seed=0, size=60)
    tars = {}
    for place in sorted((sample / "train").iterdir()):
        inside = {photo.name: photo.read_bytes() for photo in sorted(place.iterdir())}
        tars[f"{place.name}.tar"] = packed(inside)
    photos = sorted((sample / "val").rglob("*.JPEG"), key=lambda photo: photo.name)
    files = {
        "ILSVRC2012_img_train.tar": packed(tars),
        "ILSVRC2012_img_val.tar": packed({photo.name: photo.read_bytes() for photo in photos}),
        LABELS: "".join(f"{photo.parent.name}\n" for photo in photos),
    }
    testing.write_files(tmp_path / "imagenet", files)
    for data, folder in (("from_folders", sample), ("from_tars", tmp_path)):
        generate.generate("imagenet", tmp_path / data, manual_dir=folder, workers=1)
    made = [
        manifest.Manifest.load(tmp_path / data, "imagenet", "1.0.0")
        for data in ("from_folders", "from_tars")
    ]
    assert made[0].shards == made[1].shards
    assert made[0].examples("train") == 60


def test_missing_files_say_the_layout(tmp_path):
    for split in ("train", "validation"):
        with pytest.raises(errors.DataError, match=r"Expected: train/WNID/\*\.JPEG"):
            labels(split, tmp_path)


@pytest.mark.real_data
def test_the_real_photos(real_data, tmp_path):
    photos = real_data("imagenet_samples") / "imagenet_samples" / "train"
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / "train").symlink_to(photos)
    # There is one photo a class, and so none to hold back.
    (tmp_path / "imagenet" / "val").symlink_to(photos)
    found = testing.generated("imagenet", "train", tmp_path, follow_links=True)
    assert len(found) == len({e["targets"] for _, e in found}) == 300
    answer = generate.generate(
        "imagenet", tmp_path / "data", manual_dir=tmp_path, workers=1, follow_links=True
    )
    splits = answer["problems"]["imagenet"]["splits"]
    assert [counts["examples"] for counts in splits.values()] == [300, 300]
    made = task.Task.from_data("imagenet", tmp_path / "data")
    batch = next(iter(pipeline.train_dataset(made, batching.Batching(), seed=0)))
    assert batch["inputs"]["image"].shape == (32, 299, 299, 3)
    assert len(set(batch["targets"].numpy())) > 25
