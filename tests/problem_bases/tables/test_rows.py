"""Rows: what a line of a table holds, and what is wrong with another."""

import gzip
import os
import pathlib

import pytest

from t2t_mm import errors
from t2t_mm.corpus import raw
from t2t_mm.problem_bases.tables import rows

CSV = rows.Reader("csv", needed=("text", "stars"))
TSV = rows.Reader("tsv", quotes=False, needed=("text", "stars"))
JSONL = rows.Reader("jsonl", needed=("text",))


@pytest.fixture
def read(tmp_path):
    """Returns a function: the rows of files, given with their contents."""

    def call(reader, pattern="data.csv", **files):
        for name, content in files.items():
            name = name.replace("__", ".")
            data = content if isinstance(content, bytes) else content.encode()
            path = tmp_path / name
            path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return list(reader.read(pattern, raw.RawFiles(tmp_path)))

    return call


def test_a_csv_file(read):
    text = '\ufeffstars, text \r\n5,"Great, ""really""\r\ngreat"\r\n\r\n1,dull\r\n'
    first, second = read(CSV, data__csv=text)
    assert first.values == {"stars": "5", "text": 'Great, "really"\ngreat'}
    assert (first.place, first.key) == ("data.csv, line 2", "data.csv:2")
    assert second.values == {"stars": "1", "text": "dull"}
    assert (second.place, second.key) == ("data.csv, line 5", "data.csv:5")
    assert first.error is None


def test_a_tsv_file_takes_quotes_as_they_are(read):
    (row,) = read(TSV, "data.tsv", data__tsv='text\tstars\n"Great, he said\t5\n')
    assert row.values == {"text": '"Great, he said', "stars": "5"}


def test_gzip_patterns_delimiters_and_given_columns(read):
    reader = rows.Reader("csv", columns=("text", "stars"), delimiter=";", needed=("text",))
    found = read(reader, "part-*", **{"part-b.csv.gz": "c;3\n", "part-a.csv": "a;1\nb;2\n"})
    assert [row.values["text"] for row in found] == ["a", "b", "c"]
    assert [row.key for row in found] == ["part-a.csv:1", "part-a.csv:2", "part-b.csv.gz:1"]
    (row,) = read(CSV, "packed.csv", packed__csv__gz="text,stars\nx,1\n")
    assert row.values["text"] == "x"


@pytest.mark.parametrize(
    ("line", "fields"), [("one,two,3", 3), ("alone", 1)], ids=["too many", "too few"]
)
def test_a_row_with_other_fields_than_the_header(read, line, fields):
    good, bad, last = read(CSV, data__csv=f"text,stars\na,1\n{line}\nb,2\n")
    assert good.error is None
    assert last.values["text"] == "b"
    assert f"data.csv, line 3, has {fields} field" in str(bad.error)
    assert f"Received: {line.split(',')}." in str(bad.error)
    assert "Expected: 2: text, stars" in str(bad.error)
    assert "quotes" in str(bad.error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("stars,txt\n", "has no column 'text'. Received: the columns stars, txt.*'txt'"),
        ("stars;text\n1;a\n", "has no column 'text'.*';' between.*delimiter"),
        ("text,text,stars\n", "two columns 'text'"),
        ("", "is empty"),
        ('text,stars\na,1\n"open,2\nb,3\n', "line 3, cannot be read.*quotes = false"),
        ('text,stars\n"a"b,1\n', "line 2, cannot be read"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(read, content, words):
    with pytest.raises(errors.DataError, match=words):
        read(CSV, data__csv=content)


def test_a_long_field_is_read(read):
    (row,) = read(CSV, data__csv=f"text,stars\n{'x' * 200_000},1\n")
    assert len(row.values["text"]) == 200_000


def test_json_lines(read):
    text = '{"text": "a", "n": [1, 2]}\n\n{"text": "b"}\n'
    first, second = read(JSONL, "data.jsonl", data__jsonl=text)
    assert first.values == {"text": "a", "n": [1, 2]}
    assert (second.place, second.key) == ("data.jsonl, line 3", "data.jsonl:3")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"text": "a"', "line 2, is not JSON.*delimiter at character 13"),
        ('["a"]', "line 2, is not a JSON object"),
        ("[" * 100_000, "line 2, is not JSON that can be read"),
        ('{"text": "a", "text": "b"}', "line 2, is not JSON that can be read.*key 'text' twice"),
    ],
)
def test_a_line_that_is_no_object(read, line, words):
    good, bad, last = read(JSONL, "d.jsonl", d__jsonl=f'{{"text": "a"}}\n{line}\n{{"text": "b"}}')
    assert good.error is None
    assert last.error is None
    with pytest.raises(errors.BadExampleError, match=words):
        raise bad.error


