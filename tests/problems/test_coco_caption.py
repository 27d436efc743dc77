import io
import json

import pytest
from PIL import Image

from t2t_mm import errors, testing
from t2t_mm.data import manifest, pipeline
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.decoding import predict
from t2t_mm.evaluation import baselines, evaluator

CAPTIONS = {
    "train": {9: ["A dog. ", "One dog\nruns."], 4: ["A cat.", "The cat", "Cats!"]},
    "val": {70: ["A bus.", "A red bus", "Bus"], 30: ["Two buses."]},
}


def jpeg(shade):
    file = io.BytesIO()
    Image.new("RGB", (60, 40), (shade, 90, 0)).save(file, "JPEG")
    return file.getvalue()


def name(part, year, number):
    return f"{number:012d}.jpg" if year == "2017" else f"COCO_{part}{year}_{number:012d}.jpg"


def raw_files(year="2017", top="coco2017/"):
    files = {}
    for part, described in CAPTIONS.items():
        rows = [
            {"image_id": image, "id": 100 * image + place, "caption": caption}
            for image, captions in described.items()
            for place, caption in enumerate(captions)
        ]
        # The file mixes the captions of all pictures.
        rows.sort(key=lambda row: row["id"] % 100)
        images = [{"id": i, "file_name": name(part, year, i), "license": 1} for i in described]
        content = {"info": {}, "images": images, "annotations": rows}
        files[f"{top}annotations/captions_{part}{year}.json"] = json.dumps(content)
        for image in described:
            files[f"{top}{part}{year}/{name(part, year, image)}"] = jpeg(image)
    return files


class CocoTest(testing.ProblemTestCase):
    problem = "coco_caption"
    raw_files = raw_files()
    expected_examples = {"train": 2, "validation": 2}


class SampleCocoTest(testing.ProblemTestCase):
    problem = "coco_caption"
    expected_examples = {"train": 40, "validation": 200}


@pytest.mark.parametrize("year", ["2017", "2014"])
@pytest.mark.parametrize("top", ["coco2017/", ""])
def test_a_picture_is_an_example_with_all_its_captions(tmp_path, year, top):
    testing.write_files(tmp_path, raw_files(year, top))
    train = testing.generated("coco_caption", "train", tmp_path)
    assert [(key, values["targets"]) for key, values in train] == [
        ("train/4", ("A cat.", "The cat", "Cats!")),
        ("train/9", ("A dog.", "One dog runs.")),
    ]
    assert train[1][1]["image"].name == name("train", year, 9)
    assert train[1][1]["image"].read_bytes() == jpeg(9)
    validation = testing.generated("coco_caption", "validation", tmp_path)
    assert [(key, values["targets"]) for key, values in validation] == [
        ("validation/30", ("Two buses.",)),
        ("validation/70", ("A bus.", "A red bus", "Bus")),
    ]


def test_pictures_that_are_not_there_are_counted(tmp_path):
    testing.write_files(tmp_path / "raw", raw_files())
    (tmp_path / "raw/coco2017/train2017" / name("train", "2017", 4)).unlink()
    arguments = {"manual_dir": tmp_path / "raw", "workers": 1}
    said = (
        "'train/4' of coco_caption.* annotated picture .*000000000004.jpg' is not there.*"
        "1 of 2 annotated pictures missing.*--max_bad_examples=0"
    )
    with pytest.raises(errors.BadExampleError, match=said):
        generate.generate("coco_caption", tmp_path / "data", **arguments)
    assert not (tmp_path / "data" / "coco_caption" / "2.0.0").exists()
    answer = generate.generate("coco_caption", tmp_path / "data", **arguments, max_bad_examples=10)
    assert answer["problems"]["coco_caption"]["splits"]["train"]["examples"] == 1
    details = manifest.Manifest.load(tmp_path / "data", "coco_caption", "2.0.0").details
    assert details["skipped"] == {"image: The annotated picture ... is not there": 1}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"images": "none"}, "has no list 'images'"),
        ({"annotations": [{"image_id": 9, "id": 1}]}, "Entry 0 .* no usable 'caption'"),
        ({"annotations": ["text"]}, "Entry 0 of 'annotations'"),
        (
            {"annotations": [{"image_id": 8, "id": 1, "caption": "x"}]},
            "of a picture that it does not list. Received: image_id 8",
        ),
    ],
)
def test_annotations_of_another_form(tmp_path, changed, said):
    testing.write_files(tmp_path, raw_files())
    path = tmp_path / "coco2017/annotations/captions_train2017.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with pytest.raises(errors.DataError, match=said):
        testing.generated("coco_caption", "train", tmp_path)


def test_no_json_and_no_files(tmp_path):
    with pytest.raises(errors.DataError, match=r"Expected: annotations/captions_\{train,val\}2017"):
        testing.generated("coco_caption", "train", tmp_path)
    testing.write_files(tmp_path, raw_files())
    path = tmp_path / "coco2017/annotations/captions_train2017.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(errors.DataError, match="captions_train2017.json is not JSON"):
        testing.generated("coco_caption", "train", tmp_path)


def test_an_empty_caption_costs_no_photo_that_has_others(tmp_path):
    testing.write_files(tmp_path / "raw", raw_files())
    path = tmp_path / "raw/coco2017/annotations/captions_val2017.json"
    path.write_text(path.read_text().replace("A red bus", " "))
    whole = generate.generate(
        "coco_caption", tmp_path / "data", manual_dir=tmp_path / "raw", workers=1
    )
    assert whole["problems"]["coco_caption"]["splits"]["validation"]["examples"] > 0


def test_captions_have_a_baseline(tmp_path):
    testing.write_files(tmp_path / "raw", raw_files())
    generate.generate("coco_caption", tmp_path / "data", manual_dir=tmp_path / "raw", workers=1)
    task = task_lib.Task.from_data("coco_caption", tmp_path / "data")
    found = baselines.measure(task, "validation")
    assert set(found.values) >= {"caption_bleu", "cider"}
    measured = [metric.name for metric in evaluator.metrics_of(task)]
    assert measured == [*task.metrics, "token_accuracy"]


@pytest.mark.real_data
def test_the_real_corpus(real_data, tmp_path):
    root = real_data("coco2017")
    answer = generate.generate("coco_caption", tmp_path, manual_dir=root, workers=1)
    splits = answer["problems"]["coco_caption"]["splits"]
    assert {split: counts["examples"] for split, counts in splits.items()} == {
        "train": 80,  # photos, with 400 captions
        "validation": 126,
    }
    task = task_lib.Task.from_data("coco_caption", tmp_path)
    dataset = pipeline.eval_dataset(task, "validation", pipeline.Batching(), max_examples=8)
    batch = next(iter(dataset))
    assert batch["inputs"]["image"].shape[1:] == (224, 224, 3)
    assert {len(own) for own in predict.references(batch)} == {5}


def test_ids_may_be_given_as_text(tmp_path):
    testing.write_files(tmp_path, raw_files())
    before = testing.generated("coco_caption", "validation", tmp_path)
    path = tmp_path / "coco2017" / "annotations" / "captions_val2017.json"
    content = json.loads(path.read_text())
    for row in content["images"]:
        row["id"] = f"{row['id']:012d}"
    for row in content["annotations"]:
        row["image_id"], row["id"] = str(row["image_id"]), float(row["id"])
    path.write_text(json.dumps(content))
    assert testing.generated("coco_caption", "validation", tmp_path) == before
