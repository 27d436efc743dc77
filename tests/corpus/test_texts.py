"""Texts: their lines, and what is said of those that are wrong."""

import bz2
import gzip
import lzma

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import raw, texts


@pytest.fixture
def files(tmp_path):
    return raw.RawFiles(tmp_path, layout="{train,test}.{en,de}")


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        ("\ufeffä\nb\n".encode(), ["ä", "b"]),
        (b"a\n\n b \n", ["a", "", " b "]),
        ("one\u2028line\x85with\x0bsigns\n".encode(), ["one\u2028line\x85with\x0bsigns"]),
        (b"", []),
    ],
)
def test_lines(files, content, lines):
    (files.root / "train.en").write_bytes(content)
    packed = {
        "packed.en.gz": gzip.compress(content),
        "other.en.bz2": bz2.compress(content),
        "third.en.xz": lzma.compress(content),
        "archive.tgz": testing.tar({"a.en": content}, packing="gz"),
    }
    testing.write_files(files.root, packed)
    for name in ("train.en", "packed.en", "packed.en.gz", "other.en", "third.en", "a.en"):
        assert list(files.lines(name)) == lines
    sizes = {name: (files.root / name).stat().st_size for name in ("train.en", *packed)}
    assert files.used == sizes


def test_a_line_that_is_not_utf8_is_told_when_an_example_is_made_of_it(files):
    (files.root / "train.en").write_bytes("gut\nsch\xf6n und gut\nb\xf6se\n".encode("latin1"))
    lines = list(files.lines("train.en"))
    assert [len(line) for line in lines] == [3, 13, 4]
    assert files.damage.explain({"inputs": "gut", "targets": 3}) is None
    for values in ({"inputs": "gut", "targets": " und ".join(lines[1].split(" und "))},
                   {"inputs": "gut", "targets": ["gut", lines[1].split()[0]]}):  # fmt: skip
        error = files.damage.explain(values)
        assert isinstance(error, errors.BadExampleError)
        assert str(error) == (
            f"targets: A line is not UTF-8: {files.root}/train.en, line 2. Received: byte 0xf6 at "
            "position 4 of the line. Where all of the file is in another encoding, convert it, for "
            "example with iconv -f latin1 -t utf-8."
        )


def test_a_mark_inside_and_odd_line_ends(files):
    # Two files of an editor on Windows, one behind the other; an old one within a line.
    content = "\ufeffone\r\n\ufefftwo\rparts\r\n\r\nlast\r".encode()
    (files.root / "train.en").write_bytes(content)
    assert list(files.lines("train.en")) == ["one", "two\rparts", "", "last"]


def test_line_ends_of_old_macintosh_computers_are_told(files):
    (files.root / "train.en").write_bytes(b"one\rtwo\rthree\r")
    with pytest.raises(errors.DataError, match=r"old Macintosh.*3 \\r and no \\n.*tr"):
        list(files.lines("train.en"))
    (files.root / "train.en").write_bytes(b"a single line\r")
    assert list(files.lines("train.en")) == ["a single line"]


def test_a_line_without_end_does_not_fill_the_memory(files, monkeypatch):
    monkeypatch.setattr(texts, "LONGEST_LINE_BYTES", 1000)
    (files.root / "train.en.gz").write_bytes(gzip.compress(b"short\n" + b"x" * 5000))
    with pytest.raises(errors.DataError, match=r"train\.en.* 1,000 bytes and more in line 2"):
        list(files.lines("train.en"))


def test_utf16_is_recognised(files):
    (files.root / "train.en").write_bytes("a\nb\n".encode("utf-16"))
    with pytest.raises(errors.DataError, match="UTF-16.*iconv"):
        list(files.lines("train.en"))


def test_an_archive_that_is_cut_short(files):
    packed = gzip.compress(b"a line\n" * 1000)
    (files.root / "train.en.gz").write_bytes(packed[:-9])
    with pytest.raises(errors.DataError, match=r"train\.en\.gz is not a whole gzip file"):
        list(files.lines("train.en"))
    (files.root / "test.en.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(errors.DataError, match=r"test\.en\.gz is not a whole gzip.*a web page"):
        list(files.lines("test.en"))


def test_a_folder_is_not_read_as_a_text(files):
    (files.root / "train.en").mkdir()
    with pytest.raises(errors.DataError, match=r"train\.en cannot be read"):
        list(files.lines("train.en"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04\x14\0rest", r"a zip archive, as spreadsheets \(\.xlsx.*as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r"old Excel \(\.xls\)"),
        (gzip.compress(b"a,b\n"), r"a gzip file.*NAME\.gz"),
        (bz2.compress(b"a,b\n"), r"a bzip2 file.*NAME\.bz2"),
        (b"PAR1\x15\x04", "a Parquet file"),
        ("a,b\n".encode("utf-16"), "byte order mark of UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "zero bytes.*as in UTF-16.*utf-16le"),
        ("a,b\n1,2\n".encode("utf-16-be"), "zero bytes.*as in UTF-16.*utf-16be"),
    ],
)
def test_what_is_no_text_says_what_it_is(files, content, said):
    (files.root / "a.csv").write_bytes(content)
    with pytest.raises(errors.DataError, match=said):
        list(files.lines("a.csv"))


@pytest.mark.parametrize("content", ["BZhang spoke.", "%PDF is a format.", "\0", "PAR1 and 2"])
def test_texts_that_begin_like_other_files(files, content):
    (files.root / "a.txt").write_text(content)
    assert list(files.lines("a.txt")) == [content]
