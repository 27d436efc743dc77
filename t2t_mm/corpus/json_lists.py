"""The lists of a large JSON file, object by object, without the rest of it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from t2t_mm import errors
from t2t_mm.corpus import streams, texts
from t2t_mm.files import limits


def objects(text: texts.Text, entry: str, *, layout: str) -> Iterator[Any]:
    """Yields what a list of the top object of a JSON file holds, in its order.

    Args:
      text: the file, packed or not.
      entry: the name of the list.
      layout: of the corpus, for errors.

    Raises:
      DataError: for a file that is unreadable, is no JSON in UTF-8, or has no such list.
    """
    import ijson

    count = 0
    try:
        with texts.open_text(text) as stream:
            bounded = _Bounded(stream, text)
            for each in ijson.items(bounded, f"{entry}.item", use_float=True):
                count += 1
                bounded.since = 0
                yield each
        found = ", ".join(_entries(text, entry)) if not count else ""
    except ijson.JSONError as error:
        raise errors.DataError(
            f"{text} is not JSON",
            received=f"{_first_line(error)}, in {entry!r} after {count:,} objects",
            expected=layout or None,
        ) from error
    except streams.FAILURES as error:
        raise text.failure(error, line=0, layout=layout) from error
    if found:
        raise errors.DataError(
            f"{text} has no list {entry!r}",
            received=found,
            expected=layout or None,
        )


class _Bounded:
    """A stream that may not go on for ever without an object: one of GBs would fill the memory.

    Args:
      stream: to be read.
      text: that it is of.

    Attributes:
      since: bytes read since the last object.
    """

    def __init__(self, stream: BinaryIO, text: texts.Text) -> None:
        self._stream, self._text = stream, text
        self._most = limits.largest_file()
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.since += len(data)
        if self.since > self._most:
            raise errors.DataError(
                f"{self._text} has an object that is too large to be read at once",
                received=f"more than {self._most:,} bytes",
                hint=f"If it is what it should be, set {limits.FILE_VARIABLE} in the environment",
            )
        return data


def _entries(text: texts.Text, entry: str) -> list[str]:
    """Returns the entries of the top object, unless a list of this name, if empty, is there."""
    import ijson

    names = []
    with texts.open_text(text) as stream:
        for prefix, event, value in ijson.parse(stream, use_float=True):
            if prefix == entry and event == "start_array":
                return []
            if not prefix and event == "map_key":
                names.append(str(value))
    return names or ["no object with entries"]


def _first_line(error: Exception) -> str:
    words = error.args[0] if error.args else ""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return text.partition("\n")[0].strip()
