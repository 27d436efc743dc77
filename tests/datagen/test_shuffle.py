"""The external hash shuffle: order by hash, in shards of any number."""

import pytest

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.datagen import shuffle


def _fill(folder, keys, workers):
    folder.mkdir()
    for worker in range(workers):
        out = shuffle.BucketWriter(folder, worker)
        for key in keys[worker::workers]:
            data = records.encode_example({"key": key.encode(), "inputs": b"x" * 50})
            out.add(shuffle.hash_key(key.encode(), 0), records.frame(data))
        out.close()


def _shards(tmp_path, buckets, count):
    for bucket in range(shuffle.BUCKETS) if count > shuffle.BUCKETS else ():
        shuffle.split_bucket(shuffle.BucketPlan(buckets, bucket, count), lambda done: None)
    for index in range(count):
        plan = shuffle.ShardPlan(buckets, tmp_path, "train", index, count)
        made = shuffle.write_shard(plan, lambda done: None).shard
        examples = list(records.read_examples(tmp_path / made.file))
        assert len(examples) == made.examples
        assert (tmp_path / made.file).stat().st_size == made.bytes
        yield [example["key"].decode() for example in examples]


@pytest.mark.parametrize("count", [1, 4, 64, 256])
def test_shards_together_hold_everything_in_the_order_of_hashes(tmp_path, count):
    keys = [f"train/{n}" for n in range(500)]
    _fill(tmp_path / "buckets", keys, workers=3)
    shards = list(_shards(tmp_path, tmp_path / "buckets", count))
    found = [key for shard in shards for key in shard]
    assert found == sorted(keys, key=lambda key: shuffle.hash_key(key.encode(), 0))
    assert max(len(shard) for shard in shards) < 4 * 500 / count + 10


def test_the_number_of_shards_follows_from_the_bytes():
    assert shuffle.shard_count(0) == 1
    assert shuffle.shard_count(shuffle.SHARD_BYTES) == 1
    assert shuffle.shard_count(shuffle.SHARD_BYTES + 1) == 2
    assert shuffle.shard_count(5 * shuffle.SHARD_BYTES) == 8


def test_a_key_that_occurs_twice_is_named(tmp_path):
    _fill(tmp_path / "buckets", ["a", "b", "c", "b"], workers=2)
    with pytest.raises(
        errors.DataError, match="Two examples of the split 'train' have the key 'b'"
    ):
        list(_shards(tmp_path, tmp_path / "buckets", 1))


def test_another_seed_gives_another_order():
    keys = [f"{n}" for n in range(20)]
    orders = [
        sorted(keys, key=lambda k, s=seed: shuffle.hash_key(k.encode(), s)) for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
