"""Encodes slices of a split: reads a part of the corpus, and encodes every n-th example of it.

Where a corpus has not as many parts as there are workers, several run the same generator,
which is cheap (pictures are paths there), and each encodes the examples of its turn, which
is not. So no example is sent between processes.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from t2t_mm import errors, registry
from t2t_mm.corpus import raw
from t2t_mm.data import records
from t2t_mm.datagen import division, failures, groups, overlaps, shuffle
from t2t_mm.modality.categorical import declaration as categorical
from t2t_mm.modality.language import declaration as language

_TELL_EVERY = 64
_QUOTED = re.compile(r"'[^']*'|(?<![-\w])\d+")  # but not the 8 of UTF-8


@dataclasses.dataclass(frozen=True)
class Assignment:
    """One job of a worker.

    Args:
      problem: its name.
      split: to be generated.
      root: the folder of the corpus, or of all corpora.
      buckets: the folder for the buckets, and for the prints of examples.
      number: of the job, in the names of its files.
      slices: the examples to be encoded.
      seed: of the order.
      max_examples: of the split, or None.
      max_bad_examples: more of them end the work.
      source: of the raw files; the inputs of samples may be declared differently.
      follow_links: follow symbolic links out of the corpus.
      known: the allowed classes by feature; examples of others are bad.
    """

    problem: str
    split: str
    root: pathlib.Path
    buckets: pathlib.Path
    number: int
    slices: tuple[division.Slice, ...]
    seed: int
    max_examples: int | None
    max_bad_examples: int
    source: str
    follow_links: bool = False
    known: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class BadExample:
    """An example that cannot be used.

    Attributes:
      place: of its part, and in its part.
      key: of the example.
      message: the error.
      reason: the error's kind.
    """

    place: tuple[int, int]
    key: str
    message: str
    reason: str


@dataclasses.dataclass
class EncodedPart:
    """The results of a job: counts, sizes, bad examples, class names, files read.

    Attributes:
      checksum: of the records, by `shuffle.checksum`.
      classes: by feature without declared classes, how often each class occurred.
      answers: how often each target occurred, where the problem keeps the most frequent.
      filtered: how many examples the generator skipped, by reason.
    """

    examples: int = 0
    bytes: int = 0
    checksum: int = 0
    bad: list[BadExample] = dataclasses.field(default_factory=list)
    classes: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)
    answers: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    used: dict[str, int] = dataclasses.field(default_factory=dict)
    filtered: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)


def encode_part(assignment: Assignment, count: Callable[[int], None]) -> EncodedPart:
    """Encodes a worker's part of a split into its buckets.

    Args:
      assignment: the job.
      count: called often with the number of examples so far; may raise to end the job.

    Raises:
      UserError: for errors in raw files, keys, features or the generator.
    """
    problem = registry.problems.get(assignment.problem)()
    files = raw.RawFiles.of(
        assignment.root, problem.corpus, problem.layout, follow_links=assignment.follow_links
    )
    files.scratch = assignment.buckets
    features = {**problem.declared_inputs(assignment.source), "targets": problem.targets}
    part = EncodedPart(
        classes={name: collections.Counter() for name in undeclared_classes(features)}
    )
    keeps_answers = problem.answers_of_training > 0 and assignment.split == problem.splits[0]
    with (
        shuffle.BucketWriter(assignment.buckets, assignment.number) as out,
        overlaps.Prints(assignment.buckets, assignment.number) as prints,
    ):
        for one in assignment.slices:
            skipped = collections.Counter(files.skipped)
            items = _items(problem, assignment, one, files)
            for number, group in enumerate(groups.of(items, problem.shared_inputs)):
                if number % _TELL_EVERY == 0:
                    count(part.examples)
                if number % one.step != one.turn:
                    continue
                held: list[groups.Encoded] = []
                for index, item in group:
                    key, values = _checked(item, features, problem.name, index)
                    known = {name: held[0][name] for name in problem.shared_inputs if held}
                    try:
                        encoded = _encode(key, values, features, files, known)
                        _check_classes(encoded, assignment.known)
                    except errors.BadExampleError as error:
                        why = files.damage.explain(values) or error
                        part.bad.append(_bad((one.number, index), key, assignment, why))
                        if len(part.bad) > assignment.max_bad_examples:
                            return part
                        continue
                    for name, counts in part.classes.items():
                        counts[encoded[name][0].decode("utf-8")] += 1
                    if keeps_answers:
                        part.answers[encoded["targets"][0].decode("utf-8")] += 1
                    prints.add(encoded)
                    held.append(encoded)
                if held:
                    record = groups.write(out, held, problem.shared_inputs, assignment.seed)
                    part.bytes += len(record)
                    part.checksum += shuffle.checksum(record)
                    part.examples += len(held)
            if one.turn == 0:  # the others go through the same part
                part.filtered += collections.Counter(files.skipped) - skipped
    count(part.examples)
    part.used = files.used
    return part


def undeclared_classes(features: Mapping[str, Any]) -> list[str]:
    """Returns the features without declared class names, which the data has to give."""
    return [
        name
        for name, modality in features.items()
        if isinstance(modality, categorical.Categorical) and not modality.classes
    ]


def _items(
    problem: Any, assignment: Assignment, one: division.Slice, files: raw.RawFiles
) -> Iterator[tuple[int, Any]]:
    """Yields the examples of a part, numbered; the generator's exceptions become PluginErrors."""
    files.part = one.part
    number = 0

    def where() -> str:
        return (
            f"generate_examples of {problem.name!r} failed in the split {assignment.split!r} "
            f"after example {number:,}"
        )

    with failures.of_plugin(where, problem):
        examples = problem.generate_examples(assignment.split, files)
        for number, item in enumerate(itertools.islice(examples, assignment.max_examples)):
            yield number, _without_blanks(item, files)


