"""Files come whole or not at all, and each fault has a name."""

import dataclasses
import gzip
import hashlib
import json
import os
import random
import shutil
import threading
import time
import types

import pytest

from t2t_mm import errors
from t2t_mm.downloads import checksums, control, fetch
from t2t_mm.downloads.declaration import Download
from tests.downloads.conftest import QUICK

CONTENT = random.Random(1).randbytes(100_000)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "corpora" / "toy"


@pytest.fixture
def bring(folder, said):
    def bring(*downloads, **options):
        fetch.fetch({folder: downloads}, said, patience=QUICK, **options)

    return bring


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_files_come_with_their_checksums_and_are_not_read_again(server, bring, folder):
    first, second = server.put("a.bin", CONTENT), server.put("b.bin", b"two")
    second = dataclasses.replace(second, path="data/b.bin")
    bring(first, second, first)  # problems of one corpus declare the same files
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert (folder / "data/b.bin").read_bytes() == b"two"
    assert names(folder) == ["a.bin", "b.bin", "checksums.json"]
    about = json.loads((folder / "checksums.json").read_text())["files"]["a.bin"]
    assert (about["size"], about["sha256"]) == (100_000, hashlib.sha256(CONTENT).hexdigest())
    assert about["verified"]
    count = len(server.requests)
    assert count == 2
    bring(first, second)
    assert len(server.requests) == count


@pytest.mark.parametrize(
    "fault",
    ["status 503", "status 500", "broken", "stall", "reset", "garbage", "chunks", "unsatisfied"]
    + ["elsewhere", "trickle"],
)
def test_a_fault_that_passes_is_told_and_tried_again(fault, server, bring, folder, said):
    download = server.put("a.bin", CONTENT)
    server.faults = [fault]
    bring(download)
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert [line for line in said.lines if "trying again" in line and "a.bin" in line]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("status 404", "status 404, there is no such file"),
        ("status 403", "access is denied"),
        ("page", "web page"),
        ("cut", "has 50,000 bytes there, not 100,000"),
        ("long", "longer than the declared 100,000 bytes"),
        ("wrong", "another file (sha256"),
        ("strange", "'rot13'"),
        ("redirect", "redirects more than 8 times"),
        ("redirect ftp://localhost/a.bin", "no web address"),
    ],
)
def test_a_fault_that_stays_is_one_line_and_leaves_nothing(fault, words, server, bring, folder):
    download = server.put("a.bin", CONTENT)
    server.faults = [fault] * 20
    with pytest.raises(errors.DataError) as caught:
        bring(download)
    message = str(caught.value)
    assert words in message
    assert server.url("a.bin") in message
    assert "\n" not in message
    assert not (folder / "a.bin").exists()
    server.faults = []
    bring(download)
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert names(folder) == ["a.bin", "checksums.json"]


def test_a_broken_file_goes_on_from_where_it_broke(server, bring, folder):
    download = server.put("a.bin", CONTENT)
    server.faults = ["broken"] + ["status 404"]
    with pytest.raises(errors.DataError, match="50,000 bytes are kept"):
        bring(download)
    assert names(folder) == [".a.bin.part", ".a.bin.part.json"]
    bring(download)
    assert (folder / "a.bin").read_bytes() == CONTENT
    headers = server.requests[-1][1]
    assert headers["Range"] == "bytes=50000-"
    assert headers["If-Range"].startswith('"')


def test_a_server_without_ranges_begins_anew(server, bring, folder):
    download = server.put("a.bin", CONTENT)
    server.faults = ["broken", "whole"]
    bring(download)
    assert (folder / "a.bin").read_bytes() == CONTENT


