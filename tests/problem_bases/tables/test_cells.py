"""Cells: paths in the ways that annotation files write them."""

import errno
import os
import pathlib

import pytest

from t2t_mm import errors
from t2t_mm.problem_bases.tables import cells, rows

ROW = rows.Row("a.csv, line 2", "a.csv:2", {})


@pytest.fixture
def corpus(tmp_path):
    """Returns a corpus with a picture, named by a link to its folder."""
    (tmp_path / "real" / "img").mkdir(parents=True)
    (tmp_path / "real" / "img" / "a b.png").write_bytes(b"x")
    link = tmp_path / "corpus"
    link.symlink_to("real")
    return link


@pytest.mark.parametrize(
    "name",
    [
        "img/a b.png",
        "./img/a b.png",
        "img/../img/a b.png",
        "img\\a b.png",
        ".\\img\\a b.png",
        "img/a%20b.png",
        "{top}/corpus/img/a b.png",
        "{top}/real/img/a b.png",
        "file://{top}/corpus/img/a%20b.png",
        "file:{top}/real/img/a%20b.png",
    ],
)
def test_a_path_is_read_in_any_of_its_forms(corpus, tmp_path, name):
    path = cells.inside(name.replace("{top}", str(tmp_path)), ROW, corpus)
    assert path.read_bytes() == b"x"
    assert path.is_relative_to(corpus)


def test_a_file_counts_before_what_its_name_might_mean(corpus):
    for name in ("50%20.png", "50 .png", "a\\b.png"):
        (corpus / name).write_bytes(name.encode())
        assert cells.inside(name, ROW, corpus).read_bytes() == name.encode()


def test_a_relative_corpus_takes_absolute_paths(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = cells.inside(f"{tmp_path}/corpus/img/a b.png", ROW, pathlib.Path("corpus"))
    assert found == pathlib.Path("corpus/img/a b.png")


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "img/../../x", "..\\x/../..", "file:///etc/passwd", "/a\0"]
)
def test_a_path_out_of_the_corpus_is_refused(corpus, name):
    with pytest.raises(errors.BadExampleError, match="outside of the corpus"):
        cells.inside(name, ROW, corpus)


def test_no_path_is_said_to_be_none(corpus):
    with pytest.raises(errors.BadExampleError, match="line 2, names no file"):
        cells.inside(" ", ROW, corpus)


def test_a_text_that_the_machine_hinders_is_no_bad_example(corpus, monkeypatch):
    (corpus / "a.txt").write_text(" text \n")
    assert cells.read(corpus / "a.txt") == "text"
    for number, bad in ((errno.EACCES, True), (errno.EIO, False), (errno.EMFILE, False)):

        def refuse(_, number=number):
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patched, pytest.raises(errors.DataError) as raised:
            patched.setattr(pathlib.Path, "read_bytes", refuse)
            cells.read(corpus / "a.txt")
        assert isinstance(raised.value, errors.BadExampleError) is bad


def test_a_text_longer_than_any_line_may_be_is_a_bad_example(corpus, monkeypatch):
    (corpus / "a.txt").write_text("12345")
    monkeypatch.setenv("T2T_MM_MAX_LINE_BYTES", "4")
    with pytest.raises(errors.BadExampleError, match="5 bytes.*T2T_MM_MAX_LINE_BYTES"):
        cells.read(corpus / "a.txt")


def test_a_link_that_leads_to_itself_is_a_bad_example(corpus):
    (corpus / "loop").symlink_to("loop")
    with pytest.raises(errors.BadExampleError):
        cells.read(cells.inside(str(corpus / "loop"), ROW, corpus))
