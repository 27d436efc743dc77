"""Problems from tables: their examples, their records, and bad rows."""

import gzip
import io
import json
import math
import wave

import pytest
from PIL import Image as pillow

import t2t_mm
from t2t_mm import errors, testing
from t2t_mm.bin import list as list_command
from t2t_mm.data import manifest, records
from t2t_mm.plugins import load
from tests.problem_bases.tables.conftest import REVIEWS
from tests.problem_bases.tables.test_declaration import FRACTIONS

JSONL = """
    name = "my_table"
    command = "to-answer"
    metrics = ["exact_match"]
    [data]
    files = "all.jsonl"
    key = "id"
    split_column = "part"
    [splits]
    train = "train"
    validation = "dev"
    [inputs.image]
    modality = "image"
    size = 32
    [inputs.question]
    modality = "language"
    [targets]
    modality = "language"
    column = "answers"
"""


def generate(corpora, tmp_path, **options):
    answer = t2t_mm.generate(
        ["my_*"], tmp_path / "data", manual_dir=corpora, **{"workers": 1, **options}
    )
    return {name: made["splits"] for name, made in answer["problems"].items()}


def read(tmp_path, name, split):
    found = manifest.Manifest.load(tmp_path / "data", name, "1.0.0")
    examples = [e for file in found.files(split) for e in records.read_values(file)]
    return {example["key"][0].decode(): example for example in examples}


def lines(*objects):
    return "".join(f"{json.dumps(value)}\n" for value in objects)


def test_rows_become_records(declare, corpora, tmp_path):
    declare()
    folder = corpora(
        {
            "my_reviews/train.csv": 'stars,text,id\n5,"Good, very",x\n1,Dull,y\n',
            "my_reviews/dev.csv.gz": gzip.compress(b"text,stars\nFine,5\n"),
        }
    )
    counts = generate(folder, tmp_path)["my_reviews"]
    assert {name: made["examples"] for name, made in counts.items()} == {
        "train": 2,
        "validation": 1,
    }
    made = read(tmp_path, "my_reviews", "train")
    assert made["train.csv:2"] == {
        "key": (b"train.csv:2",),
        "review": (b"Good, very",),
        "targets": (b"5",),
    }
    assert list(read(tmp_path, "my_reviews", "validation")) == ["dev.csv:2"]
    details = manifest.Manifest.load(tmp_path / "data", "my_reviews", "1.0.0").details
    assert set(details["raw_files"]) == {"train.csv", "dev.csv.gz"}
    assert details["classes"] == {"targets": ["1", "5"]}


def test_references_paths_keys_and_a_split_column(declare, corpora, tmp_path):
    declare(JSONL)
    rows = [
        {
            "id": 7,
            "part": "train",
            "image": "p/a.png",
            "question": "How many?",
            "answers": ["2", 3],
        },
        {"id": 8, "part": "dev", "image": "p/a.png", "question": "What?", "answers": "a dog"},
        {"id": 9, "part": "other"},
    ]
    folder = corpora({"my_table/all.jsonl": lines(*rows)})
    (folder / "my_table" / "p").mkdir()
    pillow.new("RGB", (40, 40), "red").save(folder / "my_table" / "p" / "a.png")
    generate(folder, tmp_path)
    made = read(tmp_path, "my_table", "train")["7"]
    assert made["targets"] == (b"2", b"3")
    assert made["question"] == (b"How many?",)
    assert made["image"][0] == (folder / "my_table" / "p" / "a.png").read_bytes()
    assert read(tmp_path, "my_table", "validation")["8"]["targets"] == (b"a dog",)


def examples(declare, corpora, text, files, split="train", name="my_table"):
    assert declare(text).error == ""
    return dict(testing.generated(name, split, corpora(files)))


def test_sounds_in_class_folders(declare, corpora, tmp_path):
    text = """
        name = "my_sounds"
        command = "to-class"
        metrics = ["accuracy"]
        [data]
        files = "*/*.wav"
        [splits]
        train = 0.6
        validation = 0.4
        [inputs.sound]
        modality = "audio"
        sample_rate = 8000
        column = "path"
        [targets]
        modality = "categorical"
        column = "folder"
    """
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 8)
    files = {f"{name}/{n}.wav": held.getvalue() for name in ("bark", "meow") for n in range(8)}
    assert declare(text).error == ""
    counts = generate(corpora(files), tmp_path)["my_sounds"]
    assert sum(made["examples"] for made in counts.values()) == 16
    made = read(tmp_path, "my_sounds", "train")
    assert {example["targets"] for example in made.values()} == {(b"bark",), (b"meow",)}
    assert all(example["sound"][0].startswith(b"RIFF") for example in made.values())


