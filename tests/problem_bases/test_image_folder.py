"""Pictures in class folders: split by folder or by hash, whatever their suffix."""

import collections
import io

import pytest
from PIL import Image as pillow

from t2t_mm import errors, problem, testing
from t2t_mm.data import manifest
from t2t_mm.datagen import generate
from t2t_mm.modality import Image
from t2t_mm.problem_bases import image_folder


@pytest.fixture
def flowers(registries):
    """A problem of a few declarative lines; returns what it reads of a folder."""

    @problem.register_problem("flowers")
    class Flowers(image_folder.ImageFolder):
        corpus = "flower_photos"
        inputs = {"photo": Image(size=32)}
        splits = ("train", "validation", "test")

    def read(folder, split="train"):
        return dict(testing.generated("flowers", split, folder))

    return read


def empty(folder, *names):
    testing.write_files(folder, dict.fromkeys(names, b""))


def test_a_folder_a_split(flowers, tmp_path):
    top = tmp_path / "flower_photos"
    empty(top, "train/rose/1.jpg", "train/rose/2.jpg", "train/tulip/1.jpg", "LICENSE.txt")
    empty(top, "val/rose/1.jpg", "testing/tulip/9.jpg")
    found = flowers(tmp_path)
    # The classes take turns, so that --max_examples finds them all.
    assert list(found) == ["train/rose/1.jpg", "train/tulip/1.jpg", "train/rose/2.jpg"]
    assert found["train/tulip/1.jpg"] == {
        "photo": top / "train" / "tulip" / "1.jpg",
        "targets": "tulip",
    }
    assert list(flowers(tmp_path, "validation")) == ["validation/rose/1.jpg"]
    assert list(flowers(tmp_path, "test")) == ["test/tulip/9.jpg"]


def test_which_files_are_pictures(flowers, tmp_path):
    pictures = ["a.JPG", "b.jpeg", "c.PNG", "d.bmp", "e.gif", "f.webp", "g.JPEG", "deep/er/h.jpg"]
    others = ["notes.txt", ".hidden.jpg", "Thumbs.db", "jpg"]
    # A class may be called anything that a folder can.
    empty(tmp_path, *(f"train/[a] rose?/{name}" for name in pictures + others))
    empty(tmp_path, "validation/x/1.jpg", "test/x/1.jpg", "train/no pictures/readme")
    found = flowers(tmp_path)
    assert set(found) == {f"train/[a] rose?/{name}" for name in pictures}
    assert {values["targets"] for values in found.values()} == {"[a] rose?"}
    assert all(values["photo"].is_file() for values in found.values())


def test_a_file_whose_name_is_not_utf_8_is_found(flowers, tmp_path):
    empty(tmp_path, *(f"rose/{n}.jpg" for n in range(9)), "rose/\udcff.jpg")
    found = [key for split in by_split(flowers, tmp_path).values() for key in split]
    assert len(found) == 10
    assert any(key.endswith("/rose/\udcff.jpg") for key in found)


def by_split(flowers, folder):
    return {split: set(flowers(folder, split)) for split in ("train", "validation", "test")}


def test_a_hash_splits_what_has_no_split_folders(flowers, tmp_path):
    empty(tmp_path, *(f"{name}/{n}.jpg" for name in ("rose", "tulip") for n in range(500)))
    empty(tmp_path, "rare/1.jpg")
    found = by_split(flowers, tmp_path)
    names = {split: {key.partition("/")[2] for key in keys} for split, keys in found.items()}
    assert sum(map(len, names.values())) == len(set().union(*names.values())) == 1001
    # A tenth each, give or take 4 standard deviations.
    assert 62 < len(names["validation"]) < 138
    assert 62 < len(names["test"]) < 138
    for keys in (names["validation"], names["test"]):
        assert min(collections.Counter(key.partition("/")[0] for key in keys).values()) > 25
    # Whatever else lies there, a picture stays in its split, and no class misses training.
    assert "rare/1.jpg" in names["train"]
    (tmp_path / "rose" / "0.jpg").unlink()
    empty(tmp_path, "daisy/1.jpg", "rose/new.jpg")
    for split, keys in by_split(flowers, tmp_path).items():
        kept = {key.partition("/")[2] for key in keys} - {"daisy/1.jpg", "rose/new.jpg"}
        assert kept == names[split] - {"rose/0.jpg"}


