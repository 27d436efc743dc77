import io

import pytest
from PIL import Image

from t2t_mm import errors, testing
from t2t_mm.data import manifest, pipeline, task
from t2t_mm.datagen import generate
from t2t_mm.settings import batching

TOP = "tiny-imagenet-200"
WNIDS = ("n01742172", "n01944390")


def jpeg(shade=0, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (64, 64), shade if mode == "L" else (shade, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def raw_files(top=f"{TOP}/"):
    files = {
        f"{top}train/{wnid}/images/{wnid}_{number}.JPEG": jpeg(number * 40 + place * 9)
        for place, wnid in enumerate(WNIDS)
        for number in range(2)
    }
    files |= {
        f"{top}wnids.txt": "\n".join(WNIDS),
        f"{top}val/val_annotations.txt": (
            f"val_0.JPEG\t{WNIDS[1]}\t0\t0\t63\t63\nval_1.JPEG\t{WNIDS[0]}\t1\t2\t3\t4\n"
        ),
        f"{top}val/images/val_0.JPEG": jpeg(200),
        f"{top}val/images/val_1.JPEG": jpeg(220, "L"),
    }
    return files


class TinyImagenetTest(testing.ProblemTestCase):
    problem = "tiny_imagenet"
    raw_files = raw_files()
    expected_examples = {"train": 4, "validation": 2}


class SampleTinyImagenetTest(testing.ProblemTestCase):
    problem = "tiny_imagenet"
    expected_examples = {"train": 40, "validation": 200}


def test_classes_come_from_folders_and_annotations(tmp_path):
    testing.write_files(tmp_path, raw_files(""))
    train = testing.generated("tiny_imagenet", "train", tmp_path)
    # The classes take turns.
    assert [key for key, _ in train] == [
        "train/n01742172_0", "train/n01944390_0", "train/n01742172_1", "train/n01944390_1",
    ]  # fmt: skip
    assert [e["targets"] for _, e in train] == [*WNIDS, *WNIDS]
    validation = testing.generated("tiny_imagenet", "validation", tmp_path)
    assert [e["targets"] for _, e in validation] == [WNIDS[1], WNIDS[0]]


def test_an_annotation_of_an_unknown_class(tmp_path):
    testing.write_files(tmp_path, raw_files() | {f"{TOP}/wnids.txt": WNIDS[0]})
    with pytest.raises(errors.DataError, match=r"val_annotations\.txt, line 1.*n01944390"):
        testing.generated("tiny_imagenet", "validation", tmp_path)


def test_missing_files_say_the_layout(tmp_path):
    with pytest.raises(errors.DataError, match=r"Expected: tiny-imagenet-200/wnids\.txt"):
        testing.generated("tiny_imagenet", "train", tmp_path)


def test_a_photo_that_is_missing_is_one_bad_example(tmp_path):
    files = raw_files()
    del files[f"{TOP}/val/images/val_1.JPEG"]
    testing.write_files(tmp_path / "raw", files)
    options = {"manual_dir": tmp_path / "raw", "workers": 1}
    with pytest.raises(errors.BadExampleError, match=r"cannot be read: .*val_1\.JPEG.*No such"):
        generate.generate("tiny_imagenet", tmp_path / "data", **options)
    generate.generate("tiny_imagenet", tmp_path / "data", **options, max_bad_examples=1)
    made = manifest.Manifest.load(tmp_path / "data", "tiny_imagenet", "1.0.0")
    assert made.examples("validation") == 1
    assert made.details["skipped"] == {"image: A picture cannot be read": 1}


@pytest.mark.real_data
def test_the_real_corpus(real_data, tmp_path):
    root = real_data("tiny_imagenet")
    for split, count in (("train", 6_000), ("validation", 500)):
        found = testing.generated("tiny_imagenet", split, root)
        assert len(dict(found)) == count
        assert len({example["targets"] for _, example in found}) == 20
        assert all(example["image"].is_file() for _, example in found[:50])
    generate.generate(
        "tiny_imagenet", tmp_path / "data", manual_dir=root, workers=1, max_examples=80
    )
    made = task.Task.from_data("tiny_imagenet", tmp_path / "data")
    assert len(made.targets.classes) == 20
    batch = next(iter(pipeline.train_dataset(made, batching.Batching(), seed=0)))
    assert batch["inputs"]["image"].shape == (32, 64, 64, 3)
