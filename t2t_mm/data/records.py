"""TFRecord files of `tf.train.Example`, written and read without TensorFlow.

Workers that generate data must start fast and may be many, so the two formats, both
small and stable, are implemented here. A feature is one byte string; targets may be
several alternatives, the first of which is *the* target. In protocol buffer terms, an
`Example` is `{1: {1: map entries}}`, and an entry `{1: name, 2: {1: {1: bytes, ...}}}`.

Examples that share inputs (ten questions about a picture) make one record: the shared inputs
once, and under `examples` the rest of each, serialised as an `Example`. Serialised messages
that follow each other are read as their union, so the record and one of these are an example.

A record is its length (8 bytes), a checksum of that (4), the data, and a checksum of
the data (4).
"""

from __future__ import annotations

import functools
import os
import pathlib
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence

import google_crc32c

from t2t_mm import errors

_HEAD = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
OVERHEAD_BYTES = _HEAD.size + _CHECK.size
_LENGTH_DELIMITED = 2
_TAGS = {number: bytes([number << 3 | _LENGTH_DELIMITED]) for number in (1, 2)}
"""The tag bytes of fields 1 and 2."""

SEVERAL = "targets"
"""The feature that may hold several values."""

EXAMPLES = "examples"
"""The feature, of a record without targets, with what its examples do not share."""


def encode_example(features: Mapping[str, bytes | Sequence[bytes]]) -> bytes:
    """Returns the serialised `tf.train.Example`; names are sorted, so bytes are determined.

    Args:
      features: a value by name; for the targets also a list or tuple of values.
    """
    entries = []
    for name in sorted(features):
        value = features[name]
        if isinstance(value, bytes):
            values = _field(1, value)
        else:
            values = b"".join([_field(1, one) for one in value])
        entries.append(_field(1, _name(name) + _field(2, _field(1, values))))
    return _field(1, b"".join(entries))


def encode_group(
    examples: Sequence[Mapping[str, bytes | Sequence[bytes]]], shared: Collection[str]
) -> bytes:
    """Returns the data of one record with several examples.

    Args:
      examples: one or more, as for `encode_example`.
      shared: names of features that are the same in all of them.
    """
    rest = [encode_example({n: one[n] for n in one if n not in shared}) for one in examples]
    return encode_example({**{name: examples[0][name] for name in shared}, EXAMPLES: rest})


def decode_group(data: bytes) -> Iterator[dict[str, tuple[bytes, ...]]]:
    """Yields the examples of a record: those that share its inputs, or the only one.

    Raises:
      ValueError: as of `decode_values`.
    """
    features = decode_values(data)
    if not _is_group(features):
        yield features
        return
    rest = features.pop(EXAMPLES)
    for one in rest:
        yield {**features, **decode_values(one)}


def _is_group(features: Collection[str]) -> bool:
    """Says whether a record with these features holds examples that share inputs."""
    return EXAMPLES in features and SEVERAL not in features


def decode_example(data: bytes) -> dict[str, bytes]:
    """Inverts `encode_example`, with the first of several targets.

    Also reads examples serialised by TensorFlow.

    Raises:
      ValueError: as of `decode_values`.
    """
    return {name: values[0] for name, values in decode_values(data).items()}


def decode_values(data: bytes) -> dict[str, tuple[bytes, ...]]:
    """Inverts `encode_example`: a tuple by name, of one value, or of several targets.

    Raises:
      ValueError: for bytes that are not an `Example` of byte strings, one each.
    """
    features: dict[str, tuple[bytes, ...]] = {}
    for outer in _fields(data, 1):
        for entry in _fields(outer, 1):
            (key,) = _fields(entry, 1)
            (feature,) = _fields(entry, 2)
            (values,) = _fields(feature, 1)
            name = key.decode("utf-8")
            features[name] = tuple(_fields(values, 1))
    several = EXAMPLES if _is_group(features) else SEVERAL
    for name, found in features.items():
        if not found or (len(found) > 1 and name != several):
            raise ValueError(f"the feature {name!r} holds {len(found)} values")
    return features


def frame(data: bytes) -> bytes:
    """Returns the bytes of one record of a TFRecord file."""
    length = len(data).to_bytes(8, "little")
    return b"".join(
        (length, _CHECK.pack(_masked(length)), data, _CHECK.pack(_masked(data))),
    )


def read_records(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yields the data of every record, after checking its checksums.

    Raises:
      DataError: for a record that is damaged or cut short, with its number.
    """
    with pathlib.Path(path).open("rb") as file:
        number = 0
        while head := file.read(_HEAD.size):
            wrong = None
            if len(head) < _HEAD.size:
                wrong = "its length is cut short"
            else:
                length, check = _HEAD.unpack(head)
                if _masked(head[:8]) != check:
                    wrong = "the checksum of its length differs"
                else:
                    data = file.read(length)
                    tail = file.read(_CHECK.size)
                    if len(data) < length or len(tail) < _CHECK.size:
                        wrong = "it is cut short"
                    elif _CHECK.unpack(tail)[0] != _masked(data):
                        wrong = "its checksum differs"
            if wrong:
                raise errors.DataError(
                    f"Record {number:,} of {os.fspath(path)} is damaged: {wrong}",
                    hint="mm-datagen --verify lists what is damaged, --overwrite makes it anew",
                )
            yield data
            number += 1


def read_examples(path: str | os.PathLike[str]) -> Iterator[dict[str, bytes]]:
    """Yields the features of every example of a file, with the first of several targets.

    Raises:
      DataError: for a record that is damaged or no example, with its number.
    """
    for features in read_values(path):
        yield {name: values[0] for name, values in features.items()}


def read_values(path: str | os.PathLike[str]) -> Iterator[dict[str, tuple[bytes, ...]]]:
    """Yields the features of every example of a file as tuples, with all targets.

    Raises:
      DataError: as `read_examples`.
    """
    for number, data in enumerate(read_records(path)):
        try:
            yield from decode_group(data)
        except ValueError as error:
            raise errors.DataError(
                f"Record {number:,} of {os.fspath(path)} is not a tf.train.Example of raw features",
                received=str(error),
            ) from error


def _masked(data: bytes) -> int:
    """Returns the CRC-32C of `data`, rotated and shifted as TFRecord files want it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _field(number: int, data: bytes) -> bytes:
    return _TAGS[number] + _varint(len(data)) + data


@functools.lru_cache
def _name(name: str) -> bytes:
    return _field(1, name.encode("utf-8"))


@functools.lru_cache(maxsize=1 << 14)
def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _fields(data: bytes, wanted: int) -> Iterator[bytes]:
    """Yields the values of field `wanted` of a message of length-delimited fields."""
    place = 0
    while place < len(data):
        tag = data[place]
        if tag & 7 != _LENGTH_DELIMITED:
            raise ValueError(f"wire type {tag & 7} at byte {place}")
        place += 1
        length = shift = 0
        while True:
            if place >= len(data):
                raise ValueError("cut short")
            byte = data[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if place + length > len(data):
            raise ValueError("cut short")
        if tag >> 3 == wanted:
            yield data[place : place + length]
        place += length
