"""Files and folders that are whole or not there."""

import errno
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

from t2t_mm import errors
from t2t_mm.files import atomic


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


def test_who_may_wait_for_a_lock_has_it_when_it_is_free(tmp_path):
    path, said, order = tmp_path / ".lock", [], []
    held, told = threading.Event(), threading.Event()

    def hold():
        with atomic.lock(path, "something"):
            held.set()
            told.wait(10)
            order.append("first")

    def hear(line):
        said.append(line)
        told.set()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with atomic.lock(path, "something", waiting=hear):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert said == ["waiting for another process that is at work on something"]
    assert not path.exists()


@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="no /proc here")
def test_a_place_where_no_folder_can_be_made_is_told():
    with (
        pytest.raises(errors.DataError, match=r"Cannot write /proc/.*you may write to"),
        atomic.lock("/proc/no_run_here/.lock", "the run"),
    ):
        pass


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "disk").mkdir()
    for name, target in (("file", "target"), ("dangling", "disk/new")):
        link = tmp_path / name
        link.symlink_to(tmp_path / target)
        (tmp_path / "target").write_text("old")
        atomic.write_text(link, "new")
        assert link.is_symlink()
        assert (tmp_path / target).read_text() == "new"


def test_a_pipe_stays_a_pipe_and_gets_all(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    atomic.write_bytes(pipe, b"x" * 200_000)
    reader.join()
    assert pipe.is_fifo()
    assert got == [b"x" * 200_000]


def test_a_reader_of_a_pipe_that_goes_away_is_one_line(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    with pytest.raises(errors.DataError, match=r"Cannot write .*pipe\. Received: Broken pipe"):
        atomic.write_bytes(pipe, b"x" * 2_000_000)
    reader.join()


def test_standard_output_by_its_path_is_not_replaced(python, tmp_path):
    program = (
        "import sys; from t2t_mm.files import atomic; print('first', flush=True);"
        "atomic.write_text(sys.argv[1], 'second\\n'); print('third')"
    )
    for path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        assert python("-c", program, path).stdout == "first\nsecond\nthird\n"
        with (tmp_path / "out").open("w") as out:
            subprocess.run([sys.executable, "-c", program, path], stdout=out, check=True)
        assert (tmp_path / "out").read_text() == "first\nsecond\nthird\n"


def test_a_device_stays_a_device():
    atomic.write_text("/dev/null", "nothing")
    assert pathlib.Path("/dev/null").is_char_device()


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o600)
    atomic.write_text(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["n" * 250, "ä" * 120, "[*]?\\ \n", os.fsdecode(b"\xff\xfe")])
def test_any_name_will_do(tmp_path, name):
    atomic.write_text(tmp_path / name, "x")
    with atomic.folder(tmp_path / "folder" / name[:100]) as making:
        (making / "y").write_text("z")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [name]
    assert (tmp_path / "folder" / name[:100] / "y").read_text() == "z"


def test_a_folder_that_is_a_link_is_made_where_it_points(tmp_path):
    disk = tmp_path / "disk" / "made"
    disk.mkdir(parents=True)
    (disk / "old").write_text("")
    link = tmp_path / "link"
    link.symlink_to(disk)
    for _ in range(2):
        with atomic.folder(link) as making:
            (making / "new").write_text("")
        assert link.is_symlink()
        assert [p.name for p in disk.iterdir()] == ["new"]
    assert [p.name for p in disk.parent.iterdir()] == ["made"]


def test_a_link_left_over_is_removed_and_not_followed(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / ".a.old").symlink_to(tmp_path / "disk")
    (tmp_path / "a").mkdir()
    atomic.recover(tmp_path / "a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "disk"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ENOMEM])
def test_whatever_the_system_refuses_is_one_line(tmp_path, monkeypatch, number):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(errors.DataError, match=os.strerror(number)):
        atomic.write_bytes(tmp_path / "file", b"new")


def test_what_a_killed_process_left_is_removed(tmp_path):
    code = (
        "import os, pathlib; from t2t_mm.files import atomic\n"
        "atomic.flush = lambda file: os.kill(os.getpid(), 9)\n"
        f"atomic.write_text({str(tmp_path / 'ckpt-5.json')!r}, 'x')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left,) = tmp_path.iterdir()
    other = tmp_path / ".other.01234567.tmp"
    other.touch()
    for path in (left, other):
        os.utime(path, (0, 0))
    atomic.write_text(tmp_path / "ckpt-5.json", "y")
    assert not left.exists() and other.exists()  # in a user's folder it may be somebody else's
    atomic.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ckpt-5.json"]


def test_what_another_process_is_writing_stays(tmp_path):
    temporary = tmp_path / ".ckpt-5.json.01234567.tmp"
    with temporary.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(temporary, (0, 0))
        atomic.remove_leftovers(tmp_path)
        assert temporary.exists()
    new = tmp_path / ".ckpt-6.json.01234567.tmp"
    new.touch()
    atomic.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [new.name]
