"""Sources: where the raw files of a problem come from.

Every source is a folder in the corpus's published layout, so one generator serves all of
them. `download` brings what is missing to the folder that `manual` reads. The folder of `tfds`
holds data sets prepared by TensorFlow Datasets; nothing of these is downloaded here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shlex
from collections.abc import Sequence
from typing import Any

from t2t_mm import errors, registry, version
from t2t_mm.datagen import failures, workers
from t2t_mm.files import atomic, paths
from t2t_mm.runs import folders

SAMPLE, MANUAL, TFDS, DOWNLOAD = "sample", "manual", "tfds", "download"
NAMES = (SAMPLE, MANUAL, TFDS, DOWNLOAD)
OF_FILES = (MANUAL, DOWNLOAD)
"""Sources that read the raw files of `--manual_dir`."""

SAMPLE_FOLDER = "raw_sample"


@dataclasses.dataclass(frozen=True)
class Source:
    """The raw files of one problem; those of a sample may not exist yet.

    Args:
      problem: its name.
      name: of the source.
      root: the folder to read, like a `--manual_dir`.
      seed: of a sample.
      sample_size: training examples of a sample; None for other sources.
    """

    problem: str
    name: str
    root: pathlib.Path
    seed: int
    sample_size: int | None = None


def manual_folder(
    problem: Any, source: str | None, given: str | os.PathLike[str] | None
) -> pathlib.Path | None:
    """Returns the folder of a problem's raw files, or None.

    It is `--manual_dir` or T2T_MM_MANUAL_DIR, or else `corpora` if it holds the problem's
    corpus; a download may make that. Data sets of TFDS have a folder and a variable of their own.
    """
    if source == DOWNLOAD:
        return folders.known_manual_dir(given) or folders.CORPORA
    if MANUAL not in problem.sources or source not in (None, MANUAL):
        return None if given is None else paths.expanded(given)
    known = folders.known_manual_dir(given)
    if known is not None:
        return known
    has_corpus = problem.corpus and (folders.CORPORA / problem.corpus).is_dir()
    return folders.CORPORA if has_corpus else None


def choose(problem: Any, source: str | None, *, manual: bool, held: str | None) -> str | None:
    """Returns the source to use, or None if the user has to name one.

    Sample data never replaces the real corpus by itself: `sample` has to be named, unless
    the problem has no other source. Nor is anything downloaded unless `download` is named.

    Args:
      problem: a registered problem.
      source: the one named by the user, if any.
      manual: whether there is a folder of raw files.
      held: the source of existing data, if any.

    Raises:
      ConfigError: for a source that the problem does not have.
    """
    offered = [name for name in problem.sources if name in NAMES]
    if source is None and offered:
        if manual and MANUAL in offered:
            return MANUAL
        if held in offered:
            return held
        free = [name for name in offered if name not in (SAMPLE, MANUAL, DOWNLOAD)]
        return free[0] if free else SAMPLE if offered == [SAMPLE] else None
    if source == DOWNLOAD and DOWNLOAD not in offered and problem.licensed:
        raise errors.ConfigError(
            f"The corpus of {problem.name} is licensed, so it cannot be downloaded here",
            expected=f"what {problem.licensed} gives, placed in MANUAL_DIR/{problem.corpus} as "
            f"{problem.layout}",
            hint=ways([problem.name], folders.data_dir()),
        )
    if source is None or source not in offered:
        raise errors.ConfigError(
            f"The problem {problem.name!r} has no source "
            + (repr(source) if source else "that can be read"),
            expected=f"--source={'|'.join(offered) or 'none'}",
            hint=errors.did_you_mean(source or "", offered),
        )
    return source


def no_corpus(problems: Sequence[Any], data_dir: pathlib.Path) -> errors.ConfigError:
    """Returns the error for problems without raw files, with both remedies.

    Args:
      problems: registered problems.
      data_dir: as named by the user.
    """
    named = ", ".join(f"{p.name} (corpus {p.corpus})" if p.corpus else p.name for p in problems)
    return errors.ConfigError(
        f"The raw files of {named} are needed",
        expected=problems[0].layout or None if len(problems) == 1 else "layouts as mm-list says",
        hint=ways([problem.name for problem in problems], data_dir),
    )


def ways(problems: Sequence[str], data_dir: str | os.PathLike[str]) -> str:
    """Returns the commands that generate the data of problems, ready to paste."""
    known = [registry.problems.get(name) for name in problems if name in registry.problems]
    words = ["mm-datagen", f"--problem={','.join(problems)}"]
    if pathlib.Path(data_dir) != folders.data_dir():
        words.append(f"--data_dir={data_dir}")
    command = shlex.join(words)
    own = f"{command} --manual_dir={folders.CORPORA} reads your own, below that folder"
    if not all(MANUAL in problem.sources for problem in known):
        return f"{command} makes the data"
    if all(DOWNLOAD in problem.sources for problem in known):
        own += f"; {command} --source=download brings them there"
    if not all(SAMPLE in problem.sources for problem in known):
        return own
    return f"{own}; {command} --source=sample makes some up"


def resolve(
    problem: Any,
    source: str,
    *,
    data_dir: pathlib.Path,
    manual_dir: str | os.PathLike[str] | None,
    seed: int,
    sample_size: int | None,
) -> Source:
    """Returns the raw files of a problem; those of a sample are created by `make_samples`.

    Without `manual_dir`, prepared data sets are searched in TFDS's own folder.

    Raises:
      ConfigError: for manual files without `manual_dir`.
      DataError: when that folder does not exist.
    """
    if source == SAMPLE:
        size = sample_size or int(problem.sample_size)
        root = data_dir / SAMPLE_FOLDER / _sample_name(problem, seed=seed, size=size)
        return Source(problem.name, source, root, seed, size)
    if source == TFDS and not manual_dir:
        return Source(problem.name, source, _tfds_folder(), seed)
    if not manual_dir:
        raise no_corpus([problem], data_dir)
    folder = pathlib.Path(manual_dir)
    if not folder.is_dir() and source != DOWNLOAD:
        raise errors.DataError(
            f"The folder of raw files {folder} does not exist",
            expected=problem.layout or None,
            hint="Name its place with --manual_dir",
        )
    return Source(problem.name, source, folder, seed)


def _tfds_folder() -> pathlib.Path:
    """Returns the default folder of TensorFlow Datasets."""
    named = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return paths.expanded(named)


def make_samples(wanted: Sequence[Source], pool: workers.Workers) -> None:
    """Creates the missing sample corpora, in parallel.

    They stay in `DATA_DIR/raw_sample/`, for inspection and later calls, and may be
    deleted.

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
            pool.run(_make_sample, requests, scratch=requests[0].root)


def _lock(root: pathlib.Path) -> contextlib.AbstractContextManager[None]:
    return atomic.lock(root.with_name(f".{root.name}.lock"), f"the sample corpus {root}")


def _tidy(folder: pathlib.Path) -> None:
    """Removes unfinished samples of killed processes."""
    for root in atomic.unfinished(folder):
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
        what = f"make_sample of {problem.name!r} failed"
        raise failures.plugin_failure(what, problem, error) from error
    count(1)


def _sample_name(problem: Any, *, seed: int, size: int) -> str:
    """Returns the name of a sample's folder, made of all that decides its content.

    Each problem has its own sample: two problems of a corpus may write different files
    (two language pairs do).
    """
    return f"{problem.name}-{problem.version}-{size}-seed{seed}-{version.__version__}"
