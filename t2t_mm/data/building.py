"""Building: the records of one problem, from its raw files to its manifest."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import t2t_mm
from t2t_mm import errors
from t2t_mm.data import atomic, manifest, progress, share, sources, spill, workers
from t2t_mm.data import options as options_lib

_BAD_SHOWN = 3


def build(
    problem: Any,
    source: sources.Source,
    folder: pathlib.Path,
    *,
    options: options_lib.Options,
    pool: workers.Workers,
    report: progress.Progress,
) -> manifest.Manifest:
    """Makes all records of `problem` and puts them at `folder`, in place of older ones.

    Raises:
      UserError: for anything wrong with raw files, examples or the disk; nothing of
        the new data is left then, and older data is as it was.
    """
    with atomic.folder(folder) as making:
        shards: dict[str, tuple[manifest.Shard, ...]] = {}
        shares: dict[str, list[share.Share]] = {}
        for split in problem.splits:
            report.start(f"{problem.name} {split}", options.max_examples)
            spilt = making / ".spill"
            with atomic.writing(spilt):
                spilt.mkdir()
            shares[split] = _encode(problem, split, source, spilt, options, pool, report)
            _check_bad([s for done in shares.values() for s in done], options.max_bad_examples)
            shards[split] = _sort(split, spilt, making, shares[split], pool)
            shutil.rmtree(spilt)
            count = sum(shard.examples for shard in shards[split])
            if not count:
                raise errors.DataError(
                    f"The split {split!r} of {problem.name} is empty",
                    received=f"no example in {source.root}",
                    expected=problem.layout or None,
                )
            report.finish(count)
        made = manifest.Manifest(
            making,
            problem=problem.name,
            version=problem.version,
            source=source.name,
            seed=options.seed,
            shards=shards,
            details=options_lib.settings(problem, source, options)
            | _found(problem, source, shares, partial=options.max_examples is not None)
            | {
                "bytes": sum(s.bytes for split in shards.values() for s in split),
                "code_version": t2t_mm.__version__,
            },
        )
        made.save()
    _tell_skipped(problem.name, shares, report)
    return dataclasses.replace(made, folder=folder)


def _encode(
    problem: Any,
    split: str,
    source: sources.Source,
    spilt: pathlib.Path,
    options: options_lib.Options,
    pool: workers.Workers,
    report: progress.Progress,
) -> list[share.Share]:
    """Runs through a split in all workers; what they encode is in the spill then."""
    requests = [
        share.Request(
            problem=problem.name,
            split=split,
            root=source.root,
            spill=spilt,
            worker=worker,
            workers=pool.count,
            seed=options.seed,
            max_examples=options.max_examples,
            max_bad_examples=options.max_bad_examples,
        )
        for worker in range(pool.count)
    ]
    return pool.run(share.make, requests, watch=report.update)


def _sort(
    split: str,
    spilt: pathlib.Path,
    making: pathlib.Path,
    shares: Sequence[share.Share],
    pool: workers.Workers,
) -> tuple[manifest.Shard, ...]:
    """Writes the shards of a split from the spill."""
    count = spill.shard_count(sum(s.bytes for s in shares))
    plans = [spill.ShardPlan(spilt, making, split, index, count) for index in range(count)]
    return tuple(pool.run(spill.write_shard, plans))


def _check_bad(shares: Sequence[share.Share], most: int) -> None:
    """Raises the first bad example when there are more than the user puts up with."""
    bad = sorted((b for s in shares for b in s.bad), key=lambda b: b.index)
    if len(bad) > most:
        raise errors.BadExampleError(
            bad[0].message,
            hint=f"This is the first of more than --max_bad_examples={most}; "
            "a larger number goes on without such examples",
        )


def _found(
    problem: Any,
    source: sources.Source,
    shares: Mapping[str, Sequence[share.Share]],
    *,
    partial: bool,
) -> dict[str, Any]:
    """Returns what the data itself told: class names, skipped examples, files read."""
    every = [s for done in shares.values() for s in done]
    skipped = collections.Counter(bad.reason for s in every for bad in s.bad)
    found: dict[str, Any] = {"skipped": dict(sorted(skipped.items()))}
    classes = {
        name: _classes(problem, name, shares, partial=partial)
        for name in share.undeclared_classes(options_lib.features(problem))
    }
    if classes:
        found["classes"] = classes
    if source.name == sources.MANUAL:
        found["raw_files"] = {name: size for s in every for name, size in sorted(s.used.items())}
    return found


def _classes(
    problem: Any, name: str, shares: Mapping[str, Sequence[share.Share]], *, partial: bool
) -> list[str]:
    """Returns the sorted class names of the training split.

    A part of the data may lack some there; then those of all splits are taken.

    Raises:
      DataError: for a class that only another split has.
    """
    by_split: dict[str, set[str]] = {
        split: set().union(*(s.classes[name] for s in done)) for split, done in shares.items()
    }
    training = by_split[problem.splits[0]]
    for split, found in by_split.items():
        strange = sorted(found - training)
        if strange and not partial:
            raise errors.DataError(
                f"The split {split!r} of {problem.name} has the class {strange[0]!r}, which "
                f"{problem.splits[0]!r} has not",
                received=f"{len(strange):,} such classes",
                expected=problem.layout or f"some of the {len(training):,} classes there",
                hint=errors.did_you_mean(strange[0], training),
            )
    return sorted(set().union(*by_split.values()))


def _tell_skipped(
    name: str, shares: Mapping[str, Sequence[share.Share]], report: progress.Progress
) -> None:
    bad = [b for done in shares.values() for s in done for b in s.bad]
    for example in bad[:_BAD_SHOWN]:
        report.say(f"skipped: {example.message}")
    if len(bad) > _BAD_SHOWN:
        report.say(f"skipped: {len(bad) - _BAD_SHOWN:,} more of {name}")
