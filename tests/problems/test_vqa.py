import io
import json

import pytest
from PIL import Image

from t2t_mm import errors, testing
from t2t_mm.data import manifest, pipeline, records
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.problems import vqa
from t2t_mm.problems.coco import questions

# By picture: questions, each with what people answered.
ASKED = {
    "train": {
        5: [("What is it?", ["dog"] * 6 + ["a dog"] * 4), ("How many?", ["2"] * 10)],
        6: [("Is it red? ", ["yes"] * 9 + ["no"]), ("What is it?", ["cat", "dog", "cat"])],
    },
    "val": {8: [("How many?", ["3"] * 10), ("Is it red?", ["no", "no", "yes"])]},
}


def jpeg(shade):
    file = io.BytesIO()
    Image.new("RGB", (60, 40), (shade, 90, 0)).save(file, "JPEG")
    return file.getvalue()


def raw_files(top="vqa/"):
    files = {}
    for part, pictures in ASKED.items():
        asked, answered = [], []
        for image, pairs in pictures.items():
            for place, (question, answers) in enumerate(pairs):
                about = {"image_id": image, "question_id": 10 * image + place}
                asked.append({**about, "question": question})
                given = [{"answer": a, "answer_id": n} for n, a in enumerate(answers, 1)]
                answered.append({**about, "answers": given, "answer_type": "other"})
            files[f"{top}{part}2014/COCO_{part}2014_{image:012d}.jpg"] = jpeg(image)
        name = f"{top}v2_OpenEnded_mscoco_{part}2014_questions.json"
        files[name] = json.dumps({"questions": asked})
        # In another order, which must not matter.
        name = f"{top}v2_mscoco_{part}2014_annotations.json"
        files[name] = json.dumps({"annotations": answered[::-1]})
    return files


class VqaTest(testing.ProblemTestCase):
    problem = "vqa"
    raw_files = raw_files()
    expected_examples = {"train": 4, "validation": 2}


class VqaClassesTest(testing.ProblemTestCase):
    problem = "vqa_classes"
    raw_files = raw_files()
    expected_examples = {"train": 4, "validation": 2}


class SampleVqaTest(testing.ProblemTestCase):
    problem = "vqa"


def test_the_most_frequent_answer_comes_first_and_alone_in_training(tmp_path):
    testing.write_files(tmp_path, raw_files())
    train = testing.generated("vqa", "train", tmp_path)
    assert [(key, v["question"], v["targets"]) for key, v in train] == [
        ("train/50", "What is it?", "dog"),
        ("train/51", "How many?", "2"),
        ("train/60", "Is it red?", "yes"),
        ("train/61", "What is it?", "cat"),
    ]
    assert train[2][1]["image"].read_bytes() == jpeg(6)
    validation = testing.generated("vqa", "validation", tmp_path)
    assert [v["targets"] for _, v in validation] == [("3",) * 10, ("no", "no", "yes")]


def test_equally_frequent_answers_keep_their_order():
    assert questions.by_frequency(["b", "a", "a", "b", "c"]) == ("b", "b", "a", "a", "c")


def test_one_of_ten_who_said_nothing_costs_no_question():
    from t2t_mm.evaluation import vqa_accuracy

    assert questions.by_frequency(["?", "?", "a", "b"]) == ("a", "b", "?", "?")
    ten = questions.by_frequency([questions._text(text) for text in ["red"] * 3 + ["", " "] * 3])
    # Nine others than one of the three who said red: 2 did, 2/3; than one of the rest: 3, 1.
    assert vqa_accuracy.accuracy("red", ten) == pytest.approx((3 * 2 / 3 + 6 * 1) / 9)
    assert vqa_accuracy.normalise(questions.NO_ANSWER) == ""


