"""The seeds of an experiment as `--seeds` names them."""

from __future__ import annotations

import re

from t2t_mm import errors

_MOST = 1000
"""A larger number is meant as a seed."""


def parse(text: str) -> tuple[int, ...]:
    """Returns the seeds: `3` is 0, 1 and 2; `4,7` those two, and `4,` that one.

    Raises:
      ConfigError: for no seed, one named twice, no number, or too many of them.
    """
    words = [word.strip() for word in text.split(",")]
    given = [word for word in words if word]
    found = tuple(int(word) for word in given if re.fullmatch(r"\d{1,10}", word))
    if len(words) == 1 and len(found) == 1:
        if found[0] > _MOST:
            raise errors.ConfigError(
                "--seeds asks for too many",
                received=text,
                expected=f"how many, {_MOST:,} at most",
                hint=f"That one seed is --seeds={words[0]},",
            )
        found = tuple(range(found[0]))
    if not found or len(found) < len(given) or len(set(found)) < len(found):
        raise errors.ConfigError(
            "--seeds names no seeds",
            received=text or "nothing",
            expected="how many, 1 or more; or a comma list of seeds, each once",
        )
    return found
