import io
import json

import pytest
from PIL import Image

from t2t_mm.problems.sample_world import corpora, corpora_captions


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(corpora, "_SMALLEST_TEST", 6)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("year", "stem"), [("2017", ""), ("2014", "COCO_train2014_")])
def test_coco_has_its_layout(tmp_path, year, stem):
    corpora_captions.write_coco(tmp_path, seed=0, size=48, year=year)
    found = files(tmp_path)
    content = json.loads(found[f"annotations/captions_train{year}.json"])
    assert len(content["images"]) == 10
    assert len(content["annotations"]) == 50
    assert len({row["id"] for row in content["annotations"]}) == 50
    for row in content["images"]:
        assert row["file_name"] == f"{stem}{row['id']:012d}.jpg"
        with Image.open(io.BytesIO(found[f"train{year}/{row['file_name']}"])) as picture:
            assert (picture.format, *picture.size) == ("JPEG", row["width"], row["height"])
    validation = json.loads(found[f"annotations/captions_val{year}.json"])
    ids = [{row["id"] for row in c["images"]} for c in (content, validation)]
    assert len(ids[1]) == 6
    assert not ids[0] & ids[1]
    assert {row["image_id"] for row in validation["annotations"]} == ids[1]


def test_vqa_has_its_layout(tmp_path):
    corpora_captions.write_vqa(tmp_path, seed=0, size=40)
    found = files(tmp_path)
    for part, pictures in (("train", 10), ("val", 6)):
        asked = json.loads(found[f"v2_OpenEnded_mscoco_{part}2014_questions.json"])["questions"]
        given = json.loads(found[f"v2_mscoco_{part}2014_annotations.json"])["annotations"]
        assert [row["question_id"] for row in asked] == [row["question_id"] for row in given]
        assert len({row["question_id"] for row in asked}) == len(asked) > 3 * pictures
        names = {f"{part}2014/COCO_{part}2014_{row['image_id']:012d}.jpg" for row in asked}
        assert names <= set(found)
        assert len(names) == pictures
        for row in given:
            answers = [answer["answer"] for answer in row["answers"]]
            assert len(answers) == 10
            assert answers.count(row["multiple_choice_answer"]) >= 6


def test_captions_and_questions_are_about_the_same_pictures(tmp_path):
    corpora_captions.write_coco(tmp_path / "coco", seed=3, size=50)
    corpora_captions.write_vqa(tmp_path / "vqa", seed=3, size=40)
    described = sorted((tmp_path / "coco" / "train2017").iterdir())
    asked = sorted((tmp_path / "vqa" / "train2014").iterdir())
    assert [p.read_bytes() for p in described] == [p.read_bytes() for p in asked]


@pytest.mark.parametrize("write", [corpora_captions.write_coco, corpora_captions.write_vqa])
def test_twins_are_equal_and_another_seed_differs(tmp_path, write):
    for name, seed in (("first", 0), ("twin", 0), ("other", 1)):
        write(tmp_path / name, seed=seed, size=20)
    first, twin, other = (files(tmp_path / name) for name in ("first", "twin", "other"))
    assert first == twin
    assert first != other
