"""Overlaps: examples that two splits of a problem share, by key or by content.

A test set whose examples are in training measures memorisation. To compare all splits, 8
bytes of hash are kept for the key of each example, and 8 for its content: in files, of which
only those of the smaller split of a pair are in memory.
"""

from __future__ import annotations

import hashlib
import itertools
import pathlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm.data import manifest, records
from t2t_mm.files import atomic

if TYPE_CHECKING:
    import numpy as np

_BYTES = 8
_CHUNK = 1 << 17  # examples compared at once
KEY = "key"
ENDING = ".prints"

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


class Prints:
    """The file of the hashes of a job's examples; a context manager.

    Args:
      folder: that gets the file.
      job: its number.
    """

    def __init__(self, folder: pathlib.Path, job: int) -> None:
        self._path = folder / f"{job:05d}{ENDING}"
        self._temporary = folder / f".{self._path.name}.{secrets.token_hex(4)}"
        with atomic.writing(folder):
            self._file = self._temporary.open("wb")

    def __enter__(self) -> Prints:
        return self

    def __exit__(self, *_: object) -> None:
        with atomic.writing(self._path):
            self._file.close()
            self._temporary.replace(self._path)

    def add(self, example: Mapping[str, Sequence[bytes]]) -> None:
        """Adds the hashes of an encoded example."""
        with atomic.writing(self._path):
            self._file.write(key_print(example) + content_print(example))


def collect(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Joins the hashes of all jobs of a split into the file `path`."""
    with atomic.writing(path), path.open("wb") as file:
        for part in sorted(folder.glob(f"*{ENDING}")):
            with part.open("rb") as prints:
                shutil.copyfileobj(prints, file)


def warnings(made: manifest.Manifest, prints: Mapping[str, pathlib.Path]) -> Iterator[str]:
    """Yields a line for each pair of splits that share keys, or contents.

    Args:
      made: the data; its records are read up to the first shared example, for its key.
      prints: the files of the hashes of all examples, by split.
    """
    for first, second in itertools.combinations(made.splits, 2):
        larger, smaller = sorted((prints[first], prints[second]), key=_size, reverse=True)
        for place, (what, of) in enumerate(_KINDS):
            shared = _shared(larger, smaller, place)
            count = _count(prints[second], place, shared)
            if count:
                yield (
                    f"warning: {made.problem}: {count:,} examples of {second} have {what} "
                    f"as examples of {first}, such as {_example(made, second, shared, of)!r}"
                )


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size


def _chunks(path: pathlib.Path, place: int) -> Iterator[np.ndarray]:
    """Yields the hashes of keys (place 0) or contents (1) of a file, some at a time."""
    import numpy as np

    with path.open("rb") as file:
        while data := file.read(_CHUNK * 2 * _BYTES):
            yield np.frombuffer(data, "<u8").reshape(-1, 2)[:, place]


def _shared(larger: pathlib.Path, smaller: pathlib.Path, place: int) -> np.ndarray:
    """Returns the distinct hashes that two files share."""
    import numpy as np

    held = [*_chunks(smaller, place)]
    own = np.unique(np.concatenate(held)) if held else np.array([], "<u8")
    found: list[Any] = [np.array([], "<u8")]
    if len(own):
        found += [np.intersect1d(own, chunk) for chunk in _chunks(larger, place)]
    return np.unique(np.concatenate(found))


def _count(path: pathlib.Path, place: int, shared: np.ndarray) -> int:
    """Returns how many hashes of a file are among `shared`."""
    import numpy as np

    if not len(shared):
        return 0
    return sum(int(np.isin(chunk, shared).sum()) for chunk in _chunks(path, place))


def _example(made: manifest.Manifest, split: str, shared: np.ndarray, of: _Print) -> str:
    """Returns the key of the first record of a split whose hash is in `shared`."""
    hashes = {print_.tobytes() for print_ in shared}
    for path in made.files(split):
        for example in records.read_values(path):
            if of(example) in hashes:
                return example[KEY][0].decode("utf-8")
    raise LookupError(f"no record of {split} is among the shared ones")