def test_several_columns_are_several_references(declare, corpora):
    text = REVIEWS.replace(
        '"categorical"\n    column = "stars"', '"language"\n    column = ["a", "b"]'
    )
    files = {"train.csv": "text,a,b\nx,one,eins\ny,two,\n"}
    made = examples(declare, corpora, text, files, name="my_reviews")
    assert made["train.csv:2"] == {"review": "x", "targets": ["one", "eins"]}
    assert made["train.csv:3"]["targets"] == ["two"]


def test_files_that_rows_name(declare, corpora):
    text = JSONL.replace("[inputs.question]", '[inputs.question]\n    file = "q/{id}.txt"').replace(
        "size = 32", 'file = "{image}.png"'
    )
    row = {"id": 7, "part": "train", "image": "a", "answers": "2"}
    files = {"all.jsonl": lines(row), "q/7.txt": "\ufeffHow many?\r\n"}
    made = examples(declare, corpora, text, files)
    assert made["7"]["question"] == "How many?"
    assert made["7"]["image"].name == "a.png"


@pytest.mark.parametrize(
    ("changes", "feature", "words"),
    [
        ({"question": None}, "question", "line 1, 'question' is not what.*null.*text or a number"),
        ({"question": math.nan}, "question", "'question' is not what.*NaN.*text or a number"),
        ({"answers": ["a", math.inf]}, "targets", "'answers' is not what.*Infinity"),
        ({"id": math.inf}, "targets", "line 1, 'id' is not what"),
        ({"question": ["a"]}, "question", r"'question' is not what.*\[\"a\"\]"),
        ({"answers": [{"a": 1}]}, "targets", "'answers' is not what.*list of texts"),
        ({"image": "../x.png"}, "image", "a file outside of the corpus.*'../x.png'"),
        ({"image": "/etc/passwd"}, "image", "a file outside of the corpus"),
        ({"image": ""}, "image", "names no file"),
        ({"id": ""}, "image", "line 1, has an empty 'id'"),
        ({"id": None}, "targets", "line 1, 'id' is not what"),
    ],
)
def test_a_value_that_is_of_no_use(declare, corpora, changes, feature, words):
    row = {"id": 7, "part": "train", "image": "a", "question": "q", "answers": "2", **changes}
    (made,) = examples(declare, corpora, JSONL, {"all.jsonl": lines(row)}).values()
    with pytest.raises(errors.BadExampleError, match=words):
        raise made[feature]


@pytest.mark.parametrize("missing", ["question", "id", "part"])
def test_an_object_that_lacks_a_key(declare, corpora, missing):
    row = {"id": 7, "part": "train", "image": "a", "question": "q", "answers": "2"}
    del row[missing]
    (made,) = examples(declare, corpora, JSONL, {"all.jsonl": lines(row)}).values()
    with pytest.raises(
        errors.BadExampleError, match=f"line 1, has no '{missing}'. Received: .*image"
    ):
        raise made["question"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "q/7.txt.*No such file"),
        (b"\xff", "7.txt is not UTF-8"),
    ],
)
def test_a_text_file_that_cannot_be_read(declare, corpora, text, words):
    table = JSONL.replace("[inputs.question]", '[inputs.question]\n    file = "q/{id}.txt"')
    row = {"id": 7, "part": "train", "image": "a", "answers": "2"}
    files = {"all.jsonl": lines(row), **({} if text is None else {"q/7.txt": text})}
    made = examples(declare, corpora, table, files)
    with pytest.raises(errors.BadExampleError, match=words):
        raise made["7"]["question"]


def test_a_text_file_of_a_name_that_no_file_has(declare, corpora):
    table = JSONL.replace("[inputs.question]", '[inputs.question]\n    file = "q/{id}.txt"')
    row = {"id": "a\0b", "part": "train", "image": "a", "answers": "2"}
    (made,) = examples(declare, corpora, table, {"all.jsonl": lines(row)}).values()
    with pytest.raises(errors.BadExampleError, match="A text cannot be read: .*null byte"):
        raise made["question"]


def test_a_split_whose_value_never_occurs(declare, corpora):
    row = {"id": 7, "part": "valid", "image": "a", "question": "q", "answers": "2"}
    with pytest.raises(errors.DataError, match="No row of all.jsonl.*'train'.*part = valid"):
        examples(declare, corpora, JSONL, {"all.jsonl": lines(row)})


def test_a_fraction_that_no_row_falls_into(declare, corpora, tmp_path):
    declare(FRACTIONS.replace("0.5", "0.999", 1).replace("0.5", "0.001"))
    folder = corpora({"all.csv": "text,stars\na,1\nb,2\n"})
    said = "None of the 2 rows of .*all.csv falls into the split 'validation'.*split_column"
    with pytest.raises(errors.DataError, match=said):
        generate(folder, tmp_path)


