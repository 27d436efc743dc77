"""Raw files: what is read, and what is said of files that are wrong."""

import gzip

import pytest

from t2t_mm import errors
from t2t_mm.data import raw


@pytest.fixture
def files(tmp_path):
    return raw.RawFiles(tmp_path, layout="{train,test}.{en,de}")


def test_the_folder_of_the_corpus_is_preferred(tmp_path):
    (tmp_path / "corpus").mkdir()
    assert raw.RawFiles.of(tmp_path, "corpus").root == tmp_path / "corpus"
    assert raw.RawFiles.of(tmp_path, "other").root == tmp_path
    assert raw.RawFiles.of(tmp_path, "").root == tmp_path


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
    (files.root / "packed.en.gz").write_bytes(gzip.compress(content))
    assert list(files.lines("train.en")) == lines
    assert list(files.lines("packed.en")) == lines
    assert list(files.lines("packed.en.gz")) == lines
    assert files.used == {
        "packed.en.gz": (files.root / "packed.en.gz").stat().st_size,
        "train.en": len(content),
    }


def test_bytes_that_are_not_utf8_are_told_with_file_and_line(files):
    (files.root / "train.en").write_bytes("gut\nsch\xf6n\n".encode("latin1"))
    with pytest.raises(
        errors.DataError, match=r"train\.en, line 2, is not UTF-8.*0xf6.*position 4"
    ):
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
    with pytest.raises(errors.DataError, match=r"test\.en\.gz is not a whole gzip file"):
        list(files.lines("test.en"))


def test_a_missing_file_is_told_with_the_layout_and_what_is_near(files):
    (files.root / "train.en").touch()
    with pytest.raises(errors.DataError) as caught:
        files.path("trian.en")
    text = str(caught.value)
    assert "'trian.en'" in text
    assert str(files.root) in text
    assert "Expected: {train,test}.{en,de}." in text
    assert "Did you mean 'train.en'?" in text


def test_a_missing_corpus_is_told_with_both_places(tmp_path):
    (tmp_path / "something").touch()
    files = raw.RawFiles.of(tmp_path, "corpus", "the layout")
    with pytest.raises(errors.DataError, match=rf"{tmp_path}.*no folder {tmp_path}/corpus either"):
        list(files.lines("train.en"))


def test_a_missing_folder(tmp_path):
    files = raw.RawFiles(tmp_path / "nowhere", layout="the layout")
    with pytest.raises(errors.DataError, match="nowhere does not exist.*the layout.*--manual_dir"):
        files.path("train.en")


def test_a_folder_is_not_read_as_a_text(files):
    (files.root / "train.en").mkdir()
    with pytest.raises(errors.DataError, match=r"train\.en cannot be read"):
        list(files.lines("train.en"))


def test_glob_is_sorted_and_leaves_hidden_files_out(files):
    for name in ("b.png", "a.png", "._a.png", "c.txt"):
        (files.root / name).touch()
    assert [path.name for path in files.glob("*.png")] == ["a.png", "b.png"]
    assert files.glob("*.jpg", optional=True) == []
    with pytest.raises(errors.DataError, match=r"No raw file matches '\*\.jpg'"):
        files.glob("*.jpg")


def test_parallel_texts(files):
    (files.root / "train.en").write_text("a\nb\n")
    (files.root / "train.de").write_text("c\nd\n")
    assert list(files.parallel("train.en", "train.de")) == [("a", "c"), ("b", "d")]


@pytest.mark.parametrize(("left", "right"), [(2, 5), (5, 2), (0, 3)])
def test_parallel_texts_of_different_lengths_are_told_with_both_counts(files, left, right):
    (files.root / "train.en").write_text("a\n" * left)
    (files.root / "train.de").write_text("b\n" * right)
    expected = rf"train\.en {left} lines, train\.de {right} lines"
    with pytest.raises(errors.DataError, match=expected):
        list(files.parallel("train.en", "train.de"))


def test_sgml_segments(files):
    (files.root / "dev.sgm").write_text(
        '<refset><doc>\n<seg id="1">Fish &amp; chips </seg>\n<seg id="2">a\nb</seg></doc></refset>'
    )
    assert list(files.sgml_segments("dev.sgm")) == ["Fish & chips", "a b"]
    (files.root / "train.en").write_text("no segments\n")
    with pytest.raises(errors.DataError, match="no <seg> elements"):
        list(files.sgml_segments("train.en"))