@pytest.mark.parametrize("number", range(20))
def test_a_class_of_one_picture_is_for_training(flowers, tmp_path, number):
    empty(tmp_path, f"rose/{number}.jpg", *(f"tulip/{n}.jpg" for n in range(3)))
    found = by_split(flowers, tmp_path)
    assert [len(keys) for keys in found.values()] == [2, 1, 1]
    assert f"train/rose/{number}.jpg" in found["train"]


def test_a_folder_too_small_to_be_divided(flowers, tmp_path):
    empty(tmp_path, "rose/1.jpg", "tulip/1.jpg")
    with pytest.raises(
        errors.DataError,
        match=r"too few pictures.*'validation' of 'flowers'.*1 of 'rose', 1 of 'tulip'.*"
        r"Add some, or divide them yourself: train, validation, test/CLASS/\*",
    ):
        flowers(tmp_path)


@pytest.mark.parametrize("count", range(3, 12))
def test_no_split_of_a_small_folder_is_empty(flowers, tmp_path, count):
    empty(tmp_path, *(f"rose/{n}.jpg" for n in range(count)))
    found = by_split(flowers, tmp_path)
    assert sum(map(len, found.values())) == count
    assert all(found.values())


def test_a_class_called_train_is_no_split(flowers, tmp_path):
    empty(tmp_path, *(f"{name}/{n}.jpg" for name in ("train", "plane") for n in range(30)))
    labels = {v["targets"] for v in flowers(tmp_path).values()}
    assert labels == {"train", "plane"}


def test_a_split_without_its_folder(flowers, tmp_path):
    empty(tmp_path, "train/rose/1.jpg", "validation/rose/1.jpg")
    with pytest.raises(
        errors.DataError, match=r"no folder for the split 'test'.*only train, val.*test or testing"
    ):
        flowers(tmp_path, "test")


def test_nothing_there(flowers, tmp_path):
    with pytest.raises(errors.DataError, match=r"Expected: SPLIT/CLASS/\*\.\{jpg"):
        flowers(tmp_path)


def test_too_much_held_out(flowers, registries, monkeypatch, tmp_path):
    monkeypatch.setattr(registries.problems.get("flowers"), "held_out", 0.5)
    empty(tmp_path, "rose/1.jpg")
    with pytest.raises(errors.PluginError, match=r"held_out = 0\.5 for each of validation, test"):
        flowers(tmp_path)


def test_records_of_many_formats(flowers, registries, monkeypatch, tmp_path):
    monkeypatch.setattr(registries.problems.get("flowers"), "splits", ("train", "validation"))
    for number, kind in enumerate(("jpeg", "png", "bmp", "gif", "webp") * 4):
        file = io.BytesIO()
        pillow.new("RGB", (40, 30), (number * 12, 90, 200)).save(file, kind)
        odd = "\udcff" if number == 7 else ""  # the byte ff, which no UTF-8 has
        name = f"flower_photos/{('rose', 'tulip')[number % 2]}/{odd}{number}.{kind.upper()}"
        testing.write_files(tmp_path / "raw", {name: file.getvalue()})
    answer = generate.generate(
        ["flowers"], tmp_path / "data", manual_dir=tmp_path / "raw", workers=1
    )
    counts = {s: c["examples"] for s, c in answer["problems"]["flowers"]["splits"].items()}
    assert sum(counts.values()) == 20
    made = manifest.Manifest.load(tmp_path / "data", "flowers", "1.0.0")
    assert made.classes == {"targets": ("rose", "tulip")}
