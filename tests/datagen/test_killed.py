"""Data generation that is killed, or runs into a full disk, at any moment."""

import contextlib
import errno
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from t2t_mm import errors
from t2t_mm.data import manifest
from t2t_mm.datagen import generate
from t2t_mm.files import atomic

HERE = pathlib.Path(__file__).parent
COMMAND = [sys.executable, "-c", "from t2t_mm.bin import datagen; raise SystemExit(datagen.main())"]
SECONDS = 60


@pytest.mark.parametrize("mode", ["kill", pytest.param("full", marks=pytest.mark.slow)])
def test_ended_at_every_file_operation(python, tmp_path, mode):
    done = python(HERE / "crash_everywhere.py", mode, tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def _until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def _children(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def _alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@pytest.fixture
def slow(toys, toy_raw, tmp_path):
    """A function that starts the slow toy problem on 2 workers, and waits until both write."""
    started = []
    data = tmp_path / "data"
    at_work = tmp_path / "at_work"
    at_work.mkdir()

    def start():
        flags = ["--problem=toy_slow", f"--data_dir={data}", f"--manual_dir={toy_raw.parent}"]
        process = subprocess.Popen(
            [*COMMAND, *flags, "--workers=2", f"--usr_dir={toys}"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TOY_AT_WORK": str(at_work)},
            preexec_fn=_heed_interrupts,
        )
        started.append(process)
        _until(lambda: process.poll() is not None or len(list(at_work.iterdir())) == 2)
        assert process.poll() is None, process.communicate()[1]
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not pathlib.Path("/proc/self/stat").exists(), reason="reads /proc")
def test_killed_while_workers_write(slow, toy_raw, tmp_path, hashes):
    process = slow()
    children = _children(process.pid)
    assert len(children) >= 2
    process.kill()
    process.wait()
    _until(lambda: not any(_alive(child) for child in children))
    data = tmp_path / "data"
    with pytest.raises(errors.DataError, match="not been generated"):
        manifest.Manifest.load(data, "toy_slow", "1.0.0")
    for folder in (data, tmp_path / "other"):
        generate.generate("toy_slow", folder, manual_dir=toy_raw.parent, workers=1)
    assert hashes(data) == hashes(tmp_path / "other")


def _heed_interrupts():
    """Undoes what a shell does to background jobs, whose children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupted(slow, tmp_path):
    process = slow()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(not pathlib.Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_worker_that_dies(slow, tmp_path):
    process = slow()
    for child in _children(process.pid):
        if "spawn_main" in pathlib.Path(f"/proc/{child}/cmdline").read_text():
            os.kill(child, signal.SIGKILL)
            break  # the others are ended because of it, and may be gone already
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert "A worker process died" in said
    assert not (tmp_path / "data").exists()


@pytest.fixture
def full_at(monkeypatch):
    """A function: within the block, the given flush to the disk fails, and all after it."""

    @contextlib.contextmanager
    def at(moment):
        flushed = 0

        def flush(file):
            nonlocal flushed
            flushed += 1
            if flushed >= moment:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(atomic, "flush", flush)
            yield

    return at


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_a_disk_full_while_records_are_written(toys, toy_raw, tmp_path, hashes, full_at, moment):
    options = {"data_dir": tmp_path / "data", "manual_dir": toy_raw.parent, "workers": 1}
    generate.generate("toy_text", **options)
    before = hashes(tmp_path / "data")
    with full_at(moment), pytest.raises(errors.DataError, match="The disk is full.*MiB free"):
        generate.generate("toy_text", **options, seed=1, overwrite=True)
    assert hashes(tmp_path / "data") == before


def test_a_disk_full_while_the_vocabulary_is_written(toys, toy_raw, tmp_path, full_at):
    options = {"data_dir": tmp_path / "data", "manual_dir": toy_raw.parent, "workers": 1}
    generate.generate("toy_text", **options)
    with full_at(5), pytest.raises(errors.DataError, match="The disk is full"):
        generate.generate("toy_text", **options, seed=1, overwrite=True)
    answer = generate.generate("toy_text", **options, seed=1)
    assert answer["problems"]["toy_text"]["status"] == "unchanged"
    generate.generate("toy_text", **options, verify=True)
