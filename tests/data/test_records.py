"""Records written without TensorFlow, read by TensorFlow, and the other way."""

import pytest

from t2t_mm import errors
from t2t_mm.data import records

FEATURES = {
    "inputs": "Höhe".encode(),
    "targets": b"",
    "key": b"train/1",
    "long": bytes(range(256)) * 300,
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.tfrecord"
    path.write_bytes(b"".join(records.frame(b"x" * n) for n in (1, 200, 0, 70_000)))
    return path


def test_an_example_comes_back():
    assert records.decode_example(records.encode_example(FEATURES)) == FEATURES


def test_the_order_of_features_does_not_matter():
    turned = dict(reversed(FEATURES.items()))
    assert records.encode_example(FEATURES) == records.encode_example(turned)


def test_tensorflow_reads_what_is_written(tmp_path):
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "some.tfrecord"
    path.write_bytes(records.frame(records.encode_example(FEATURES)) * 3)
    read = list(tf.data.TFRecordDataset(str(path)))
    assert len(read) == 3
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in FEATURES}
    parsed = tf.io.parse_single_example(read[0], spec)
    assert {name: value.numpy() for name, value in parsed.items()} == FEATURES
    assert tf.train.Example.FromString(read[0].numpy()).features.feature.keys() == FEATURES.keys()


def test_what_tensorflow_writes_is_read(tmp_path):
    tf = pytest.importorskip("tensorflow")
    feature = {
        n: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for n, v in FEATURES.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    path = tmp_path / "some.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())
    assert list(records.read_examples(path)) == [FEATURES]


def test_records_come_back(file):
    assert [len(data) for data in records.read_records(file)] == [1, 200, 0, 70_000]


def test_every_flipped_bit_is_noticed(file):
    whole = file.read_bytes()[:300]
    for place in range(17 + 216):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(errors.DataError, match=r"Record [01] of .*some\.tfrecord is damaged"):
            list(records.read_records(file))


def test_a_file_cut_short_is_noticed(file):
    whole = file.read_bytes()
    for length in (1, 11, 13, 16, 18, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(errors.DataError, match="cut short"):
            list(records.read_records(file))


@pytest.mark.parametrize("data", [b"\x08\x01", b"\x0a\x05ab", b"\x0a", b"\x0a\x04\x0a\x02\x0a\x00"])
def test_bytes_that_are_no_example(file, data):
    file.write_bytes(records.frame(data))
    with pytest.raises(errors.DataError, match=r"Record 0 .* is not a tf\.train\.Example"):
        list(records.read_examples(file))


def test_several_targets_come_back_in_order():
    several = {"inputs": b"x", "targets": [b"one", b"", b"three"], "key": b"k"}
    data = records.encode_example(several)
    assert records.decode_values(data) == {
        "inputs": (b"x",), "targets": (b"one", b"", b"three"), "key": (b"k",),
    }  # fmt: skip
    assert records.decode_example(data) == {"inputs": b"x", "targets": b"one", "key": b"k"}
    again = {**several, "targets": tuple(several["targets"])}
    assert records.encode_example(again) == data


def test_one_value_is_written_the_same_alone_and_in_a_list():
    listed = {name: [value] for name, value in FEATURES.items()}
    assert records.encode_example(listed) == records.encode_example(FEATURES)


def test_tensorflow_reads_several_targets(tmp_path):
    tf = pytest.importorskip("tensorflow")
    data = records.encode_example({"targets": [b"one", b"", b"three"]})
    found = tf.train.Example.FromString(data).features.feature["targets"].bytes_list.value
    assert list(found) == [b"one", b"", b"three"]


@pytest.mark.parametrize(
    ("features", "said"),
    [({"inputs": [b"x", b"y"]}, "'inputs' holds 2"), ({"targets": []}, "'targets' holds 0")],
)
def test_no_value_and_a_second_one_but_of_targets_are_refused(file, features, said):
    file.write_bytes(records.frame(records.encode_example(features)))
    for read in (records.read_examples, records.read_values):
        with pytest.raises(errors.DataError, match=rf"Record 0 .* the feature {said} values"):
            list(read(file))
