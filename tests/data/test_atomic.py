"""Files and folders that are whole or not there."""

import errno
import json
import os
import pathlib

import pytest

from t2t_mm import errors
from t2t_mm.data import atomic


def test_files_are_written_and_replaced(tmp_path):
    path = tmp_path / "new" / "file.json"
    atomic.write_json(path, {"a": "ä"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "ä"}
    atomic.write_text(path, "ö")
    assert path.read_bytes() == "ö".encode()
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    atomic.write_bytes(path, b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.DataError, match=r"The disk is full.*file.*MiB free"):
        atomic.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.DataError, match="Cannot write"):
        atomic.write_bytes(tmp_path / "file" / "below", b"")


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with atomic.folder(tmp_path / "a") as making:
        (making / "x").write_text("1")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a" / "x").read_text() == "1"
    with atomic.folder(tmp_path / "a") as making:
        (making / "y").write_text("2")
        assert (tmp_path / "a" / "x").exists()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["y"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_fails_leaves_the_old_one(tmp_path):
    with atomic.folder(tmp_path / "a") as making:
        (making / "x").write_text("1")
    with pytest.raises(KeyboardInterrupt), atomic.folder(tmp_path / "a") as making:
        (making / "y").write_text("2")
        raise KeyboardInterrupt
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"making"}, None),
        ({"a", "making"}, "a"),
        ({"a", "making", "done"}, "a"),
        ({"old", "making", "done"}, "making"),
        ({"a", "old", "done"}, "a"),
        ({"a", "old"}, "a"),
        ({"old"}, "old"),
    ],
)
def test_a_killed_process_is_tidied_up_after(tmp_path, there, expected):
    for name in there - {"done"}:
        folder = tmp_path / ("a" if name == "a" else f".a.{name}")
        folder.mkdir()
        (folder / name).touch()
    if "done" in there:
        (tmp_path / ".a.done").touch()
    assert atomic.unfinished(tmp_path) == [tmp_path / "a"]
    atomic.recover(tmp_path / "a")
    assert atomic.unfinished(tmp_path) == []
    assert [p.name for p in tmp_path.iterdir()] == (["a"] if expected else [])
    if expected:
        assert [p.name for p in (tmp_path / "a").iterdir()] == [expected]


def test_a_lock_is_held_by_one(tmp_path):
    path = tmp_path / "new" / "folder" / ".lock"
    with (
        atomic.lock(path, "something"),
        pytest.raises(errors.DataError, match="Another process is at work on something"),
        atomic.lock(path, "something"),
    ):
        pass
    assert not (tmp_path / "new").exists()
    with atomic.lock(path, "something"):
        (path.parent / "result").touch()
    assert [p.name for p in path.parent.iterdir()] == ["result"]


@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="no /proc here")
def test_a_place_where_no_folder_can_be_made_is_told():
    with (
        pytest.raises(errors.DataError, match=r"Cannot write /proc/.*you may write to"),
        atomic.lock("/proc/no_run_here/.lock", "the run"),
    ):
        pass
