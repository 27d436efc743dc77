"""generate: raw files to records and vocabularies; the function behind mm-datagen.

The whole request is checked before anything is written. The records of a problem are
generated in a temporary folder beside the final one, and renamed at the end: at any moment
there is either the old data, or the new, or none.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import logging
import os
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors, plugins, registry
from t2t_mm.data import manifest
from t2t_mm.datagen import build, code, sources, vocabularies
from t2t_mm.datagen import options as options_lib
from t2t_mm.datagen import progress as progress_lib
from t2t_mm.datagen import workers as workers_lib
from t2t_mm.files import atomic, mirrors
from t2t_mm.process import cores, extras
from t2t_mm.runs import folders

LOCAL, BEAM = "local", "beam"
RUNNERS = (LOCAL, BEAM)


@dataclasses.dataclass(frozen=True)
class _Job:
    """One problem to generate: the source of its raw files, and its existing data, if any."""

    problem: Any
    source: sources.Source
    folder: pathlib.Path
    existing: manifest.Manifest | None


def generate(
    problems: str | Sequence[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    manual_dir: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    max_examples: int | None = None,
    max_bad_examples: int = 0,
    follow_links: bool = False,
    sample_size: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    verify: bool = False,
    vocabulary_size: int | None = None,
    rebuild_vocabulary: bool = False,
    offline: bool = False,
    allow_unverified: bool = False,
    runner: str = LOCAL,
    beam_options: Sequence[str] = (),
    progress: progress_lib.Progress | None = None,
) -> dict[str, Any]:
    """Generates the records of problems, and the vocabularies that they share.

    Existing data that fits the request is kept; if the code of its problem has changed
    since, `progress` says so. The bytes depend on the raw files, `seed` and `max_examples`,
    not on `workers`.

    Args:
      problems: names or globs.
      data_dir: gets `PROBLEM/VERSION/` and `vocabularies/NAME/`; if None, the value of
        T2T_MM_DATA_DIR, or `data`.
      source: `sample`, `manual`, `tfds` or `download`. None stands for `manual` if there is a
        folder of raw files, else the source of existing data, else `tfds`; never for `sample`
        or `download`.
      manual_dir: for `manual`, a folder of corpora, or of this corpus's files; if None, the
        value of T2T_MM_MANUAL_DIR, or `corpora` if it holds the corpus. For `download`, the
        folder of corpora that gets the files. For `tfds`, the folder of prepared data sets, if
        it is not TFDS's own.
      workers: number of processes; None for the number of processors. With 1, or without
        shared memory, all work is done in this process. With more, a script must call
        this under `if __name__ == "__main__":`. With `beam`, for how many workers the
        corpora are divided.
      max_examples: of each split; the first ones of the generator are taken.
      max_bad_examples: how many unusable examples of a problem are allowed; they are
        left out and counted in the manifest.
      follow_links: follow symbolic links that lead out of a corpus's folder; otherwise they
        are refused.
      sample_size: training examples of `sample`.
      seed: of the order of the records, and of samples.
      overwrite: generate existing data again; the old data stays until that is done.
      verify: only check existing data by its manifests.
      vocabulary_size: tokens at most of a new vocabulary; 8,192 if None.
      rebuild_vocabulary: build existing vocabularies again, from `problems`.
      offline: for `download`, open no connection: what is missing is listed, and is an error.
      allow_unverified: for `download`, take files of which no hash is published.
      runner: `local`, processes of this machine, or `beam`, an Apache Beam pipeline, whose
        workers must all see `data_dir` and the raw files.
      beam_options: of Beam, such as "runner=DirectRunner".
      progress: is called with the progress of the work.

    Returns:
      `problems: {NAME: {status, splits: {SPLIT: {examples, shards, bytes}}, seconds}}`
      and `vocabularies: {NAME: {size, sha256}}`.

    Raises:
      UserError: when the request cannot be carried out; nothing is left half-written.
    """
    plugins.load_all()
    names = registry.problems.match([problems] if isinstance(problems, str) else list(problems))
    if verify and overwrite:
        raise errors.ConfigError("--verify only looks, --overwrite makes anew; give one of them")
    for flag, value, least in (
        ("workers", workers, 1),
        ("max_examples", max_examples, 1),
        ("max_bad_examples", max_bad_examples, 0),
        ("sample_size", sample_size, 1),
        ("seed", seed, 0),
        ("vocabulary_size", vocabulary_size, 1),
    ):
        if value is not None and value < least:
            raise errors.ConfigError(
                f"Bad value of {flag}", received=value, expected=f"{least} or more"
            )
    if runner not in RUNNERS:
        raise errors.ConfigError(
            f"There is no runner {runner!r}",
            expected=" or ".join(RUNNERS),
            hint=errors.did_you_mean(runner, RUNNERS),
        )
    if beam_options and runner != BEAM:
        raise errors.ConfigError(
            "--beam_option is of --runner=beam",
            received=" ".join(f"--beam_option={option}" for option in beam_options),
            hint="Add --runner=beam, or leave it out",
        )
    asked = folders.data_dir(data_dir)
    place = asked.absolute()
    report = progress or progress_lib.Progress()
    count = workers or cores.count()
    if verify:
        return _verify(names, place, count)
    options = options_lib.Options(seed, max_examples, max_bad_examples, follow_links)
    answer: dict[str, Any] = {}
    manifests: dict[str, manifest.Manifest] = {}
    with contextlib.ExitStack() as stack:
        stack.callback(report.close)
        manual = {
            name: sources.manual_folder(registry.problems.get(name), source, manual_dir)
            for name in names
        }
        for name, place_of_raw in manual.items():
            _fetch_corpus(registry.problems.get(name), place_of_raw)
        chosen = _sources(names, source, manual, asked)
        for name in sorted(names):
            lock = place / name / ".lock"
            stack.enter_context(atomic.lock(lock, f"the data of {name}"))
        jobs = []
        for name in names:
            problem = registry.problems.get(name)
            job = _plan(
                problem,
                place,
                overwrite=overwrite,
                options=options,
                manual_dir=manual[name],
                source=chosen[name],
                sample_size=sample_size,
            )
            jobs.append(job)
        missing = [job for job in jobs if job.existing is None]
        wanted = [job.problem.name for job in missing]
        local = stack.enter_context(workers_lib.Workers(count, wanted, say=report.say))
        pool = _beam(count, wanted, beam_options) if runner == BEAM else local
        _download(missing, report, offline=offline, allow_unverified=allow_unverified)
        began = time.monotonic()
        if any(job.source.name == sources.SAMPLE for job in missing):
            report.start("sample corpora")
            sources.make_samples([job.source for job in missing], local)
            report.finish(0)
        for job in jobs:
            name = job.problem.name
            manifests[name] = job.existing or build.build(
                job.problem, job.source, job.folder, options=options, pool=pool, report=report
            )
            if job.existing and _is_of_other_code(job.existing, job.problem):
                report.say(
                    f"warning: the data of {name} was made by other code: its problem has changed "
                    f"since, but not its version {job.problem.version}. It is left as it is; "
                    "--overwrite makes it anew"
                )
            status = "unchanged" if job.existing else "generated"
            answer[name] = _describe(manifests[name], status, time.monotonic() - began)
            began = time.monotonic()
        report.start("vocabularies")
        built = vocabularies.prepare(
            manifests, place, size=vocabulary_size, rebuild=rebuild_vocabulary, say=report.say
        )
        if built:
            report.finish(0)
        mirrors.push(place)
    return {"problems": answer, "vocabularies": built}


def _fetch_corpus(problem: Any, folder: pathlib.Path | None) -> None:
    """Brings a corpus from the URL of its folder, if it has one: its own folder where there is."""
    if folder is None or mirrors.url_of(folder) is None:
        return
    if problem.corpus:
        mirrors.fetch(folder / problem.corpus)
        if any((folder / problem.corpus).glob("*")):
            return
    mirrors.fetch(folder)


def _beam(count: int, problems: Sequence[str], options: Sequence[str]) -> workers_lib.Runner:
    """Returns what runs jobs on Apache Beam.

    Raises:
      ConfigError: when it is not installed, or does not take its options.
    """
    extras.require("apache_beam", extra="beam", what="--runner=beam")
    logging.disable(logging.WARNING)  # Beam warns of clouds whose packages are not installed
    try:
        from t2t_mm.datagen import beam
    finally:
        logging.disable(logging.NOTSET)
    return beam.Beam(count, problems, options=options)


def _sources(
    names: Sequence[str],
    source: str | None,
    manual: Mapping[str, pathlib.Path | None],
    data_dir: pathlib.Path,
) -> dict[str, str]:
    """Returns the source of each problem.

    Raises:
      ConfigError: names all problems without known raw files at once.
    """
    chosen: dict[str, str] = {}
    lacking = []
    for name in names:
        problem = registry.problems.get(name)
        existing = manifest.source_of(data_dir, name, problem.version)
        chosen_source = sources.choose(
            problem, source, manual=manual[name] is not None, held=existing
        )
        if chosen_source is None:
            lacking.append(problem)
        else:
            chosen[name] = chosen_source
    if lacking:
        raise sources.no_corpus(lacking, data_dir)
    return chosen


def _plan(
    problem: Any,
    data_dir: pathlib.Path,
    *,
    overwrite: bool,
    options: options_lib.Options,
    manual_dir: pathlib.Path | None,
    source: str,
    sample_size: int | None,
) -> _Job:
    """Returns the job of one problem, after cleaning up after killed processes."""
    folder = manifest.folder(data_dir, problem.name, problem.version)
    with atomic.writing(folder):
        for unfinished in atomic.unfinished(folder.parent):
            atomic.recover(unfinished)
        atomic.recover(folder)  # which may be a link to elsewhere
    there = (folder / manifest.FILE).exists() and not overwrite
    if there and source == sources.MANUAL and manual_dir is None:
        # The raw files may be gone by now; the existing data does not need them.
        resolved = sources.Source(problem.name, source, folder, options.seed)
    else:
        resolved = sources.resolve(
            problem,
            source,
            data_dir=data_dir,
            manual_dir=manual_dir,
            seed=options.seed,
            sample_size=sample_size,
        )
    if not there:
        return _Job(problem, resolved, folder, None)
    existing = manifest.Manifest.load(data_dir, problem.name, problem.version)
    options_lib.check_fits(existing, problem, resolved, options, manual=manual_dir is not None)
    existing.check_sizes()
    return _Job(problem, resolved, folder, existing)


def _download(
    jobs: Sequence[_Job], report: progress_lib.Progress, *, offline: bool, allow_unverified: bool
) -> None:
    """Brings the files of the corpora whose source is `download` to their folders."""
    corpora: dict[pathlib.Path, list[Any]] = collections.defaultdict(list)
    for job in jobs:
        if job.source.name == sources.DOWNLOAD:
            corpora[job.source.root / job.problem.corpus] += job.problem.downloads
    if corpora:
        from t2t_mm.downloads import fetch

        fetch.fetch(corpora, report, offline=offline, allow_unverified=allow_unverified)


def _is_of_other_code(existing: manifest.Manifest, problem: Any) -> bool:
    """Says whether the problem's code has changed; False for older data without a hash."""
    was = existing.details.get("code_sha256")
    return was is not None and was != code.digest(problem, source=existing.source)


def _verify(names: Sequence[str], data_dir: pathlib.Path, workers: int) -> dict[str, Any]:
    answer = {}
    loaded = {}
    for name in names:
        began = time.monotonic()
        version = registry.problems.get(name).version
        loaded[name] = manifest.Manifest.load(data_dir, name, version)
        loaded[name].verify(workers=workers)
        answer[name] = _describe(loaded[name], "verified", time.monotonic() - began)
    return {"problems": answer, "vocabularies": vocabularies.verify(loaded, data_dir)}


def _describe(made: manifest.Manifest, status: str, seconds: float) -> dict[str, Any]:
    splits = {
        split: {
            "examples": made.examples(split),
            **({"records": made.records(split)} if made.shared_inputs else {}),
            "shards": len(made.shards[split]),
            "bytes": made.bytes(split),
        }
        for split in made.splits
    }
    return {"status": status, "splits": splits, "seconds": round(seconds, 3)}