def _without_blanks(item: Any, files: raw.RawFiles) -> Any:
    """Removes blank targets from an example with several, and counts them.

    One empty caption of five is no reason to lose the picture. If all are blank, the
    example stays as it is, and is a bad one.
    """
    if not isinstance(item, tuple) or len(item) != 2 or not isinstance(item[1], Mapping):
        return item
    key, values = item
    several = values.get(records.SEVERAL)
    if not isinstance(several, list | tuple):
        return item
    kept = [one for one in several if not (isinstance(one, str) and language.is_blank(one))]
    if not kept or len(kept) == len(several):
        return item
    for _ in range(len(several) - len(kept)):
        files.skip("an empty target beside others")
    return key, {**values, records.SEVERAL: kept}


def _checked(
    item: Any, features: Mapping[str, Any], problem: str, index: int
) -> tuple[str, Mapping[str, Any]]:
    """Returns the key and values of an example, after checking them by the declaration."""
    try:
        key, values = item
    except (TypeError, ValueError):
        key, values = None, None
    if not isinstance(key, str) or not key or not isinstance(values, Mapping):
        raise errors.PluginError(
            f"generate_examples of {problem!r} yielded something odd as example {index:,}",
            received=errors.shortened(repr(item), 120),
            expected="(key, features): a non-empty string and a dict",
        )
    if values.keys() == features.keys():
        return key, values
    missing = sorted(features.keys() - values.keys())
    strange = sorted(map(str, values.keys() - features.keys()))
    wrong = [f"lacks {name!r}" for name in missing] + [f"has an unknown {n!r}" for n in strange]
    raise errors.PluginError(
        f"The example {key!r} of {problem!r} {' and '.join(wrong)}",
        received=f"features {', '.join(map(str, values)) or 'none'}",
        expected=", ".join(features),
        hint=errors.did_you_mean(strange[0], missing) if strange and missing else None,
    )


def _encode(
    key: str,
    values: Mapping[str, Any],
    features: Mapping[str, Any],
    files: raw.RawFiles,
    known: Mapping[str, Sequence[bytes]],
) -> dict[str, Sequence[bytes]]:
    """Returns an example's features and its key, as lists of encoded values.

    Args:
      key: of the example.
      values: raw, by feature.
      features: modalities by name.
      files: of the corpus.
      known: what is encoded already, by feature.
    """
    name = "key"
    try:
        encoded: dict[str, Sequence[bytes]] = {name: [key.encode("utf-8", "backslashreplace")]}
        for name, modality in features.items():
            if name in known:
                encoded[name] = known[name]
                continue
            value = values[name]
            each = (value,) if isinstance(value, str) else _each(name, value)
            for one in each:
                files.boundary.check_value(one)
            encoded[name] = found = [modality.encode(one) for one in each]
            for one, data in zip(each, found, strict=True):
                if not data or (modality.is_text and data.isspace()):
                    raise errors.BadExampleError("It is empty")
                if isinstance(one, str) and language.is_blank(one):
                    raise errors.BadExampleError(
                        "Nothing of it can be seen",
                        received=f"{len(one):,} signs, from {one[:8]!a} on",
                    )
    except errors.BadExampleError as error:
        raise errors.BadExampleError(f"{name}: {error}") from error
    except UnicodeEncodeError as error:
        raise errors.BadExampleError(
            f"{name}: It is not valid Unicode",
            received=errors.shortened(ascii(values.get(name, key))),
            hint="Where it is the name of a folder or file, rename that, for example with convmv",
        ) from error
    return encoded


def _each(name: str, value: Any) -> Sequence[Any]:
    """Returns the values of a feature: several for alternative targets."""
    if isinstance(value, errors.BadExampleError):
        raise value
    if name != records.SEVERAL or not isinstance(value, (list, tuple)):
        return [value]
    if not value:
        raise errors.BadExampleError(
            "There is no target in the list of targets", expected="one value or more"
        )
    return value


def _check_classes(
    encoded: Mapping[str, Sequence[bytes]], known: Mapping[str, frozenset[str]]
) -> None:
    """Raises for a class that no training example has."""
    for name, classes in known.items():
        label = encoded[name][0].decode("utf-8")
        if label not in classes:
            raise errors.BadExampleError(
                f"{name}: The class {label!r} does not occur in training",
                expected=f"one of the {len(classes):,} classes there",
                hint=errors.did_you_mean(label, classes),
            )


def _bad(
    place: tuple[int, int], key: str, assignment: Assignment, error: errors.BadExampleError
) -> BadExample:
    reason = _QUOTED.sub("...", str(error).split(". ", 1)[0])
    name, _, rest = reason.partition(": ")
    what = rest.split(": ", 1)[0].rstrip(".")
    message = (
        f"The example {key!r} of {assignment.problem}, split {assignment.split}, is bad: {error}"
    )
    return BadExample(place, key, message, f"{name}: {what}")
