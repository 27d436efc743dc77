"""Large annotation files are read object by object, and by one worker only."""

import gc
import gzip
import json
import multiprocessing

import pytest

from t2t_mm import errors
from t2t_mm.corpus import raw

CONTENT = {
    "info": {"a": [1]},
    "rows": [{"id": 1, "x": 0.5}, {"id": 2, "x": [True, None]}],
    "no": [],
}


@pytest.fixture
def files(tmp_path):
    def write(content, name="a.json"):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (tmp_path / name).write_bytes(data)
        return raw.RawFiles(tmp_path, "a.json with rows")

    return write


def test_objects_of_a_list(files):
    assert list(files(CONTENT).objects("a.json", "rows")) == CONTENT["rows"]
    assert list(files(CONTENT).objects("a.json", "no")) == []
    marked = b"\xef\xbb\xbf" + json.dumps(CONTENT, indent=1).replace("\n", "\r\n").encode()
    assert list(files(marked).objects("a.json", "rows")) == CONTENT["rows"]
    packed = files(gzip.compress(json.dumps(CONTENT).encode()), "b.json.gz")
    assert list(packed.objects("b.json", "rows")) == CONTENT["rows"]
    assert packed.used == {"b.json.gz": (packed.root / "b.json.gz").stat().st_size}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(CONTENT).encode()[:-60], "is not JSON.*after [0-9] objects.*with rows"),
        (b"", "is not JSON"),
        (b'{"rows": [{"a": "\xff"}]}', "is not JSON.*UTF8"),
        (b"[1, 2]", "no list 'rows'. Received: no object"),
        (b'{"other": 1, "rows": {}}', "no list 'rows'. Received: other, rows"),
        (json.dumps(CONTENT).encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 and so on", "is no text"),
    ],
)
def test_other_content_is_one_error(files, content, said):
    with pytest.raises(errors.DataError, match=said):
        list(files(content).objects("a.json", "rows"))


def test_an_object_may_not_fill_the_memory(files, monkeypatch):
    monkeypatch.setenv("T2T_MM_MAX_FILE_BYTES", "200000")
    many = files({"rows": [{"a": "x" * 50_000}] * 12})
    assert len(list(many.objects("a.json", "rows"))) == 12
    with pytest.raises(errors.DataError, match=r"too large.*T2T_MM_MAX_FILE_BYTES"):
        list(files({"rows": [{"a": "x" * 400_000}]}).objects("a.json", "rows"))


def test_a_missing_file(tmp_path):
    with pytest.raises(errors.DataError, match=r"No raw file is named 'a\.json'"):
        list(raw.RawFiles(tmp_path).objects("a.json", "rows"))


def build(database):
    database.execute("CREATE TABLE numbers (number INTEGER)")
    database.executemany("INSERT INTO numbers VALUES (?)", ((n,) for n in range(1_000)))


def total(folder):
    """Runs in a process: opens the database that one of them makes."""

    def counted(database):
        with (folder / "built").open("a") as file:
            file.write("x")
        build(database)

    files = raw.RawFiles(folder)
    files.scratch = folder
    (found,) = files.database("numbers", counted).execute("SELECT SUM(number) FROM numbers")
    return found[0]


def test_a_database_is_made_once_for_all_workers(tmp_path):
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(total, [tmp_path] * 6) == [499_500] * 6
    assert (tmp_path / "built").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".numbers.sqlite", "built"]


def test_a_database_of_one_reader_goes_with_it(tmp_path):
    files = raw.RawFiles(tmp_path)
    files.database("numbers", build).close()
    scratch = files.scratch
    assert scratch.is_dir()
    del files
    gc.collect()
    assert not scratch.exists()


def test_a_database_that_cannot_be_made_leaves_nothing(tmp_path):
    files = raw.RawFiles(tmp_path)
    files.scratch = tmp_path
    with pytest.raises(errors.DataError, match="not valid Unicode"):
        files.database("bad", lambda database: database.execute("SELECT ?", ("\ud800",)))
    assert list(tmp_path.iterdir()) == []
