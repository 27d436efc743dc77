"""What hinders reading: the file itself, or the machine."""

import errno
import os

import pytest

from t2t_mm import errors
from t2t_mm.modality import media


class Refused:
    def __init__(self, number):
        self.number = number

    def read_bytes(self):
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "is_bad_example"),
    [(errno.ENOENT, True), (errno.EMFILE, False), (errno.ENFILE, False), (errno.ENOMEM, False)],
)
def test_too_many_open_files_is_no_bad_example(number, is_bad_example):
    with pytest.raises(errors.DataError, match=os.strerror(number)) as raised:
        media.read(Refused(number), "A picture")
    assert isinstance(raised.value, errors.BadExampleError) is is_bad_example
