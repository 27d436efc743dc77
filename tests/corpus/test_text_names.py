"""Where the texts of a corpus lie."""

import errno
import gzip
import os

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import links, text_names, texts


def test_the_order_in_which_a_text_is_looked_for(tmp_path):
    places = [
        ("below/a.en", "file", ""),
        ("below/a.en.gz", gzip.compress(b"gz"), ""),
        ("below/near.tar", testing.tar({"a.en": "near"}), "a.en"),
        ("first.tgz", testing.tar({"below/a.en.gz": gzip.compress(b"1")}, packing="gz"),
         "below/a.en.gz"),
        ("second.tar", testing.tar({"below/a.en": "2"}), "below/a.en"),
    ]  # fmt: skip
    testing.write_files(tmp_path, {name: content for name, content, _ in places})
    read = []
    for name, _, member in places:
        text = text_names.find(links.Boundary(tmp_path), "below/a.en")
        assert text == texts.Text(tmp_path / name, member)
        with text.open() as stream:
            read.append(stream.read())
        (tmp_path / name).unlink()
    assert read == [b"file", b"gz", b"near", b"1", b"2"]
    assert text_names.find(links.Boundary(tmp_path), "below/a.en") is None


def test_an_archive_is_looked_into_only_where_it_is_needed(tmp_path):
    testing.write_files(tmp_path, {"a.en": "x", "broken.tar": "no archive"})
    assert text_names.find(links.Boundary(tmp_path), "a.en") == texts.Text(tmp_path / "a.en")


def test_a_hidden_archive_is_none(tmp_path):
    testing.write_files(tmp_path, {".x.tar": testing.tar({"a.en": ""}), "y.tar.part": "no archive"})
    assert text_names.find(links.Boundary(tmp_path), "a.en") is None
    assert text_names.files(links.Boundary(tmp_path)) == ["y.tar.part"]


def test_a_folder_that_cannot_be_listed_is_not_passed_over(tmp_path, monkeypatch):
    testing.write_files(tmp_path, {"open/a.en": "", "closed/b.en": "", "lost+found/c.en": ""})
    assert text_names.files(links.Boundary(tmp_path)) == ["closed/b.en", "open/a.en"]
    listed = os.scandir

    def scandir(path):
        if str(path).endswith(("closed", "lost+found")):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(errors.DataError, match="closed. Received: Permission denied"):
        text_names.files(links.Boundary(tmp_path))
