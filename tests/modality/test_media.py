"""What hinders reading: the file itself, or the machine."""

import errno
import os

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import archives
from t2t_mm.modality import media


class Refused:
    def __init__(self, number):
        self.number = number

    def read_bytes(self):
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "is_bad_example"),
    [
        (errno.ENOENT, True),
        (errno.EACCES, True),
        (errno.ELOOP, True),
        (errno.EMFILE, False),
        (errno.ENFILE, False),
        (errno.ENOMEM, False),
        (errno.EIO, False),
        (errno.ENOSPC, False),
        (errno.ESTALE, False),
    ],
)
def test_what_the_machine_hinders_is_no_bad_example(number, is_bad_example):
    with pytest.raises(errors.DataError, match=os.strerror(number)) as raised:
        media.read(Refused(number), "A picture")
    kind = errors.BadExampleError if is_bad_example else errors.MachineError
    assert type(raised.value) is kind


def test_a_file_that_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    packed = testing.tar({"large.png": b"x" * 101, "small.png": b"x" * 100})
    testing.write_files(tmp_path, {"large.png": b"x" * 101, "a.tar": packed})
    part, small = archives.members(tmp_path / "a.tar")
    monkeypatch.setenv("T2T_MM_MAX_FILE_BYTES", "100")
    for large in (tmp_path / "large.png", part):
        with pytest.raises(errors.BadExampleError, match="101 bytes.*100 bytes at most.*T2T_MM_"):
            media.read(large, "A picture")
    assert media.read(small, "A picture") == (str(small), b"x" * 100)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_nobody_writes_to_does_not_hold_up_the_work(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(errors.BadExampleError, match="a pipe, socket or device"):
        media.read(tmp_path / "a.png", "A picture")