def test_a_file_that_changed_between_two_tries_is_not_joined(server, bring, folder):
    old = server.put("a.bin", CONTENT)
    server.faults = ["broken", "status 404"]
    with pytest.raises(errors.DataError):
        bring(old)
    new = CONTENT[::-1]
    declared = server.put("a.bin", new)
    bring(declared)
    assert (folder / "a.bin").read_bytes() == new
    # Without validators only the hash can tell; then it begins anew.
    (folder / "a.bin").rename(folder / ".a.bin.part")
    (folder / "checksums.json").unlink()
    with (folder / ".a.bin.part").open("r+b") as file:
        file.write(b"other")
        file.truncate(10_000)
    bring(declared)
    assert (folder / "a.bin").read_bytes() == new


def test_transport_codings_are_undone_but_packed_files_stay(server, bring, folder):
    packed = gzip.compress(CONTENT)
    files = [server.put("a.txt", CONTENT), server.put("b.txt.gz", packed)]
    server.faults = ["coded"]
    bring(files[0])
    server.faults = ["mislabelled"]
    bring(files[1])
    assert (folder / "a.txt").read_bytes() == CONTENT
    assert (folder / "b.txt.gz").read_bytes() == packed
    unverified = Download(server.url("b.txt.gz"), path="c.txt.gz")
    server.faults = ["mislabelled"]
    bring(unverified, allow_unverified=True)
    assert (folder / "c.txt.gz").read_bytes() == packed


def test_mirrors_are_tried_in_turn_and_all_are_named(server, bring, folder):
    server.put("good.bin", CONTENT)
    bad = server.url("gone.bin")
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    dead = "http://127.0.0.1:9/a.bin"
    download = Download(dead, sha256=sha256, mirrors=(bad, server.url("good.bin")))
    bring(download)
    assert (folder / "a.bin").read_bytes() == CONTENT
    with pytest.raises(errors.DataError, match="refuses connections.*gone.bin: status 404"):
        bring(Download(dead, sha256=sha256, path="b.bin", mirrors=(bad,)))


def test_a_name_that_does_not_resolve(bring):
    with pytest.raises(errors.DataError, match="does not resolve"):
        bring(Download("http://nowhere.invalid/a.bin", 3, "0" * 64))


def test_a_proxy_that_is_dead_is_named(server, bring, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(errors.DataError, match="proxy"):
        bring(Download("http://corpora.example/a.bin", 3, "0" * 64))


def test_https_is_not_left_for_http(server, secure_server, bring, folder, monkeypatch):
    download = secure_server.put("a.bin", CONTENT)
    server.put("a.bin", CONTENT)
    secure_server.faults = [f"redirect {server.url('a.bin')}"]
    with pytest.raises(errors.DataError, match="redirects to plain http"):
        bring(download)
    assert not server.requests
    bring(download)
    assert (folder / "a.bin").read_bytes() == CONTENT
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(errors.DataError, match="certificate"):
        bring(dataclasses.replace(download, path="b.bin"))


def test_a_file_without_a_hash_is_only_taken_when_allowed(server, bring, folder):
    server.put("a.zip", b"PK\x03\x04" + CONTENT)
    download = Download(server.url("a.zip"))
    with pytest.raises(errors.DataError, match="No hash is published.*--allow_unverified"):
        bring(download)
    assert not server.requests
    server.faults = ["unsized"]
    with pytest.raises(errors.DataError, match="does not tell the size"):
        bring(download, allow_unverified=True)
    server.faults = ["wrong"]
    with pytest.raises(errors.DataError, match="not a zip archive"):
        bring(download, allow_unverified=True)
    bring(download, allow_unverified=True)
    about = json.loads((folder / "checksums.json").read_text())["files"]["a.zip"]
    assert not about["verified"]
    bring(download)  # its hash is known now
    (folder / "a.zip").unlink()
    server.put("a.zip", b"PK\x03\x04" + CONTENT[::-1])
    with pytest.raises(errors.DataError, match="another file"):
        bring(download)


def test_an_md5_is_compared_too(server, bring, folder):
    server.put("a.bin", CONTENT)
    digest = hashlib.md5(CONTENT).hexdigest()
    bring(Download(server.url("a.bin"), md5=digest))
    with pytest.raises(errors.DataError, match="another file \\(md5"):
        bring(Download(server.url("a.bin"), md5=digest[::-1], path="b.bin"))


def test_offline_opens_no_connection_and_says_what_to_place(server, bring, folder, said):
    download = server.put("a.bin", CONTENT)
    with pytest.raises(errors.DataError, match="1 file of the corpus is not there"):
        bring(download, offline=True)
    (line,) = said.lines
    for word in (str(folder / "a.bin"), "100,000 bytes", download.sha256, download.url):
        assert word in line
    assert not server.requests
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(CONTENT)
    bring(download, offline=True)
    assert not server.requests


def test_a_file_that_is_another_one_is_left_where_it_is(server, bring, folder):
    download = server.put("a.bin", CONTENT)
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"mine")
    with pytest.raises(errors.DataError, match=r"4 bytes.*Remove it, to download it anew"):
        bring(download)
    assert (folder / "a.bin").read_bytes() == b"mine"


