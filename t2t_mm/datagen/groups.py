"""Groups: examples that follow each other and share inputs, which their record holds once.

A picture with ten questions is ten examples to a generator and to an evaluation; its record is
one. Where a problem declares no `shared_inputs`, each example is a group and a record by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from t2t_mm.data import records
from t2t_mm.datagen import shuffle

Encoded = Mapping[str, Sequence[bytes]]
"""An encoded example: its key and features."""

_Item = tuple[int, Any]
"""What a generator yields, with its number."""


def of(items: Iterable[_Item], shared: Sequence[str]) -> Iterator[list[_Item]]:
    """Yields the examples that follow each other with the same raw values of shared inputs.

    Args:
      items: examples as the generator yields them, unchecked.
      shared: names of inputs.
    """
    if not shared:  # nothing is read ahead: what is wrong is told in the order of the corpus
        yield from ([item] for item in items)
        return
    group: list[_Item] = []
    for item in items:
        if group and not _share(group[-1][1], item[1], shared):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def write(
    out: shuffle.BucketWriter, examples: Sequence[Encoded], shared: Sequence[str], seed: int
) -> bytes:
    """Adds the record of a group to the buckets, in the place of its first example's key.

    Args:
      out: the buckets.
      examples: one or more; without shared inputs one.
      shared: names of the inputs that they share.
      seed: of the order.

    Returns:
      the record.
    """
    first, *others = examples
    data = records.encode_group(examples, shared) if shared else records.encode_example(first)
    record = records.frame(data)
    out.add(shuffle.hash_key(first["key"][0], seed), record, examples=len(examples))
    for other in others:  # so that a key that occurs twice is found
        key = records.frame(records.encode_example({"key": other["key"]}))
        out.add(shuffle.hash_key(other["key"][0], seed), key, examples=0)
    return record


def _share(one: Any, other: Any, shared: Sequence[str]) -> bool:
    """Says whether two examples of a generator have the same values of some inputs."""
    pair = (one, other)
    if not all(isinstance(e, tuple) and len(e) == 2 and isinstance(e[1], Mapping) for e in pair):
        return False
    return all(_same(one[1].get(name), other[1].get(name)) for name in shared)


def _same(one: Any, other: Any) -> bool:
    """Says whether two raw values are the same: of arrays only one and the same object is."""
    if one is other:
        return True
    return (isinstance(one, str | bytes) or hasattr(one, "read_bytes")) and bool(one == other)
