"""Manifests: what they keep, and what they find out about damaged data."""

import hashlib

import pytest

from t2t_mm import errors
from t2t_mm.data import manifest, records


@pytest.fixture
def made(tmp_path):
    """A problem's data: two splits, the first of two shards."""
    folder = tmp_path / "toy" / "1.0.0"
    folder.mkdir(parents=True)
    shards = {"train": [], "test": []}
    for split, number in (("train", 0), ("train", 1), ("test", 0)):
        data = b"".join(records.frame(b"%d" % n * 20) for n in range(5 + number))
        file = f"{split}-{number:05d}.tfrecord"
        (folder / file).write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        shards[split].append(manifest.Shard(file, 5 + number, len(data), sha256))
    made = manifest.Manifest(
        folder,
        problem="toy",
        version="1.0.0",
        source="manual",
        seed=3,
        shards={split: tuple(of) for split, of in shards.items()},
        details={"classes": {"targets": ["a", "b"]}},
    )
    made.save()
    return made


def test_saved_and_loaded(made, tmp_path):
    loaded = manifest.Manifest.load(tmp_path, "toy", "1.0.0")
    assert loaded == made
    assert loaded.splits == ("train", "test")
    assert loaded.examples("train") == 11
    assert [path.name for path in loaded.files("train")] == [
        "train-00000.tfrecord",
        "train-00001.tfrecord",
    ]
    assert loaded.classes == {"targets": ("a", "b")}
    assert loaded.split_digest("train") != loaded.split_digest("test")
    loaded.check_sizes()
    loaded.verify()


def test_data_that_is_not_there_yet(made, tmp_path):
    expected = "not been generated.*version 1.0.0.*mm-datagen --problem=toy --data_dir="
    with pytest.raises(errors.DataError, match=expected):
        manifest.Manifest.load(tmp_path, "toy", "2.0.0")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"splits": {"train": 3}}'])
def test_a_damaged_manifest(made, tmp_path, text):
    (made.folder / "manifest.json").write_text(text)
    with pytest.raises(errors.DataError, match=r"manifest\.json is damaged.*--overwrite"):
        manifest.Manifest.load(tmp_path, "toy", "1.0.0")


def test_an_unknown_split(made):
    with pytest.raises(errors.ConfigError, match="no split 'tran'.*Did you mean 'train'"):
        made.files("tran")


def test_a_missing_shard(made):
    made.files("train")[1].unlink()
    for check in (made.check_sizes, made.verify):
        with pytest.raises(
            errors.DataError, match=r"train-00001\.tfrecord is missing.*--overwrite"
        ):
            check()


def test_a_shard_cut_at_the_end_of_a_record(made):
    path = made.files("test")[0]
    path.write_bytes(path.read_bytes()[: -(20 + records.OVERHEAD_BYTES)])
    assert len(list(records.read_records(path))) == 4
    with pytest.raises(errors.DataError, match=r"test-00000.*bytes instead of.*4 of 5 examples"):
        made.verify()


def test_a_flipped_bit(made):
    path = made.files("train")[0]
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    made.check_sizes()
    with pytest.raises(errors.DataError, match=r"train-00000\.tfrecord has changed"):
        made.verify(workers=2)


def test_every_damaged_file_is_named(made):
    for path in (made.files("train")[1], made.files("test")[0]):
        path.write_bytes(b"")
    with pytest.raises(errors.DataError, match=r"train-00001.*test-00000"):
        made.verify(workers=2)
