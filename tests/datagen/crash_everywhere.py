"""Generates data again and again, ended at every single file operation in turn.

Run by test_killed.py in a process of its own, which has not imported TensorFlow
and may therefore fork. Usage: crash_everywhere.py MODE FOLDER, where MODE is
`kill` (the process ends as by kill -9) or `full` (the disk is full from there on).
"""

import errno
import os
import pathlib
import shutil
import sys
import traceback

from t2t_mm import errors, plugins
from t2t_mm.data import manifest
from t2t_mm.datagen import generate

EVENTS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
TOYS = pathlib.Path(__file__).parent / "toys"
OPTIONS = {"workers": 1, "max_examples": 1, "vocabulary_size": 300}


def run(data, seed, *, overwrite=False):
    return generate.generate(
        "toy_text", data, source="sample", sample_size=4, seed=seed, overwrite=overwrite, **OPTIONS
    )


def content(data):
    files = (p for p in sorted(data.rglob("*")) if p.is_file())
    return {str(p.relative_to(data)): p.read_bytes() for p in files}


def records(data):
    return {name: of for name, of in content(data).items() if name.startswith("toy_text/")}


def in_child(work):
    """Runs `work` in a forked process and returns its exit code."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            code = work()
        except errors.DataError as error:
            code = 2 if "disk is full" in str(error) else 4
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ended_at(number, mode, data, seed, *, overwrite):
    """Generates until the given file operation below `data`, and there ends or fails."""
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        writes = event == "open" and len(arguments) > 2 and (arguments[2] or 0) & os.O_ACCMODE
        if not (event in EVENTS or writes) or str(data) not in str(arguments[0]):
            return
        seen += 1
        if seen < number:
            return
        if mode == "kill":
            os._exit(9)
        if writes or event == "os.mkdir":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))

    def work():
        sys.addaudithook(hook)
        run(data, seed, overwrite=overwrite)
        return 0

    return in_child(work)


def check(condition, *words):
    if not condition:
        print(*words, file=sys.stderr)
        raise SystemExit(1)


def main(mode, folder):
    plugins.load_all(TOYS)
    os.fsync = lambda descriptor: None  # a process that is killed loses nothing; this saves time
    wanted = {}
    for seed in (0, 1):
        run(folder / f"wanted{seed}", seed)
        wanted[seed] = content(folder / f"wanted{seed}")
    ends = 0
    for overwrite in (False, True):
        number = 0
        while True:
            number += 1
            data = folder / "data"
            if overwrite:
                shutil.copytree(folder / "wanted0", data)
            code = ended_at(number, mode, data, 1, overwrite=overwrite)
            place = f"{mode} at operation {number}, overwrite {overwrite}"
            check(code in (0, 2, 9), place, "gave", code)
            there = records(data) if data.exists() else {}
            old = {n: b for n, b in wanted[0].items() if n.startswith("toy_text/")}
            new = {n: b for n, b in wanted[1].items() if n.startswith("toy_text/")}
            plain = {n: b for n, b in there.items() if "/." not in n}
            if mode == "full" and code:
                check(there in ({}, old, new), place, "left", sorted(there))
            manifested = (data / "toy_text" / "1.0.0" / manifest.FILE).exists()
            if manifested:
                check(plain in (old, new), place, "published", sorted(plain))
            run(data, 1, overwrite=overwrite)
            left = {n: b for n, b in content(data).items() if "seed0" not in n}
            check(
                left.keys() == wanted[1].keys(), place, "left over", left.keys() ^ wanted[1].keys()
            )
            check(left == wanted[1], place, "made other bytes")
            shutil.rmtree(data)
            if code == 0:
                break
            ends += 1
    print(ends)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
