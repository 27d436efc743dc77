"""Lines of pipes come when they pause; those of files in full chunks."""

import io
import os
import threading
import time

import pytest

from t2t_mm import errors
from t2t_mm.decoding import lines


@pytest.fixture
def pipe():
    """The two ends of a pipe: a file to read, and a function that writes."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        yield source, sink


@pytest.mark.parametrize(
    "text", [b"", b"a\n", b"a", b"a\nb\n\nc", b"\n\n\n", b"x" * 200_000 + b"\ny\n"]
)
def test_lines_are_those_that_python_reads(text, tmp_path):
    (tmp_path / "in").write_bytes(text)
    with (tmp_path / "in").open("rb") as file:
        wanted = list(file)
        file.seek(0)
        found = list(lines.chunks(file, "in", 2))
    assert [line for chunk in found for line in chunk] == wanted
    assert all(len(chunk) == 2 for chunk in found[:-1])
    assert list(lines.chunks(io.BytesIO(text), "in", 2)) == found


def test_a_pipe_that_pauses_is_answered(pipe):
    source, sink = pipe
    chunks = lines.chunks(source, "pipe", 100)
    for text in (b"one\n", b"two\nthree\n"):
        sink.write(text)
        assert b"".join(next(chunks)) == text  # the pipe is still open
    sink.write(b"half")
    sink.write(b" a line\nand the last")
    assert next(chunks) == [b"half a line\n"]
    sink.close()
    assert next(chunks) == [b"and the last"]
    assert next(chunks, None) is None


def test_a_pipe_that_never_pauses_is_answered_before_its_chunk_is_full(pipe, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(lines, "PAUSE_S", 5.0)  # a busy machine may pause between two lines
    source, sink = pipe
    stop = threading.Event()

    def write():
        while not stop.is_set():
            sink.write(b"line\n")
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert 1 < len(next(lines.chunks(source, "pipe", 10_000))) < 5_000
    finally:
        stop.set()
        writer.join()


def test_many_lines_at_once_fill_their_chunks(pipe):
    source, sink = pipe
    sink.write(b"line\n" * 1_000)
    sink.close()
    assert [len(chunk) for chunk in lines.chunks(source, "pipe", 400)] == [400, 400, 200]


def test_a_line_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 100_000)
    with pytest.raises(errors.DataError, match="in is no list of inputs.*100,000 bytes"):
        list(lines.chunks(io.BytesIO(b"x" * 300_000), "in", 2))
