"""Folders at s3:// URLs, against a local S3 server that fails in many ways."""

# ruff: noqa: F401, F811 (fixtures are imported)

import collections
import hashlib
import json
import random

import pytest

from t2t_mm import errors
from t2t_mm.files import mirrors, paths
from tests.files import faulty_s3
from tests.files.faulty_s3 import machine, proxy, s3

FILES = ("train-0.tfrecord", "train-1.tfrecord", "test-0.tfrecord")


def _write(folder, version):
    """Writes data of a version, its manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {name: f"{name} of {version} ".encode() * 200 for name in FILES}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    (folder / "manifest.json").write_text(json.dumps({"version": version, "files": hashes}))


def _version(files):
    """Returns the version of data that is whole, "" where none counts; raises for half data."""
    if "manifest.json" not in files:
        return ""
    told = json.loads(files["manifest.json"])
    for name, digest in told["files"].items():
        assert hashlib.sha256(files[name]).hexdigest() == digest, name
    return told["version"]


def _there(s3):
    found = s3.client.list_objects_v2(Bucket=faulty_s3.BUCKET).get("Contents", [])
    return {
        entry["Key"].rpartition("/")[2]: s3.client.get_object(
            Bucket=faulty_s3.BUCKET, Key=entry["Key"]
        )["Body"].read()
        for entry in found
    }


def _here(folder):
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def test_what_one_machine_writes_another_reads(s3, machine):
    _write(machine("one"), "v1")
    mirrors.push_all()
    assert _version(_there(s3)) == "v1"
    folder = machine("two")
    mirrors.fetch(folder)
    assert _version(_here(folder)) == "v1"
    (folder / FILES[0]).unlink()
    _write(folder, "v2")
    (folder / FILES[2]).unlink()
    mirrors.push_all()
    assert FILES[2] not in _there(s3)
    requests = s3.seen
    mirrors.push_all()
    assert s3.seen == requests  # nothing has changed


def test_a_cache_that_was_emptied_removes_nothing_from_the_store(s3, machine):
    folder = machine("one")
    _write(folder, "v1")
    mirrors.push_all()
    for path in folder.iterdir():
        path.unlink()
    folder = machine("one")
    mirrors.push_all()
    assert _version(_there(s3)) == "v1"
    mirrors.fetch(folder)
    assert _version(_here(folder)) == "v1"


def test_a_push_that_was_cut_off_goes_on_where_it_was_written(s3, machine):
    folder = machine("one")
    _write(folder, "v1")
    s3.breaks("denied", first=4, times=10_000)
    with pytest.raises(errors.DataError, match="Are the credentials right"):
        mirrors.push_all()
    s3.breaks(None)
    assert _version(_there(s3)) == ""
    folder = machine("one")
    mirrors.fetch(folder)
    assert _version(_here(folder)) == "v1"
    mirrors.push_all()
    assert _version(_there(s3)) == "v1"


def test_the_work_of_another_machine_replaces_what_is_old_here(s3, machine):
    _write(machine("one"), "v1")
    mirrors.push_all()
    folder = machine("two")
    mirrors.fetch(folder)
    _write(folder, "v2")
    mirrors.push_all()
    folder = machine("one")
    (folder / "stray.tfrecord").write_bytes(b"never pushed")
    mirrors.fetch(folder)
    assert _version(_here(folder)) == "v2"
    assert not (folder / "stray.tfrecord").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://no-such-bucket/data", "Is the bucket right"),
        ("s4://bucket/data", "no storage of the kind s4://"),
        ("s3://", "SCHEME://BUCKET/FOLDER"),
        ("s3://bucket/../x", "SCHEME://BUCKET/FOLDER"),
    ],
)
def test_wrong_urls_are_named(s3, machine, url, words):
    machine("one")
    with pytest.raises(errors.UserError, match=words):
        mirrors.fetch(paths.expanded(url))


def test_without_credentials_there_is_one_line(s3, machine, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    _write(machine("one"), "v1")
    with pytest.raises(errors.DataError, match="Are the credentials right"):
        mirrors.push_all()


def _faults(seeds):
    """Yields seed, fault, whether it meets a fetch, the first request that it meets, how many."""
    for seed in seeds:
        draw = random.Random(seed)
        turn, kind = divmod(seed, len(faulty_s3.FAULTS))
        fault = faulty_s3.FAULTS[kind]
        is_fetch = fault in faulty_s3.DOWNLOADS or (fault not in faulty_s3.UPLOADS and turn % 2)
        yield seed, fault, is_fetch, draw.randrange(4), draw.choice([1, 1, 2, 10_000])


def _try_faults(s3, machine, seeds):
    """Pushes and fetches under each fault; returns what became of each, by fault and direction."""
    became = collections.Counter()
    for seed, fault, is_fetch, first, times in _faults(seeds):
        s3.breaks(None)
        folder = machine(f"one{seed}")
        _write(folder, "v1")
        mirrors.push_all()
        if is_fetch:
            folder = machine(f"two{seed}")
            work, look = (lambda at=folder: mirrors.fetch(at)), (lambda at=folder: _here(at))
            right, allowed = "v1", {"", "v1"}
        else:  # a push that replaces what is there
            _write(folder, "v2 is longer")
            work, look = mirrors.push_all, (lambda: _there(s3))
            right, allowed = "v2 is longer", {"", "v1", "v2 is longer"}
        s3.breaks(fault, first, times)
        try:
            work()
            said = None
        except errors.UserError as error:
            said = str(error)
        ended = said is None
        if said is not None:
            assert "\n" not in said
            assert "s3://bucket/data" in said, (seed, fault)
        hits = s3.hits
        s3.breaks(None)
        found = _version(look())
        assert found in allowed, (seed, fault, found)
        assert found == right if ended else hits, (seed, fault, first, times, found)
        end = "not met" if not hits else "mended" if ended else "named"
        became[fault, "fetch" if is_fetch else "push", end] += 1
        for entry in _there(s3):
            key = f"data/p/1.0.0/{entry}"
            s3.client.delete_object(Bucket=faulty_s3.BUCKET, Key=key)
    return became


def test_faults_leave_nothing_half(s3, machine):
    became = _try_faults(s3, machine, [4, 7])
    assert [(fault, way) for fault, way, _ in became] == [
        ("cut_download", "fetch"),
        ("cut_upload", "push"),
    ]


@pytest.mark.slow
def test_a_hundred_faults_leave_nothing_half(s3, machine):
    became = _try_faults(s3, machine, range(100))
    for (fault, way, end), count in sorted(became.items()):
        print(f"{count:4} {fault}, {way}: {end}")
    ends = collections.Counter()
    for (_, _, end), count in became.items():
        ends[end] += count
    print(dict(ends))
    assert ends["named"] + ends["mended"] > 90
