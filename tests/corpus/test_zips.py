"""Zip files read where they lie, and what is said of those that are wrong."""

import os
import pathlib
import pickle
import zipfile

import pytest

from t2t_mm import errors
from t2t_mm.corpus import raw, zips

FILES = {"train/a.jpg": b"meow" * 200, "train/b höhe.jpg": b"", "./list.txt": b"one\ntwo\n"}
OPEN_FILES = pathlib.Path("/proc/self/fd")


@pytest.fixture
def corpus(tmp_path):
    """Returns a function that writes a zip into a corpus, and gives its path."""

    def write(name="photos.zip", files=FILES, method=zipfile.ZIP_DEFLATED):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("train/"), b"")
            for inner, content in files.items():
                archive.writestr(inner, content, compress_type=method)
        return path

    return write


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_where_they_lie(corpus, method):
    path = corpus(method=method)
    before = len(list(OPEN_FILES.iterdir()))
    member = zips.member(path, "train/a.jpg")
    assert (member.name, member.stem, member.suffix) == ("a.jpg", "a", ".jpg")
    assert pickle.loads(pickle.dumps(member)).read_bytes() == FILES["train/a.jpg"]
    assert zips.member(path, "train/b höhe.jpg").read_bytes() == b""
    assert str(member) == f"{path}/train/a.jpg"
    assert len(list(OPEN_FILES.iterdir())) == before
    with pytest.raises(KeyError):
        zips.member(path, "train/c.jpg")


def test_a_corpus_is_read_as_if_unpacked(corpus):
    files = raw.RawFiles(corpus().parent)
    assert sorted(files.names_in("train")) == ["a.jpg", "b höhe.jpg"]
    assert files.file("train", "a.jpg").read_bytes() == FILES["train/a.jpg"]
    assert isinstance(files.file("train", "c.jpg"), errors.BadExampleError)
    assert list(files.lines("list.txt")) == ["one", "two"]
    assert files.has_text("list.txt")
    assert not files.has_text("other.txt")
    assert files.names("*.txt") == ["list.txt"]
    assert not files.names_in("val")
    assert list(files.used) == ["photos.zip"]


def test_a_folder_that_is_there_comes_first(corpus):
    root = corpus().parent
    (root / "train").mkdir()
    (root / "train/c.jpg").write_bytes(b"c")
    files = raw.RawFiles(root)
    assert list(files.names_in("train")) == ["c.jpg"]
    assert files.file("train", "c.jpg") == root / "train/c.jpg"


def test_the_zip_of_a_folder_lies_beside_it_or_above(corpus):
    root = corpus("photos/all.zip").parent.parent
    assert raw.RawFiles(root).file("photos/train", "a.jpg").read_bytes() == FILES["train/a.jpg"]


def damaged(path, place, content):
    data = bytearray(path.read_bytes())
    data[place : place + len(content)] = content
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    return path


def test_damage_is_named(corpus):
    path = corpus(method=zipfile.ZIP_STORED)
    offset = zips.member(path, "train/a.jpg").offset
    damaged(path, offset + 45, b"XXXX")
    with pytest.raises(errors.DataError, match=r"is damaged.*train/a\.jpg.*zip archive, whole"):
        zips.member(path, "train/a.jpg").read_bytes()
    with pytest.raises(errors.DataError, match="is damaged"):
        zips.member(damaged(path, offset, b"KP"), "train/a.jpg").read_bytes()
    deflated = corpus("b.zip")
    damaged(deflated, zips.member(deflated, "train/a.jpg").offset + 41, b"\xff\xff")
    with pytest.raises(errors.DataError, match="is damaged"):
        zips.member(deflated, "train/a.jpg").read_bytes()


def test_what_is_no_zip_or_only_a_part(corpus):
    path = corpus()
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(errors.DataError, match="not a whole zip archive"):
        raw.RawFiles(path.parent).names_in("train")
    path.write_bytes(b"<!doctype html><p>Log in")
    with pytest.raises(errors.DataError, match="a web page"):
        raw.RawFiles(path.parent).names_in("train")


def test_a_file_may_not_fill_the_memory(corpus, monkeypatch):
    path = corpus(files={"train/a.jpg": bytes(50_000)})
    assert path.stat().st_size < 1_000
    monkeypatch.setenv("T2T_MM_MAX_FILE_BYTES", "40000")
    with pytest.raises(errors.DataError, match=r"too large.*50,000 bytes.*T2T_MM_MAX_FILE_BYTES"):
        zips.member(path, "train/a.jpg").read_bytes()


def test_names_that_lead_out_are_refused(corpus):
    path = corpus(files={"../out.txt": b"x"})
    with pytest.raises(errors.DataError, match="would leave the folder"):
        zips.folders(path)


def test_other_methods_are_refused(corpus):
    path = corpus(method=zipfile.ZIP_LZMA)
    with pytest.raises(errors.DataError, match="cannot be read in place"):
        zips.folders(path)


def test_a_text_in_a_damaged_zip_is_one_error(corpus):
    path = corpus(files={"list.txt": b"line\n" * 5_000})
    damaged(path, 60, b"\xff\xff\xff\xff")
    with pytest.raises(errors.DataError, match="not a whole archive"):
        list(raw.RawFiles(path.parent).lines("list.txt"))
