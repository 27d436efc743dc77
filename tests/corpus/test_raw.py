"""Raw files: what is read, and what is said of files that are wrong."""

import bz2
import gzip
import lzma

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import archives, raw, texts


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
    for name in ("b.png", "a.png", "._a.png", "c.txt", ".trash/c.png", "d/c.png", "d/.e/f/c.png"):
        (files.root / name).parent.mkdir(parents=True, exist_ok=True)
        (files.root / name).touch()
    assert [path.name for path in files.glob("*.png")] == ["a.png", "b.png"]
    assert files.glob("**/c.png") == files.glob("*/c.png") == [files.root / "d" / "c.png"]
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


def test_texts_in_archives_lie_where_they_would_be_unpacked(files):
    testing.write_files(
        files.root,
        {
            "train.tgz": testing.tar({"europarl/v7.en": "a\nb\n", "x.gz": gzip.compress(b"c\n")},
                                     packing="gz"),
            "below/dev.tar": testing.tar({"./dev/x.en": "d\n", "top.en": "e\n"}),
            "below/top.en": "the file itself\n",
        },
    )  # fmt: skip
    assert list(files.lines("europarl/v7.en")) == ["a", "b"]
    assert list(files.lines("x")) == ["c"]
    assert list(files.lines("below/dev/x.en")) == ["d"]
    assert list(files.lines("below/top.en")) == ["the file itself"]
    assert list(files.used) == ["below/dev.tar", "below/top.en", "train.tgz"]
    assert files.used["train.tgz"] == (files.root / "train.tgz").stat().st_size
    with pytest.raises(errors.DataError, match=r"is named 'dev/x\.en'"):
        list(files.lines("dev/x.en"))


def test_names_of_texts_packed_or_not(files):
    testing.write_files(
        files.root,
        {
            "a.de-en.en": "",
            "deep/down/b.de-en.en.gz": gzip.compress(b""),
            ".hidden/c.de-en.en": "",
            "train.tgz": testing.tar({"t/d.de-en.en": "", "t/._d.de-en.en": "", "d.fr-en.en": ""},
                                     packing="gz"),
        },
    )  # fmt: skip
    plain = ["a.de-en.en", "deep/down/b.de-en.en"]
    assert files.names("*.de-en.en", packed=False) == plain
    assert files.names("*.de-en.en") == [*plain, "t/d.de-en.en"]
    assert files.names("down/*") == ["deep/down/b.de-en.en"]
    assert files.names("*.nothing") == []


def test_an_archive_that_has_been_unpacked_is_passed_over(files, monkeypatch):
    listed = []
    monkeypatch.setattr(archives, "listing", lambda path: listed.append(path) or {})
    packed = testing.tar({"train/a.en": "a\n", "train/b.en": "b\n"}, packing="gz")
    testing.write_files(files.root, {"both.tgz": packed, "train/a.en": "a\n", "train/b.en": "b\n"})
    assert files.names("*.en") == ["train/a.en", "train/b.en"]
    assert listed == []


def test_links_to_folders_are_followed_once(files):
    testing.write_files(files.root / "corpus", {"train/a.en": "a\n"})
    (files.root / "corpus" / "round").symlink_to(files.root / "corpus")
    (files.root / "linked").symlink_to(files.root / "corpus" / "train")
    inner = raw.RawFiles(files.root / "corpus")
    assert inner.names("*.en") == ["train/a.en"]
    assert raw.RawFiles(files.root / "linked").names("*.en") == ["a.en"]


def test_archives_of_other_corpora_are_left_alone(tmp_path):
    testing.write_files(tmp_path, {"other/big.tar": b"no tar at all" * 99, "a.en": "a\n"})
    assert raw.RawFiles.of(tmp_path, "corpus").names("*.en") == ["a.en"]
    with pytest.raises(errors.DataError, match=r"other/big\.tar is not a whole tar"):
        raw.RawFiles.of(tmp_path, "").names("*.en")


def test_pictures_in_an_archive(files):
    packed = testing.tar({"n01/a.JPEG": b"a", "n02/b.JPEG": b"b"})
    (files.root / "train.tar").write_bytes(packed)
    found = [(part.parent.name, part.read_bytes()) for part in files.members("train.tar")]
    assert found == [("n01", b"a"), ("n02", b"b")]
    assert files.used == {"train.tar": len(packed)}
    with pytest.raises(errors.DataError, match=r"Did you mean 'train\.tar'"):
        next(files.members("trian.tar"))


def test_examples_that_are_left_out_are_counted(files):
    for reason in ("too long", "empty", "too long"):
        files.skip(reason)
    assert files.skipped == {"empty": 1, "too long": 2}


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


def test_capitals_in_names_are_no_other_names(files):
    texts = {
        "A.DE-EN.DE": "x\n",
        "below/B.CSV.GZ": gzip.compress(b"y\n"),
        "C.FLAC": "",
        "d.flac": "",
    }
    testing.write_files(files.root, texts)
    assert list(files.lines("a.de-en.de")) == ["x"]
    assert list(files.lines("below/b.csv")) == ["y"]
    assert files.names("*.de-en.de") == ["A.DE-EN.DE"]
    found = files.glob("*", endings=(".flac",))
    assert [path.name for path in found] == ["C.FLAC", "d.flac"]
    with pytest.raises(errors.DataError, match=r"matches '\*\.wav'"):
        files.glob("*", endings=(".wav",))
    testing.write_files(files.root, {"a.de-en.de": "the very name\n"})
    assert list(files.lines("a.de-en.de")) == ["the very name"]
