"""What is known of files that were downloaded, without a server."""

import dataclasses
import hashlib

import pytest

from t2t_mm import errors
from t2t_mm.downloads import checksums, declaration

URL = "https://example.org/a.txt"


@pytest.mark.parametrize("known", ["sha256", "md5"])
def test_a_declaration_that_has_changed_is_compared_with_the_file(tmp_path, known):
    (tmp_path / "a.txt").write_bytes(b"abc")
    digest = hashlib.new(known, b"abc").hexdigest()
    download = declaration.Download(URL, 3, **{known: digest})
    checksums.Checksums(tmp_path).check(download)
    checksums.Checksums(tmp_path).check(download)
    for changes in ({"size": 4}, {"size": 4, "sha256": "0" * 64}):
        with pytest.raises(errors.DataError, match="is not the file that is to be downloaded"):
            checksums.Checksums(tmp_path).check(dataclasses.replace(download, **changes))
