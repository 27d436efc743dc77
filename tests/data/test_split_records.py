"""Records of a split: parts of workers are disjoint and cover it, in order or shuffled."""

import itertools

import pytest

from t2t_mm.data import records, split_records, task
from t2t_mm.modality import Categorical, Image
from t2t_mm.problem import Problem, register_problem


class Parted(Problem):
    inputs = {"image": Image(size=32)}
    targets = Categorical()
    command = "to-class"
    metrics = ("accuracy",)

    def generate_examples(self, split, files):
        raise NotImplementedError


def test_a_shuffle_buffer_is_bounded_in_bytes():
    source = split_records.SplitRecords(
        (split_records.Run("a", 0, 1_000_000),), size_bytes=100 * 2**30
    )
    assert source.held(64 * 2**20) == 625  # of about 107 kB each
    assert (
        split_records.SplitRecords((split_records.Run("a", 0, 3),), size_bytes=3 * 2**30).held(
            2**20
        )
        == 1
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("shards", [1, 3, 5])
def test_workers_parts_are_the_corpus(registries, write_data, count, shards):
    register_problem("parted")(Parted)
    examples = [{"image": b"", "targets": b"x"} for _ in range(61)]
    bound = task.Task.from_data(
        "parted", write_data("parted", {"train": examples}, shards=shards, classes=("x",))
    )
    whole = split_records.SplitRecords.open(bound, "train")
    parts = [whole.part(index, count) for index in range(count)]
    for epoch_seed in (None, 0, 1):
        keys = [_keys(_records(part, epoch_seed)) for part in parts]
        assert sorted(itertools.chain(*keys)) == sorted(f"train/{n}".encode() for n in range(61))
    assert {part.count for part in parts} <= {61 // count, 61 // count + 1}
    assert sum(part.size_bytes for part in parts) == pytest.approx(whole.size_bytes, abs=count)


def _records(source, seed):
    runs = source.tensors()
    return runs.in_order() if seed is None else runs.shuffled(split_records.shuffle_seeds(seed))


def _keys(dataset):
    return [records.decode_example(data)["key"] for data in dataset.as_numpy_iterator()]
