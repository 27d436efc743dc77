"""Parts of a corpus: together they are the whole, each line once and with its own number."""

import gzip

import pytest

from t2t_mm import errors
from t2t_mm.corpus import parts, raw


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 64)
    monkeypatch.setattr(parts, "_CHUNK_BYTES", 10)


def _read(files, found, *names):
    """Returns the numbered lines of each part."""
    read = []
    for part in found:
        files.part = part
        read.append(list(files.numbered(*names)))
    return read


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n"])
def test_ranges_of_parallel_texts_are_the_whole_text(tmp_path, end):
    lines = ["ä" * (number % 7) for number in range(90)]
    (tmp_path / "a.de").write_bytes("\n".join(lines).encode() + end.encode())
    others = [f"line {number} of en" for number in range(90)]
    (tmp_path / "a.en").write_bytes("\n".join(others).encode() + end.encode())
    files = raw.RawFiles(tmp_path)
    whole = list(files.numbered("a.de", "a.en"))
    found = parts.of_texts(files, [("a.de", "a.en")])
    read = _read(files, found, "a.de", "a.en")
    assert len(found) > 10
    assert all(read)
    assert [row for rows in read for row in rows] == whole
    assert [number for number, _ in whole] == list(range(len(whole)))


def test_one_long_line_is_one_range(tmp_path):
    (tmp_path / "a").write_text("x" * 1000 + "\nend\n")
    files = raw.RawFiles(tmp_path)
    found = parts.of_texts(files, [("a",)])
    read = _read(files, found, "a")
    assert [row for rows in read for row in rows] == [(0, ("x" * 1000,)), (1, ("end",))]


def test_small_and_compressed_texts_are_not_cut(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("line\n" * 6)  # 30 bytes: two make a part of 64
    (tmp_path / "d.gz").write_bytes(gzip.compress(b"line\n" * 1000))
    files = raw.RawFiles(tmp_path)
    found = parts.of_texts(files, [("a",), ("b",), ("c",), ("d",)])
    assert [[one.names for one in part.ranges] for part in found] == [
        [("a",), ("b",)],
        [("c",)],
        [("d",)],
    ]
    assert [sum(len(list(rows)) for rows in _read(files, found, name)) for name in "abcd"] == [
        6,
        6,
        6,
        1000,
    ]


def test_texts_of_different_lengths_are_not_cut_so_that_reading_them_tells(tmp_path):
    (tmp_path / "a.de").write_text("line\n" * 50)
    (tmp_path / "a.en").write_text("line\n" * 49)
    files = raw.RawFiles(tmp_path)
    (part,) = parts.of_texts(files, [("a.de", "a.en")])
    files.part = part
    with pytest.raises(errors.DataError, match=r"a\.de 50 lines, a\.en 49 lines"):
        list(files.numbered("a.de", "a.en"))


def test_a_text_that_became_shorter_is_named(tmp_path):
    (tmp_path / "a").write_text("line\n" * 50)
    files = raw.RawFiles(tmp_path)
    found = parts.of_texts(files, [("a",)])
    (tmp_path / "a").write_text("line\n" * 45)
    with pytest.raises(errors.DataError, match="shorter while it was read"):
        _read(files, found, "a")


def test_a_missing_text_is_named(tmp_path):
    with pytest.raises(errors.DataError, match="No raw file is named 'a'"):
        parts.of_texts(raw.RawFiles(tmp_path), [("a",)])


def test_shares_are_the_whole(tmp_path):
    files = raw.RawFiles(tmp_path)
    assert list(files.share("abcdefg")) == list("abcdefg")
    taken = []
    for share in range(3):
        files.part = parts.Part(units=7, share=share, shares=3)
        taken.append("".join(files.share("abcdefg")))
    assert taken == ["adg", "be", "cf"]
