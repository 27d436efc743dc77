"""Two hundred faults at random: nothing half is taken, every one has a name.

python -m pytest -m slow -n0 tests/downloads/test_faults.py -s
"""

import collections
import dataclasses
import errno
import hashlib
import pathlib
import random
import re
import shutil
import types

import pytest

from t2t_mm import errors
from t2t_mm.downloads import fetch
from t2t_mm.downloads.declaration import Download
from tests.downloads.conftest import QUICK

COUNT = 200
SEED = 17
WORDS = {
    "status 404": "status 404",
    "status 410": "status 410",
    "status 403": "status 403",
    "status 500": "status 500",
    "status 503": "status 503",
    "status 429": "status 429",
    "page": "web page",
    "broken": "broke off|cut short|kept",
    "chunks": "broke off",
    "cut": "bytes there, not|does not tell",
    "long": "longer than",
    "wrong": "another file",
    "redirect": "redirects more than",
    "redirect ftp://localhost/x": "no web address",
    "redirect http://nowhere.invalid/x": "does not resolve",
    "stall": "stalled",
    "trickle": "stalled",
    "elsewhere": "another part|broke off|cut short",
    "unsatisfied": "no such part|status 416",
    "strange": "coding that is not known",
    "reset": "broke off",
    "garbage": "broke off|Error",
    "unsized": "cut short|does not tell|broke off",
    # Of this machine, not of the server:
    "full": "disk is full",
    "no room": "no room",
    "denied": "Cannot write",
    "dead host": "refuses connections",
    "no name": "does not resolve",
    "no certificate": "certificate|encrypted",
}


@pytest.mark.slow
def test_two_hundred_faults(server, secure_server, tmp_path, said, monkeypatch):
    draw = random.Random(SEED)
    seen = collections.Counter()
    for number in range(COUNT):
        content = draw.randbytes(draw.randrange(2_000, 60_000))
        folder = tmp_path / f"corpus{number}"
        download = server.put("a.bin", content)
        kind = draw.choice(list(WORDS))
        if draw.random() < 0.2 and kind != "wrong":  # which only a hash can tell
            download = dataclasses.replace(download, sha256="")
        # Some faults come after others that pass, or fall on what an earlier call has left.
        before = draw.choice([[], ["broken"], ["reset", "broken"]])
        with monkeypatch.context() as patch:
            asked = _prepare(kind, download, folder, server, secure_server, patch)
            server.faults = [*before, *[kind] * 40] if asked is download else []
            message = _message(asked, folder, said)
        assert re.search(WORDS[kind], message), (number, kind, message)
        assert "\n" not in message
        assert "a.bin" in message
        assert not (folder / "a.bin").exists(), (number, kind)
        seen[kind] += 1
        server.faults = []
        _mend(folder)
        fetch.fetch({folder: [download]}, said, patience=QUICK, allow_unverified=True)
        assert (folder / "a.bin").read_bytes() == content, (number, kind)
        assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "checksums.json"]
        shutil.rmtree(folder)
    assert sum(seen.values()) == COUNT
    assert set(seen) == set(WORDS)
    for kind, count in sorted(seen.items()):
        print(f"{count:4} {kind}")


def _message(download, folder, said):
    with pytest.raises(errors.UserError) as caught:
        fetch.fetch({folder: [download]}, said, patience=QUICK, allow_unverified=True)
    return str(caught.value)


def _prepare(kind, download, folder, server, secure_server, patch):
    """Sets up the faults of this machine; returns the download to ask for."""
    content = server.files["/a.bin"]
    if kind == "full":
        write = pathlib.Path.open

        def opened(path, mode="r", *args, **options):
            file = write(path, mode, *args, **options)
            return _Full(file) if path.name == ".a.bin.part" and mode != "rb" else file

        patch.setattr(pathlib.Path, "open", opened)
    elif kind == "no room":
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=100))
    elif kind == "denied":
        (folder / ".a.bin.part").mkdir(parents=True)
    elif kind == "dead host":
        return dataclasses.replace(download, url="http://127.0.0.1:9/a.bin")
    elif kind == "no name":
        return dataclasses.replace(download, url="http://nowhere.invalid/a.bin")
    elif kind == "no certificate":
        patch.delenv("REQUESTS_CA_BUNDLE")
        secure_server.files["/a.bin"] = content
        sha256 = hashlib.sha256(content).hexdigest()
        return Download(secure_server.url("a.bin"), len(content), sha256)
    else:
        return download
    return dataclasses.replace(download)


class _Full:
    """A file on a disk that becomes full."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name):
        return getattr(self.file, name)


def _mend(folder):
    part = folder / ".a.bin.part"
    if part.is_dir():
        part.rmdir()
