"""Sizes and hashes of files, and what they tell of damage."""

import hashlib

from t2t_mm.files import content


def test_a_file_is_compared_with_what_it_was(tmp_path):
    path = tmp_path / "part"
    assert content.damage(path, 3, name="ckpt-1") == "ckpt-1 is missing"
    path.write_bytes(b"x" * 1_234)
    whole = hashlib.sha256(b"x" * 1_234).hexdigest()
    assert content.sha256(path) == whole
    assert content.damage(path, 1_234, whole) == ""
    assert content.damage(path, 5_678) == f"{path} has 1,234 bytes instead of 5,678"
    path.write_bytes(b"y" * 1_234)
    assert content.damage(path, 1_234) == ""
    assert "has changed since it was written" in content.damage(path, 1_234, whole)
    assert content.damage(tmp_path, 4_096) == f"{tmp_path} is missing"


def test_sizes_in_words():
    assert content.mebibytes(3 * 2**30) == "3,072 MiB"