def test_rare_answers_are_left_out_of_training_and_stay_in_validation(tmp_path, monkeypatch):
    monkeypatch.setattr(vqa, "_CLASSES", 3)
    testing.write_files(tmp_path / "raw", raw_files())
    data = tmp_path / "data"
    generate.generate("vqa_classes", data, manual_dir=tmp_path / "raw", workers=1)
    loaded = manifest.Manifest.load(data, "vqa_classes", "2.0.0")
    # Each of four answers is the best of one question; the first three are kept.
    assert len(loaded.classes["targets"]) == loaded.examples("train") == 3
    filtered = loaded.details["filtered"]["train"]
    assert filtered == {"questions whose answer is not of the 3 most frequent": 1}
    assert loaded.details["unseen"] == {"targets": {"validation": 2}}
    (file,) = loaded.files("validation")
    kept = {e["targets"] for e in records.read_values(file)}
    assert kept == {(b"3",) * 10, (b"no", b"no", b"yes")}
    task = task_lib.Task.from_data("vqa_classes", data)
    (batch,) = pipeline.eval_dataset(task, "validation", pipeline.Batching())
    assert batch["targets"].numpy().tolist() == [-1, -1]


def test_answers_of_training_are_all_that_is_written(tmp_path):
    testing.write_files(tmp_path / "raw", raw_files())
    for workers in (1, 2):
        data = tmp_path / f"data{workers}"
        generate.generate("vqa", data, manual_dir=tmp_path / "raw", workers=workers)
    one, two = (manifest.Manifest.load(tmp_path / f"data{n}", "vqa", "2.0.0") for n in (1, 2))
    assert (one.shards, one.details["raw_files"]) == (two.shards, two.details["raw_files"])
    assert (one.examples("train"), one.records("train")) == (4, 2)
    # The most frequent answers of the four questions, each once.
    assert two.answers == ("2", "cat", "dog", "yes")
    task = task_lib.Task.from_data("vqa", tmp_path / "data2")
    assert task.answers == ("2", "cat", "dog", "yes")
    rule = vqa.Vqa().constraint(task)
    spelt = {token for answer in task.answers for token in task.vocabulary.encode(answer)}
    assert set(rule.tokens.tolist()) == {1, *spelt}


@pytest.mark.parametrize(
    ("file", "entry", "row", "said"),
    [
        (
            "v2_OpenEnded_mscoco_train2014_questions.json", "questions",
            {"image_id": 5, "question_id": 1, "question": "Why?"},
            "A question of .* has no answers. Received: question_id 1",
        ),
        (
            "v2_OpenEnded_mscoco_train2014_questions.json", "questions",
            {"image_id": "a5", "question_id": 1, "question": "Why?"}, "no usable 'image_id'",
        ),
        (
            "v2_mscoco_train2014_annotations.json", "annotations",
            {"question_id": 50, "answers": []}, "answers of another form.*question_id 50",
        ),
        (
            "v2_mscoco_train2014_annotations.json", "annotations",
            {"question_id": 50, "answers": ["yes"]}, "answers of another form",
        ),
    ],
)  # fmt: skip
def test_files_of_another_form(tmp_path, file, entry, row, said):
    testing.write_files(tmp_path, raw_files())
    path = tmp_path / "vqa" / file
    content = json.loads(path.read_text())
    content[entry].append(row)
    path.write_text(json.dumps(content))
    with pytest.raises(errors.DataError, match=said):
        testing.generated("vqa", "train", tmp_path)


def test_missing_files_and_pictures(tmp_path):
    with pytest.raises(errors.DataError, match="Expected: v2_OpenEnded_mscoco"):
        testing.generated("vqa", "train", tmp_path)
    testing.write_files(tmp_path / "raw", raw_files())
    (tmp_path / "raw/vqa/val2014/COCO_val2014_000000000008.jpg").unlink()
    with pytest.raises(errors.BadExampleError, match="1 of 1 annotated pictures missing"):
        generate.generate("vqa", tmp_path / "data", manual_dir=tmp_path / "raw", workers=1)
