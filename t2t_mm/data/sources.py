"""Sources: where the raw files of a problem come from.

All sources end in a folder that is read in the corpus's published layout, so
one generator serves all of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import t2t_mm
from t2t_mm import errors, registry
from t2t_mm.data import atomic, share, workers

SAMPLE, MANUAL = "sample", "manual"
NAMES = (SAMPLE, MANUAL, "tfds", "download")
SAMPLE_FOLDER = "raw_sample"
SAMPLE_SIZE = 4000
"""Training examples that are made up for a problem that does not say how many."""


@dataclasses.dataclass(frozen=True)
class Source:
    """The raw files of one problem, of which a sample may still have to be made.

    Args:
      problem: its name.
      name: of the source.
      root: the folder to be read, as a `--manual_dir` is.
      seed: of a sample.
      sample_size: training examples of a sample; None elsewhere.
    """

    problem: str
    name: str
    root: pathlib.Path
    seed: int
    sample_size: int | None = None


def choose(problem: Any, source: str | None) -> str:
    """Returns the source to use: the one asked for, or the problem's first.

    Raises:
      ConfigError: for one that the problem does not have.
    """
    if source is None:
        return str(problem.sources[0])
    if source not in problem.sources or source not in (SAMPLE, MANUAL):
        offered = [name for name in problem.sources if name in (SAMPLE, MANUAL)]
        raise errors.ConfigError(
            f"The problem {problem.name!r} has no source {source!r}",
            expected=f"--source={'|'.join(offered)}",
            hint=errors.did_you_mean(source, offered),
        )
    return source


def resolve(
    problem: Any,
    source: str,
    *,
    data_dir: pathlib.Path,
    manual_dir: str | os.PathLike[str] | None,
    seed: int,
    sample_size: int | None,
) -> Source:
    """Returns where a problem's raw files are, or will be once `make_samples` has run.

    Raises:
      ConfigError: for manual files without `manual_dir`.
      DataError: when that folder does not exist.
    """
    if source == SAMPLE:
        size: int = sample_size or getattr(problem, "sample_size", SAMPLE_SIZE)
        root = data_dir / SAMPLE_FOLDER / _sample_name(problem, seed=seed, size=size)
        return Source(problem.name, source, root, seed, size)
    if not manual_dir:
        raise errors.ConfigError(
            f"The raw files of {problem.name!r} are needed",
            expected=problem.layout or None,
            hint=f"Give the folder that holds {problem.corpus or 'them'} as --manual_dir"
            + (", or made-up data as --source=sample" if SAMPLE in problem.sources else ""),
        )
    folder = pathlib.Path(manual_dir)
    if not folder.is_dir():
        raise errors.DataError(
            f"The folder of raw files {folder} does not exist",
            expected=problem.layout or None,
            hint="Name its place with --manual_dir",
        )
    return Source(problem.name, source, folder, seed)


def make_samples(wanted: Sequence[Source], pool: workers.Workers) -> None:
    """Makes the sample corpora that are not there yet, several at a time.

    They stay in `DATA_DIR/raw_sample/` for the other problems of their corpus, and
    to be looked at; whoever needs the space may delete them.

    Raises:
      PluginError: when a problem's `make_sample` fails.
    """
    missing = {source.root: source for source in wanted if source.name == SAMPLE}
    for folder in {root.parent for root in missing}:
        _tidy(folder)
    with contextlib.ExitStack() as stack:
        requests = []
        for root, source in sorted(missing.items()):
            stack.enter_context(_lock(root))
            if root.is_dir():
                continue
            making = stack.enter_context(atomic.folder(root))
            requests.append(dataclasses.replace(source, root=making))
        if requests:
            pool.run(_make_sample, requests)


def _lock(root: pathlib.Path) -> contextlib.AbstractContextManager[None]:
    return atomic.lock(root.with_name(f".{root.name}.lock"), f"the sample corpus {root}")


def _tidy(folder: pathlib.Path) -> None:
    """Removes what killed processes left of other samples."""
    for leftover in folder.glob(".*.making"):
        root = folder / leftover.name.removeprefix(".").removesuffix(".making")
        with contextlib.suppress(errors.DataError), _lock(root):
            atomic.recover(root)


def _make_sample(source: Source, count: workers.Counter) -> None:
    """Makes one sample corpus; runs in a worker."""
    problem = registry.problems.get(source.problem)()
    try:
        problem.make_sample(source.root, seed=source.seed, size=source.sample_size)
    except errors.UserError:
        raise
    except OSError as error:
        with atomic.writing(source.root):
            raise error
    except Exception as error:  # A plugin's code may raise anything; the user must know whose.
        raise share.plugin_failure(f"make_sample of {problem.name!r} failed", error) from error
    count(1)


def _sample_name(problem: Any, *, seed: int, size: int) -> str:
    """Names the folder of a sample after all that decides its content."""
    maker = problem.make_sample
    about = [f"{maker.__module__}.{maker.__qualname__}", problem.version, t2t_mm.__version__]
    digest = hashlib.sha256(json.dumps([*about, seed, size]).encode()).hexdigest()[:8]
    return f"{problem.corpus or problem.name}-{size}-seed{seed}-{digest}"
