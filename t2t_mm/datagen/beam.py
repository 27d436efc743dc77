"""Beam: the jobs of data generation as Apache Beam pipelines, on any of its runners.

A pipeline hands out the jobs and repeats those whose worker died. What they read and write is
in folders that all workers see: each job leaves its result there as a JSON file, so that
none can be lost or counted twice unseen, whatever the runner makes of repeated jobs.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import pathlib
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import apache_beam
from apache_beam.options import pipeline_options

from t2t_mm import errors, registry
from t2t_mm.datagen import job_results, workers
from t2t_mm.files import atomic
from t2t_mm.plugins import load

T = TypeVar("T")

_FAILED = "failed"
_POLL_SECONDS = 1.0
_LOSING = "multi_threading"


class Beam:
    """Runs jobs as pipelines, with the interface of `workers.Workers`.

    Args:
      count: of workers for which the corpora are divided.
      problems: names of the problems that the jobs must know.
      options: of Beam, such as "runner=DirectRunner", with or without leading dashes.

    Raises:
      ConfigError: for an option that Beam does not know or take, and for a runner that loses
        records.
    """

    def __init__(self, count: int, problems: Sequence[str], *, options: Sequence[str]) -> None:
        self.count = count
        self._modules = {name: registry.problems.get(name).__module__ for name in problems}
        self._options = _options(options, count)
        if "__main__" in self._modules.values():
            raise errors.ConfigError(
                "A problem of a notebook or script cannot be made by --runner=beam",
                expected="problems of plugins, which other processes can load",
                hint="Put it into a module of --usr_dir",
            )

    def __enter__(self) -> Beam:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(
        self,
        job: Callable[[Any, workers.Counter], T],
        requests: Sequence[Any],
        *,
        scratch: pathlib.Path,
        watch: workers.Counter | None = None,
    ) -> list[T]:
        """Runs `job(request, counter)` for all requests and returns the results in order.

        Args:
          job: a function of a module.
          requests: picklable values.
          scratch: a folder that all workers see.
          watch: called now and then with the number of examples in finished jobs.

        Raises:
          UserError: the error of the first request that failed.
          DataError: when the pipeline fails, or lost a job.
        """
        folder = scratch / f".beam-{secrets.token_hex(4)}"
        with atomic.writing(folder):
            folder.mkdir()
        numbered = list(enumerate(requests))
        do = _Do(job, str(folder), self._modules, os.environ.get(load.USR_DIR_VARIABLE, ""))
        try:
            with _watching(folder, watch):
                self._run(numbered, do)
            return [self._result(folder, number) for number, _ in numbered]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, numbered: Sequence[tuple[int, Any]], do: _Do) -> None:
        try:
            pipeline = apache_beam.Pipeline(options=self._options)
        except (ImportError, ValueError) as error:
            raise errors.ConfigError(
                "Apache Beam cannot use its options",
                received=_last_line(error),
                hint="Name a runner, for example --beam_option=runner=DirectRunner",
            ) from error
        jobs = pipeline | "jobs" >> apache_beam.Create(numbered, reshuffle=False)
        # A runner would otherwise join all that comes of one source to one task.
        _ = jobs | "divide" >> apache_beam.Reshuffle() | "work" >> apache_beam.ParDo(do)
        try:
            result = pipeline.run()
            result.wait_until_finish()
            if (client := getattr(result, "client", None)) is not None:
                client.close()  # of Dask, which keeps its processes otherwise
        except Exception as error:  # runners raise whatever their own libraries do
            raise errors.DataError(
                "The Beam pipeline failed",
                received=_last_line(error),
                hint="--debug shows the whole traceback",
            ) from error

    def _result(self, folder: pathlib.Path, number: int) -> Any:
        failed = sorted(folder.glob(f"*.{_FAILED}"))
        if failed:
            raise job_results.error(json.loads(failed[0].read_text("utf-8")))
        path = _result_path(folder, number)
        if not path.exists():
            raise errors.DataError(
                f"The Beam pipeline ended without the result of job {number:,}",
                received="a runner that loses work, or workers that do not see the folder "
                f"{folder.parent}",
                hint="--data_dir and --manual_dir must be on a file system that all workers share",
            )
        return job_results.unpack(json.loads(path.read_text("utf-8")))


class _Do(apache_beam.DoFn):
    """Does one job.

    Args:
      job: a function of a module.
      folder: for its result.
      modules: of problems that no plugin defines, by name.
      usr_dir: the folders of plugins.
    """

    def __init__(
        self, job: Callable[..., Any], folder: str, modules: Mapping[str, str], usr_dir: str
    ) -> None:
        self._job, self._folder = job, folder
        self._modules, self._usr_dir = modules, usr_dir

    def setup(self) -> None:
        """Makes the problems known to this process."""
        if self._usr_dir:
            os.environ[load.USR_DIR_VARIABLE] = self._usr_dir
        workers.load_problems(self._modules)

    def process(self, element: tuple[int, Any]) -> Iterator[int]:
        """Does a job, unless another has failed, and writes its result."""
        number, request = element
        folder = pathlib.Path(self._folder)
        if any(folder.glob(f"*.{_FAILED}")):
            return
        try:
            result = job_results.pack(self._job(request, _ignore))
        except errors.UserError as error:
            path = folder / f"{number:06d}.{_FAILED}"
            atomic.write_json(path, job_results.pack_error(error))
            return
        atomic.write_json(_result_path(folder, number), result)
        yield number


def _ignore(done: int) -> None:
    del done


def _result_path(folder: pathlib.Path, number: int) -> pathlib.Path:
    return folder / f"{number:06d}.json"


def _options(given: Sequence[str], count: int) -> pipeline_options.PipelineOptions:
    """Returns the options of a pipeline, after checking their names and values."""
    flags = [f"--{option.lstrip('-')}" for option in given]
    if any("dask" in flag.lower() for flag in flags):
        # Its options are known to Beam only then.
        from apache_beam.runners.dask import dask_runner  # noqa: F401
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options = pipeline_options.PipelineOptions(flags)
            known = options.get_all_options(retain_unknown_options=False)
            every = options.get_all_options(retain_unknown_options=True)
    except SystemExit as error:  # of argparse
        raise errors.ConfigError(
            "Apache Beam does not take an option of --beam_option",
            received=said.getvalue().strip().rpartition("\n")[2],
        ) from error
    unknown = sorted(every.keys() - known.keys())
    if unknown:
        raise errors.ConfigError(
            f"Apache Beam has no option {unknown[0]!r}",
            received=" ".join(f"--beam_option={option}" for option in given),
            hint=errors.did_you_mean(unknown[0], known),
        )
    direct = options.view_as(pipeline_options.DirectOptions)
    if direct.direct_running_mode == _LOSING:
        raise errors.ConfigError(
            f"Beam's direct_running_mode={_LOSING} is not used here",
            received="some 3 records of 100 are lost by it, without a word",
            expected="in_memory or multi_processing",
            hint="--beam_option=direct_running_mode=multi_processing, or --runner=local",
        )
    if not any("direct_num_workers" in flag for flag in flags):
        direct.direct_num_workers = count
    return options


@contextlib.contextmanager
def _watching(folder: pathlib.Path, watch: workers.Counter | None) -> Iterator[None]:
    """Tells `watch` of finished jobs, from a thread."""
    if watch is None:
        yield
        return
    ended = threading.Event()

    def look() -> None:
        counts: dict[pathlib.Path, int] = {}
        while not ended.wait(_POLL_SECONDS):
            for path in set(folder.glob("*.json")) - counts.keys():
                with contextlib.suppress(OSError, ValueError):
                    counts[path] = job_results.examples(json.loads(path.read_text("utf-8")))
            watch(sum(counts.values()))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _last_line(error: Exception) -> str:
    """Returns the line of an error that names it; runners wrap whole tracebacks into one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    name = type(error).__name__
    return errors.shortened(f"{name}: {lines[-1]}" if lines else name, 300)


logging.getLogger("apache_beam").setLevel(logging.ERROR)
