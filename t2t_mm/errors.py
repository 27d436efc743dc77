"""The exceptions, with messages of one form.

Every error that a user can fix is a `UserError`: commands print it as one line and exit
with code 2. Its text says what happened, what was received, what was expected and what to
do. Any other exception is a bug (exit code 1).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LONG_WORD = re.compile(r"\S{221,}")
"""A longer word, such as a path of thousands of characters, is shortened to both ends."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\ud800-\udfff]")


class UserError(Exception):
    """A request that cannot be carried out as given.

    Args:
      what: what happened, in one sentence without the closing full stop.
      received: the offending value, as the user gave it.
      expected: what would have been right.
      hint: what to do now (a command, a flag, a suggestion).
    """

    def __init__(
        self,
        what: str,
        *,
        received: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> None:
        parts = [_sentence(what)]
        if received is not None:
            parts.append(_stopped(f"Received: {received}"))
        if expected is not None:
            parts.append(_stopped(f"Expected: {expected}"))
        if hint:
            parts.append(_sentence(hint))
        text = " ".join(" ".join(parts).split())
        text = _LONG_WORD.sub(lambda found: f"{found[0][:97]}...{found[0][-100:]}", text)
        # Control characters of a raw file must not reach the terminal.
        super().__init__(printable(text))


class ConfigError(UserError):
    """A flag, a gin binding or a combination of them."""


class DataError(UserError):
    """Raw files, records, manifests or vocabularies."""


class LockedError(DataError):
    """What another process is at work on."""


class BadExampleError(DataError):
    """One example that cannot be used; `--max_bad_examples` allows some."""


class MachineError(DataError):
    """A missing resource of the machine, or a failing disk, which affects every example."""


class CheckpointError(UserError):
    """A checkpoint that is missing, damaged or of another model."""


class PluginError(UserError):
    """A plugin that could not be loaded, or a name that two plugins claim."""


class NotFiniteError(UserError):
    """A loss or gradient that is NaN or infinite."""


def printable(text: str) -> str:
    """Returns a text with what could command a terminal as escapes; line ends are such too."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def shortened(text: str, most: int = 80) -> str:
    """Returns a text of `most` characters at most; dots stand for what is left out."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def first_few(words: Iterable[object], most: int = 5, *, between: str = ", ") -> str:
    """Returns the first of some words, and how many more there are: "a, b and 3 more"."""
    every = [str(word) for word in words]
    shown = between.join(every[:most])
    left = len(every) - most
    return shown if left <= 0 else f"{shown}{between.strip(', ')} and {left:,} more"


def _sentence(text: str) -> str:
    """Returns a text with a final full stop or question mark."""
    return text if text.endswith("?") else text.rstrip(".") + "."


def _stopped(text: str) -> str:
    """Returns a text with a final full stop, unless it ends in punctuation already."""
    return text if text.endswith(".") else f"{text}."


def did_you_mean(name: str, options: Iterable[str]) -> str | None:
    """Returns "Did you mean 'x'?" for the option nearest to `name`, or None."""
    near = difflib.get_close_matches(name, list(options), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else None
