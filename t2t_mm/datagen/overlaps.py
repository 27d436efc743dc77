"""Overlaps: examples that two splits of a problem share, by key or by content.

A test set whose examples are in training measures memorisation. To compare all splits, 8
bytes of hash are kept for the key of each example, and 8 for its content.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from t2t_mm.data import manifest, records

if TYPE_CHECKING:
    import numpy as np

_BYTES = 8
KEY = "key"

_Print = Callable[[Mapping[str, Sequence[bytes]]], bytes]


def key_print(example: Mapping[str, Sequence[bytes]]) -> bytes:
    """Returns an 8-byte hash of the key of an encoded example."""
    return hashlib.blake2b(example[KEY][0], digest_size=_BYTES).digest()


def content_print(example: Mapping[str, Sequence[bytes]]) -> bytes:
    """Returns an 8-byte hash of inputs and targets of an encoded example."""
    digest = hashlib.blake2b(digest_size=_BYTES)
    for name in sorted(example.keys() - {KEY}):
        for value in (name.encode(), *example[name]):
            digest.update(len(value).to_bytes(8, "little"))
            digest.update(value)
    return digest.digest()


_KINDS: tuple[tuple[str, _Print], ...] = (
    ("the same keys", key_print),
    ("the same inputs and targets", content_print),
)


def warnings(
    made: manifest.Manifest, keys: Mapping[str, bytes], contents: Mapping[str, bytes]
) -> Iterator[str]:
    """Yields a line for each pair of splits that share keys, or contents.

    Args:
      made: the data; its records are read up to the first shared example, for its key.
      keys: concatenated hashes of all keys, by split.
      contents: the same of all contents.
    """
    import numpy as np

    for first, second in itertools.combinations(made.splits, 2):
        for (what, of), prints in zip(_KINDS, (keys, contents), strict=True):
            one, other = (np.frombuffer(prints[split], "<u8") for split in (first, second))
            shared = other[np.isin(other, one)]
            if len(shared):
                yield (
                    f"warning: {made.problem}: {len(shared):,} examples of {second} have {what} "
                    f"as examples of {first}, such as {_example(made, second, shared, of)!r}"
                )


def _example(made: manifest.Manifest, split: str, shared: np.ndarray, of: _Print) -> str:
    """Returns the key of the first record of a split whose hash is in `shared`."""
    hashes = {print_.tobytes() for print_ in shared}
    for path in made.files(split):
        for example in records.read_values(path):
            if of(example) in hashes:
                return example[KEY][0].decode("utf-8")
    raise LookupError(f"no record of {split} is among the shared ones")
