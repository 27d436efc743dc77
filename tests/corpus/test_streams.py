"""What a file is by its first bytes, and its content unpacked."""

import bz2
import gzip
import io
import lzma

import pytest

from t2t_mm import testing
from t2t_mm.corpus import streams

PACK = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize(
    ("start", "seen"),
    [
        (b"", "an empty file"),
        (b"\n <!DOCTYPE HTML PUBLIC", "a web page, as a failed download leaves one"),
        (b'<?xml version="1.0"?>', "a web page, as a failed download leaves one"),
        (b"PK\x03\x04", "a zip archive"),
        (b"%PDF-1.7", "a PDF file"),
        (gzip.compress(b"x", mtime=0), "a gzip file"),
        (bz2.compress(b"x"), "a bzip2 file"),
        (lzma.compress(b"x"), "a xz file"),
        (testing.tar({"x": "x"})[:512], "a tar archive"),
        (b"Hello, world", "a file that begins with b'Hello, world'"),
    ],
)
def test_files_are_known_by_their_beginning(start, seen):
    assert streams.describe(start) == seen


@pytest.mark.parametrize("how", PACK)
def test_unpacked_streams(how):
    content = b"line\n" * 50_000
    beneath = io.BytesIO(PACK[how](content))
    with streams.unpack(beneath, how) as stream:
        assert stream.readline() == b"line\n"
        stream.seek(4 * 5 * 10_000)
        assert stream.read() == content[4 * 5 * 10_000 :]
    assert beneath.closed


def test_what_is_not_packed_is_the_stream_itself():
    beneath = io.BytesIO(b"x")
    assert streams.unpack(beneath, None) is beneath


@pytest.mark.parametrize("how", PACK)
def test_damage_raises_one_of_the_failures(how):
    packed = PACK[how](bytes(range(256)) * 400)
    for damaged in (packed[:-20], b"<html>", packed[:3]):
        with pytest.raises(streams.FAILURES), streams.unpack(io.BytesIO(damaged), how) as stream:
            stream.read()


def test_a_slice_ends_where_it_should_or_says_so():
    beneath = io.BytesIO(b"0123456789")
    beneath.seek(2)
    with io.BufferedReader(streams.Slice(beneath, 5)) as stream:
        assert stream.read() == b"23456"
    assert beneath.closed
    short = io.BufferedReader(streams.Slice(io.BytesIO(b"012"), 5))
    with pytest.raises(EOFError, match="2 bytes are missing"):
        short.read()


def test_the_error_names_file_place_and_what_was_seen(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(b"<html>")
    error = streams.failure(path, EOFError("too early"), wanted="gzip file", where="after line 3")
    assert str(error) == (
        f"{path} is not a whole gzip file (after line 3). Received: a web page, as a failed "
        "download leaves one (too early). Expected: a gzip file. Get the file again."
    )
    error = streams.failure(
        path, PermissionError(13, "No"), wanted="text file", layout="the layout"
    )
    assert str(error) == f"{path} cannot be read. Received: No. Expected: the layout."
