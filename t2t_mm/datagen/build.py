"""Builds the records and the manifest of one problem from its raw files."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors, version
from t2t_mm.corpus import raw
from t2t_mm.data import manifest
from t2t_mm.datagen import (
    code,
    division,
    encode,
    overlaps,
    progress,
    shuffle,
    sources,
    workers,
)
from t2t_mm.datagen import options as options_lib
from t2t_mm.files import atomic

_BAD_SHOWN = 3
_FILES_SHOWN = 3
_SUMS = 1 << 64


def build(
    problem: Any,
    source: sources.Source,
    folder: pathlib.Path,
    *,
    options: options_lib.Options,
    pool: workers.Runner,
    report: progress.Progress,
) -> manifest.Manifest:
    """Generates all records of `problem` in `folder`, replacing older ones at the end.

    Raises:
      UserError: for any error of raw files, examples or the disk. Then nothing of the new
        data remains, and older data is unchanged.
    """
    with atomic.folder(folder) as making:
        shards: dict[str, tuple[manifest.Shard, ...]] = {}
        parts: dict[str, list[encode.EncodedPart]] = {}
        known: dict[str, frozenset[str]] = {}
        prints: dict[str, pathlib.Path] = {}
        for split in problem.splits:
            report.start(f"{problem.name} {split}", options.max_examples)
            buckets = making / ".buckets"
            with atomic.writing(buckets):
                buckets.mkdir()
            parts[split] = _encode(problem, split, source, buckets, options, known, pool, report)
            known = known or _known(problem, parts[split], options)
            _check_bad([s for done in parts.values() for s in done], options.max_bad_examples)
            shards[split] = _sort(problem, split, buckets, making, parts[split], pool)
            prints[split] = making / f".{split}{overlaps.ENDING}"
            overlaps.collect(buckets, prints[split])
            shutil.rmtree(buckets)
            count = sum(shard.examples for shard in shards[split])
            if not count and split in problem.optional_splits:
                del shards[split]
                report.finish(0)
                report.say(f"{problem.name}: the raw files have no examples for {split}")
                continue
            if not count:
                raise errors.DataError(
                    f"The split {split!r} of {problem.name} is empty",
                    received=f"no example in {_files_read(parts[split]) or source.root}",
                    expected=problem.layout or None,
                )
            report.finish(count)
        generated = manifest.Manifest(
            making,
            problem=problem.name,
            version=problem.version,
            source=source.name,
            seed=options.seed,
            shards=shards,
            details=options_lib.settings(problem, source, options)
            | _found(problem, source, parts)
            | {
                "bytes": sum(s.bytes for split in shards.values() for s in split),
                "code_version": version.__version__,
                "code_sha256": code.digest(problem, source=source.name),
            },
        )
        shared = list(overlaps.warnings(generated, prints))
        for path in prints.values():
            path.unlink()
        generated.save()
    _tell_skipped(problem.name, parts, report)
    for split, reasons in generated.details["filtered"].items():
        listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
        report.say(f"left out of {problem.name} {split}: {listed}")
    for name, counts in generated.details.get("unseen", {}).items():
        said = ", ".join(f"{count:,} examples of {split}" for split, count in counts.items())
        report.say(f"{said} have {name} that {problem.splits[0]} has not: no answer is right")
    for line in shared:
        report.say(line)
    return dataclasses.replace(generated, folder=folder)


def _encode(
    problem: Any,
    split: str,
    source: sources.Source,
    buckets: pathlib.Path,
    options: options_lib.Options,
    known: Mapping[str, frozenset[str]],
    pool: workers.Runner,
    report: progress.Progress,
) -> list[encode.EncodedPart]:
    """Encodes a split in all workers into the buckets of the external shuffle."""
    files = raw.RawFiles.of(
        source.root, problem.corpus, problem.layout, follow_links=options.follow_links
    )
    files.scratch = buckets  # a database of annotations that `parts` makes is for the workers too
    jobs = division.divide(
        problem(), split, files, workers=pool.count, max_examples=options.max_examples
    )
    assignments = [
        encode.Assignment(
            problem=problem.name,
            split=split,
            root=source.root,
            buckets=buckets,
            number=number,
            slices=slices,
            seed=options.seed,
            max_examples=options.max_examples,
            max_bad_examples=options.max_bad_examples,
            source=source.name,
            follow_links=options.follow_links,
            known=known,
        )
        for number, slices in enumerate(jobs)
    ]
    done = pool.run(encode.encode_part, assignments, scratch=buckets, watch=report.update)
    done[0].used.update(files.used)  # what `parts` read, workers did not have to
    return done


def _known(
    problem: Any, training: Sequence[encode.EncodedPart], options: options_lib.Options
) -> dict[str, frozenset[str]]:
    """Returns the classes of training by feature, if examples of other classes are bad.

    With `max_examples`, training may lack some classes; then all are allowed.
    """
    features = options_lib.features(problem)
    return {
        name: frozenset(label for s in training for label in s.classes[name])
        for name in encode.undeclared_classes(features)
        if options.max_examples is None and not features[name].allow_unseen
    }


def _sort(
    problem: Any,
    split: str,
    buckets: pathlib.Path,
    making: pathlib.Path,
    parts: Sequence[encode.EncodedPart],
    pool: workers.Runner,
) -> tuple[manifest.Shard, ...]:
    """Sorts the buckets of a split into its shards, and compares these with what was encoded."""
    count = shuffle.shard_count(sum(s.bytes for s in parts))
    if count > shuffle.BUCKETS:
        every = range(shuffle.BUCKETS)
        splits = [shuffle.BucketPlan(buckets, one, count) for one in every]
        pool.run(shuffle.split_bucket, splits, scratch=buckets)
    plans = [shuffle.ShardPlan(buckets, making, split, index, count) for index in range(count)]
    written = pool.run(shuffle.write_shard, plans, scratch=buckets)
    kept = [(one.shard.examples, one.shard.bytes, one.checksum) for one in written]
    encoded = [(part.examples, part.bytes, part.checksum) for part in parts]
    was, now = ([sum(column) for column in zip(*rows, strict=True)] for rows in (encoded, kept))
    if [*was[:2], was[2] % _SUMS] != [*now[:2], now[2] % _SUMS]:
        raise errors.DataError(
            f"Records of {problem.name} {split} were lost or changed on their way to its shards",
            received=f"{now[0]:,} examples of {now[1]:,} bytes",
            expected=f"{was[0]:,} examples of {was[1]:,} bytes, the same in their checksums",
            hint="Is the disk or the network under --data_dir sound? Run it again",
        )
    return tuple(one.shard for one in written)


def _check_bad(parts: Sequence[encode.EncodedPart], most: int) -> None:
    """Raises the first bad example if there are more than the user allows."""
    bad = _in_order(parts)
    if len(bad) > most:
        raise errors.BadExampleError(
            bad[0].message,
            hint=f"This is the first of more than --max_bad_examples={most}; "
            "a larger number goes on without such examples",
        )


def _in_order(parts: Sequence[encode.EncodedPart]) -> list[encode.BadExample]:
    """Returns the bad examples of all workers, in the order of the raw data."""
    return sorted((bad for one in parts for bad in one.bad), key=lambda bad: bad.place)


def _found(
    problem: Any, source: sources.Source, parts: Mapping[str, Sequence[encode.EncodedPart]]
) -> dict[str, Any]:
    """Returns facts of the data for the manifest: class names, skipped examples, files read."""
    every = [s for done in parts.values() for s in done]
    skipped = collections.Counter(bad.reason for s in every for bad in s.bad)
    details: dict[str, Any] = {"skipped": dict(sorted(skipped.items()))}
    filtered = {
        split: sum((one.filtered for one in done), collections.Counter[str]())
        for split, done in parts.items()
    }
    if problem.shared_inputs:
        details["shared_inputs"] = list(problem.shared_inputs)
    details["filtered"] = {
        split: dict(sorted(counts.items())) for split, counts in filtered.items() if counts
    }
    features = options_lib.features(problem)
    classes = {name: _classes(problem, name, parts) for name in encode.undeclared_classes(features)}
    if classes:
        details["classes"] = classes
    if problem.answers_of_training:
        total = sum((s.answers for s in parts[problem.splits[0]]), collections.Counter[str]())
        ranked = sorted(total, key=lambda answer: (-total[answer], answer))
        details["answers"] = ranked[: problem.answers_of_training]
    unseen = {
        name: _unseen(parts, name, frozenset(names))
        for name, names in classes.items()
        if features[name].allow_unseen
    }
    if any(unseen.values()):
        details["unseen"] = unseen
    if source.name in sources.OF_FILES:
        details["raw_files"] = {name: size for s in every for name, size in sorted(s.used.items())}
    return details


def _files_read(parts: Sequence[encode.EncodedPart]) -> str:
    """Returns the names of the texts and archives read; of many, the first few."""
    return errors.first_few(sorted({name for one in parts for name in one.used}), _FILES_SHOWN)


def _classes(
    problem: Any, name: str, parts: Mapping[str, Sequence[encode.EncodedPart]]
) -> list[str]:
    """Returns the sorted class names of the training split.

    A part of the data may lack some there; then those of all splits are taken.
    """
    seen: list[encode.EncodedPart] = []
    for split, done in parts.items():
        # Of whole data, no other split has more classes: such examples were refused.
        if split == problem.splits[0] or not options_lib.features(problem)[name].allow_unseen:
            seen += done
    return sorted(set().union(*(s.classes[name] for s in seen)))


def _unseen(
    parts: Mapping[str, Sequence[encode.EncodedPart]], name: str, known: frozenset[str]
) -> dict[str, int]:
    """Returns how many examples of each split have a class that is not `known`."""
    counts = {
        split: sum(n for s in done for label, n in s.classes[name].items() if label not in known)
        for split, done in parts.items()
    }
    return {split: count for split, count in counts.items() if count}


def _tell_skipped(
    name: str, parts: Mapping[str, Sequence[encode.EncodedPart]], report: progress.Progress
) -> None:
    bad = [b for done in parts.values() for b in _in_order(done)]
    for example in bad[:_BAD_SHOWN]:
        report.say(f"skipped: {example.message}")
    if len(bad) > _BAD_SHOWN:
        report.say(f"skipped: {len(bad) - _BAD_SHOWN:,} more of {name}")