def test_bad_rows_end_the_work_or_are_counted(declare, corpora, tmp_path):
    declare()
    folder = corpora({"train.csv": "text,stars\na,1\nb,2,3\nc,1\n", "dev.csv": "text,stars\nd,1\n"})
    with pytest.raises(errors.DataError, match=r"'train\.csv:3'.*train\.csv, line 3, has 3 fields"):
        generate(folder, tmp_path)
    counts = generate(folder, tmp_path, max_bad_examples=1)["my_reviews"]
    assert counts["train"]["examples"] == 2
    skipped = manifest.Manifest.load(tmp_path / "data", "my_reviews", "1.0.0").details["skipped"]
    assert list(skipped.values()) == [1]


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl"])
def test_a_row_that_is_not_utf_8_is_a_bad_one(declare, corpora, tmp_path, name):
    declare(REVIEWS.replace("train.csv", name).replace("dev.csv", name.replace("train", "dev")))
    if name.endswith("csv"):
        good, bad = b"text,stars\na,1\n", b"na\xefve,1\n"
    else:
        good, bad = b'{"text": "a", "stars": 1}\n\n', b'{"text": "na\xefve", "stars": 1}\n'
    folder = corpora({name: good + bad, name.replace("train", "dev"): good})
    with pytest.raises(errors.BadExampleError, match="line 3, is not UTF-8|byte 0xef"):
        generate(folder, tmp_path)
    counts = generate(folder, tmp_path, max_bad_examples=1)["my_reviews"]
    assert counts["train"]["examples"] == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"train.csv": "text,star\na,1\n"}, "no column 'stars'. Received: the columns text, star"),
        ({"trian.csv": "text,stars\na,1\n"}, "No raw file.*'train.csv'.*'trian.csv'"),
        (
            {"train.csv": "text,stars\n"},
            "train.csv has no rows.*split 'train' of my_reviews.*below",
        ),
        (
            {"train.csv": "text,stars\na,1\n", "dev.csv": "text,stars\n\n"},
            "my_reviews/dev.csv has no rows.*split 'validation'",
        ),
    ],
)
def test_raw_files_that_are_wrong(declare, corpora, tmp_path, files, words):
    declare()
    with pytest.raises(errors.DataError, match=words):
        generate(corpora({f"my_reviews/{name}": text for name, text in files.items()}), tmp_path)
    assert not (tmp_path / "data" / "my_reviews").exists()


def test_a_key_that_occurs_twice(declare, corpora, tmp_path):
    declare(REVIEWS.replace("[inputs.review]", '[data]\n    key = "id"\n    [inputs.review]'))
    folder = corpora(
        {"train.csv": "id,text,stars\nx,a,1\nx,b,2\n", "dev.csv": "id,text,stars\nx,c,1\n"}
    )
    with pytest.raises(errors.DataError, match="have the key 'x'"):
        generate(folder, tmp_path)


def test_a_table_that_reads_otherwise_needs_new_data(declare, corpora, tmp_path, registries):
    declare()
    text = "text,stars,other\na,1,2\n"
    folder = corpora({"train.csv": text, "dev.csv": text})
    generate(folder, tmp_path)
    registries.problems.remove_plugin("mine.reviews.toml")
    load._usr_dirs.clear()
    assert declare(REVIEWS.replace("metrics", "# metrics\n    metrics")).error == ""
    assert generate(folder, tmp_path)["my_reviews"]["train"]["examples"] == 1
    registries.problems.remove_plugin("mine.reviews.toml")
    load._usr_dirs.clear()
    declare(REVIEWS.replace('"stars"', '"other"'))
    with pytest.raises(errors.DataError, match="declaration=.*declaration=.*--overwrite"):
        generate(folder, tmp_path)


def test_worker_processes_know_the_table(declare, corpora, tmp_path):
    declare()
    rows = "".join(f"text {number},{number % 3}\n" for number in range(60))
    folder = corpora({"train.csv": f"text,stars\n{rows}", "dev.csv": f"text,stars\n{rows}"})
    generate(folder, tmp_path)
    one = manifest.Manifest.load(tmp_path / "data", "my_reviews", "1.0.0").shards
    generate(folder, tmp_path, workers=2, overwrite=True)
    assert manifest.Manifest.load(tmp_path / "data", "my_reviews", "1.0.0").shards == one


def test_mm_list_shows_it(declare, capsys):
    declare()
    assert list_command.main(["--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    (problem,) = [p for p in listed["problems"] if p["name"] == "my_reviews"]
    assert problem["plugin"] == "mine.reviews.toml"
    assert problem["inputs"] == {
        "review": {"modality": "language", "vocab": "mm_8k", "max_length": None}
    }
    assert list_command.main([]) == 0
    said = capsys.readouterr().out
    assert "MANUAL_DIR/my_reviews/: train.csv, dev.csv with text, stars" in said
    assert "mnist:3.0.1, as `tfds build mnist:3.0.1` prepares it" in said
