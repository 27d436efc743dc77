"""The folder of exports: `EXPORT_DIR/NAME/VERSION/`, as TensorFlow Serving watches it.

A version appears by one rename, so who watches the folder never sees half of one. Names of
unfinished ones begin with a dot, and are no numbers.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

from t2t_mm import errors
from t2t_mm.files import atomic

LOCK = ".mm-export.lock"


def newest(folder: pathlib.Path) -> int:
    """Returns the highest version in the folder of a name; 0 for none."""
    if not folder.is_dir():
        return 0
    numbers = [path.name for path in folder.iterdir() if path.name.isdecimal()]
    return max(map(int, numbers), default=0)


@contextlib.contextmanager
def lock(export_dir: pathlib.Path) -> Iterator[None]:
    """Holds the folder of exports for this process alone.

    Raises:
      DataError: another process holds it, or it cannot be written to.
    """
    if export_dir.exists() and not export_dir.is_dir():
        raise errors.DataError(
            f"{export_dir} is a file", expected="--export_dir= a folder, which need not be there"
        )
    with atomic.lock(export_dir / LOCK, f"the exports in {export_dir}"):
        yield


@contextlib.contextmanager
def new(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """Yields an empty folder and the version that it becomes, if the block succeeds.

    Hold the `lock` meanwhile.

    Args:
      folder: of the name, `EXPORT_DIR/NAME`.
    """
    for left in atomic.unfinished(folder):
        atomic.recover(left)
    version = folder / str(newest(folder) + 1)
    try:
        with atomic.folder(version) as making:
            yield making, version
    except BaseException:
        with contextlib.suppress(OSError):  # of a name that has no version yet
            folder.rmdir()
        raise