def test_a_disk_without_room_is_seen_first(server, bring, monkeypatch):
    download = server.put("a.bin", CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=99_999))
    with pytest.raises(errors.DataError, match="no room"):
        bring(download)
    assert not server.requests
    server.put("b.bin", CONTENT)  # whose size is only known by its answer
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(errors.DataError, match="no room"):
        bring(Download(server.url("b.bin"), sha256=sha256))


def test_a_disk_that_fills(server, bring, folder):
    download = server.put("a.bin", CONTENT)
    folder.mkdir(parents=True)
    (folder / ".a.bin.part").symlink_to("/dev/full")
    with pytest.raises(errors.DataError, match="The disk is full"):
        bring(download)
    assert not (folder / "a.bin").exists()


def test_a_folder_that_cannot_be_written(server, bring, folder):
    download = server.put("a.bin", CONTENT)
    folder.mkdir(parents=True)
    (folder / ".a.bin.part").mkdir()
    with pytest.raises(errors.DataError, match="Cannot write"):
        bring(download)


def test_a_second_process_waits_and_finds_what_the_first_brought(server, bring, folder, said):
    download = server.put("a.bin", CONTENT)
    threads = [threading.Thread(target=bring, args=(download,)) for _ in range(2)]
    server.faults = ["stall"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert len(server.requests) == 2  # one that stalled, one that went on: none of the second
    assert [line for line in said.lines if "waiting for another process" in line]


def test_the_first_failure_stops_the_others_and_keeps_what_came(server, folder, said):
    slow, bad = server.put("slow.bin", CONTENT), server.put("bad.bin", b"bad")
    server.faults_of = {"/slow.bin": ["stall"], "/bad.bin": ["late"]}
    patience = control.Patience(tries=1, read_s=30.0)
    began = time.monotonic()
    with pytest.raises(errors.DataError, match="bad.bin"):
        fetch.fetch({folder: [slow, bad]}, said, patience=patience)
    assert time.monotonic() - began < 4  # it neither waits for 30 s nor for the server's 5
    assert ".slow.bin.part" in names(folder)
    assert not (folder / "bad.bin").exists()


def test_checksums_that_are_damaged(bring, folder, server):
    folder.mkdir(parents=True)
    (folder / "checksums.json").write_text('{"files": {"a": {"size": -1}}}')
    with pytest.raises(errors.DataError, match="checksums.json is damaged"):
        bring(server.put("a.bin", CONTENT))


def test_a_changed_file_is_hashed_again(server, bring, folder):
    download = server.put("a.bin", CONTENT)
    bring(download)
    path = folder / "a.bin"
    os.utime(path, ns=(1, 1))
    checksums.Checksums(folder).check(download)
    assert json.loads((folder / "checksums.json").read_text())["files"]["a.bin"]["mtime_ns"] == 1
    path.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    with pytest.raises(errors.DataError, match="sha256"):
        checksums.Checksums(folder).check(download)
