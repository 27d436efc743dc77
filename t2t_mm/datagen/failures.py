"""Failures of a problem's own code, as errors of one line that name its place."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from t2t_mm import errors


def plugin_failure(what: str, problem: Any, error: Exception) -> errors.PluginError:
    """Returns the one-line error for an exception in the code of `problem`.

    It names the last line of the problem's own file in the traceback.
    """
    own = getattr(sys.modules.get(type(problem).__module__), "__file__", None)
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((f for f in reversed(frames) if f.filename == own), frames[-1])
    return errors.PluginError(
        what,
        received=f"{type(error).__name__}: {error} at {frame.filename}:{frame.lineno}",
        hint="--debug shows the whole traceback",
    )


@contextlib.contextmanager
def of_plugin(what: str | Callable[[], str], problem: Any) -> Iterator[None]:
    """Converts exceptions of a problem's code that reads raw files to `UserError`s.

    Args:
      what: happened, or a function that tells it.
      problem: an instance.
    """
    try:
        yield
    except errors.UserError:
        raise
    except OSError as error:
        raise errors.DataError(
            f"A raw file of {problem.name!r} cannot be read: {error.filename}",
            received=error.strerror or error,
            expected=problem.layout or None,
        ) from error
    except Exception as error:  # A plugin's code may raise anything; the user must know whose.
        said = what if isinstance(what, str) else what()
        raise plugin_failure(said, problem, error) from error