def test_a_folder_mixes_its_classes(tmp_path):
    names = ("a/1.png", "a/2.png", "b/1.png", "b/x/3.png", "a/.hidden.png", ".trash/1.png")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list(rows.Reader("folder").read("**/*.png", raw.RawFiles(tmp_path)))
    values = {row.key: tuple(row.values.values()) for row in found}
    assert values == {
        "a/1.png": ("a/1.png", "a", "1"),
        "a/2.png": ("a/2.png", "a", "2"),
        "b/1.png": ("b/1.png", "b", "1"),
        "b/x/3.png": ("b/x/3.png", "x", "3"),
    }
    assert list(values) != sorted(values)


def test_a_pattern_may_have_alternatives(tmp_path):
    assert rows.alternatives("{a,b}/*.{png,jpg}") == ["a/*.png", "a/*.jpg", "b/*.png", "b/*.jpg"]
    assert rows.alternatives("{id}.png") == ["{id}.png"]
    for name in ("a/1.png", "a/2.jpg", "b/1.JPG", "b/2.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folder, files = rows.Reader("folder"), raw.RawFiles(tmp_path)
    found = {row.key for row in folder.read("*/*.{png,jpg,JPG,gif}", files)}
    assert found == {"a/1.png", "a/2.jpg", "b/1.JPG"}
    assert {row.key for row in folder.read("{a,b}/1.png", files)} == {"a/1.png"}
    with pytest.raises(errors.DataError, match=r"matches '\*/\*\.\{gif,bmp\}'"):
        list(folder.read("*/*.{gif,bmp}", files))


def test_a_file_whose_name_is_not_utf_8_is_a_row_too(tmp_path):
    (tmp_path / "a").mkdir()
    for name in (b"1.png", b"\xff.png"):
        pathlib.Path(os.fsdecode(os.fsencode(tmp_path / "a") + b"/" + name)).touch()
    keys = {row.key for row in rows.Reader("folder").read("*/*.png", raw.RawFiles(tmp_path))}
    assert keys == {"a/1.png", "a/\udcff.png"}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("a.csv", "csv"),
        ("part-*.tsv.gz", "tsv"),
        ("a.ndjson", "jsonl"),
        ("a.csv.xz", "csv"),
        ("*/*.wav", "folder"),
        ("a.json", None),
        ("*/*.{png,jpg}", "folder"),
        ("part-*.{csv,csv.gz}", "csv"),
        ("a.{csv,tsv}", None),
    ],
)
def test_the_suffix_tells_the_format(name, known):
    assert rows.format_of(name) == known


def test_suffixes_may_be_in_capitals(read):
    assert rows.format_of("A.CSV") == rows.format_of("A.CSV.GZ") == "csv"
    (row,) = read(CSV, "A.CSV", **{"A.CSV": "text,stars\nx,1\n"})
    assert row.values["text"] == "x"


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ('[{"a": 1}, {"a": 2}]', r"jq -c '\.\[\]'"),
        ('[\n  {"a": 1},\n  {"a": 2}\n]', r"jq -c '\.\[\]'"),
        ('[ {\n"a": 1}]', r"jq -c '\.\[\]'"),
        ('{\n  "a": 1\n}\n', r"jq -c '\.'"),
    ],
)
def test_json_that_is_not_a_value_a_line(tmp_path, content, hint):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(errors.DataError, match=f"is JSON, but no JSON Lines.*{hint}") as raised:
        list(rows.Reader("jsonl", needed=("a",)).read("a.jsonl", raw.RawFiles(tmp_path)))
    assert not isinstance(raised.value, errors.BadExampleError)
