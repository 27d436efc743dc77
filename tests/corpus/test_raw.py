"""Raw files: what a generator reads, packed or not, and what is counted on the way."""

import gzip

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import archives, raw


@pytest.fixture
def files(tmp_path):
    return raw.RawFiles(tmp_path, layout="{train,test}.{en,de}")


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
