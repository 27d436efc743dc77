"""The sections [data] and [splits] of a table file: files, their format, and splits."""

from __future__ import annotations

import fnmatch
import itertools
import pathlib
import re
from collections.abc import Sequence

from t2t_mm import errors
from t2t_mm.problem_bases.tables import cells, document, problem, rows, splits

_DATA = ("files", "format", "columns", "delimiter", "quotes", "key", "split_column", "group_column")
_SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def declared(
    root: document.Section, features: Sequence[problem.Feature]
) -> tuple[rows.Reader, splits.Splits, str]:
    """Returns the reader of the data, its splits, and the column of keys (or "").

    Args:
      root: of the table file.
      features: the inputs and targets, whose columns must exist.

    Raises:
      TableError: for an invalid declaration, with its place.
    """
    data = root.section("data")
    data.check_keys(_DATA)
    row_splits = _splits(data, root.section("splits"))
    return _reader(data, row_splits, features), row_splits, data.get("key", str, "")


def check_pattern(section: document.Section, key: str, pattern: str) -> None:
    """Raises for a pattern of files that leads out of the corpus."""
    paths = [pathlib.PurePosixPath(one) for one in rows.alternatives(pattern)]
    leads_out = any(path.is_absolute() or ".." in path.parts for path in paths)
    if not pattern or leads_out:
        wrong = errors.PluginError(
            f"{key!r} names no file below the corpus",
            received=repr(pattern),
            expected="a path, or a pattern such as 'part-*.csv', from MANUAL_DIR/CORPUS",
        )
        raise section.error(wrong, key)


def check_corpus(section: document.Section, corpus: str) -> None:
    """Raises for the name of a corpus that leads out of the folder of all corpora."""
    path = pathlib.PurePosixPath(corpus)
    if path.is_absolute() or ".." in path.parts:
        wrong = errors.PluginError(
            "'corpus' names no folder below --manual_dir",
            received=repr(corpus),
            expected="the name of a folder, in which all files of the problem are",
        )
        raise section.error(wrong, "corpus")


def _splits(data: document.Section, section: document.Section) -> splits.Splits:
    """Returns the splits: by files, by the values of a column, or by fractions."""
    if not section.values:
        wrong = errors.PluginError(
            "The table [splits] is missing",
            expected='for each split a file ("train.csv"), a fraction (0.9) of `files`, or a value '
            "of `split_column`",
        )
        raise section.error(wrong)
    for name in section.values:
        if not _SPLIT_NAME.fullmatch(name):
            wrong = errors.PluginError(f"Bad name of a split: {name!r}", expected="letters")
            raise section.error(wrong, name)
    column = data.get("split_column", str, "")
    group = data.get("group_column", str, "")
    fractions = any(isinstance(value, int | float) for value in section.values.values())
    if group and (column or not fractions):
        wrong = errors.PluginError("group_column serves fractions only")
        raise data.error(wrong, "group_column")
    if column:
        return splits.Splits(_one_pattern(data, section), column, _values(section))
    if fractions:
        parts = {name: section.get(name, float) for name in section.values}
        try:
            bounds = splits.bounds(parts)
        except errors.PluginError as error:
            raise section.error(error) from error
        return splits.Splits(_one_pattern(data, section), bounds=bounds, group=group)
    if "files" in data.values:
        wrong = errors.PluginError(
            "[data] has `files`, and [splits] a file for each split",
            hint="Leave `files` out, or name the `split_column` that holds these values",
        )
        raise data.error(wrong, "files")
    files = {name: section.get(name, str) for name in section.values}
    for name, pattern in files.items():
        check_pattern(section, name, pattern)
        for other in list(files)[: list(files).index(name)]:
            pairs = itertools.product(rows.alternatives(files[other]), rows.alternatives(pattern))
            if any(_same_files(one, another) for one, another in pairs):
                wrong = errors.PluginError(
                    f"The splits {other!r} and {name!r} are of the same files",
                    received=f"{files[other]} and {pattern}",
                    expected="files of their own, or fractions of `files` under [data]",
                )
                raise section.error(wrong, name)
    return splits.Splits(files)


def _values(section: document.Section) -> dict[str, tuple[str, ...]]:
    """Returns the values of the split column for each split, given as one or a list."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value_or_list in section.values.items():
        split_values = (
            tuple(section.get(name, list[str])) if isinstance(value_or_list, list) else ()
        )
        split_values = split_values or (section.get(name, str),)
        shared = [
            value for earlier in values.values() for value in earlier if value in split_values
        ]
        if shared:
            wrong = errors.PluginError(f"Two splits are of the value {shared[0]!r}")
            raise section.error(wrong, name)
        values[name] = split_values
    return values


def _same_files(one: str, other: str) -> bool:
    """Says whether the files of one pattern are certainly among those of another."""
    parts = [pathlib.PurePosixPath(pattern).parts for pattern in (one, other)]
    if len(parts[0]) != len(parts[1]):
        return False
    return any(
        all(fnmatch.fnmatchcase(name, sign) for name, sign in zip(names, signs, strict=True))
        for names, signs in (parts, reversed(parts))
    )


def _one_pattern(data: document.Section, section: document.Section) -> dict[str, str]:
    """Returns the pattern `files` for every split."""
    pattern = data.get("files", str)
    check_pattern(data, "files", pattern)
    return dict.fromkeys(section.values, pattern)


def _reader(
    data: document.Section, found: splits.Splits, features: Sequence[problem.Feature]
) -> rows.Reader:
    """Returns the reader of the files, after checking the columns if they are declared."""
    guessed = {rows.format_of(pattern) for pattern in found.files.values()}
    chosen = data.get("format", str, guessed.pop() if len(guessed) == 1 else None)
    if chosen not in rows.FORMATS:
        wrong = errors.PluginError(
            "The format of the files is not known",
            received=repr(chosen) if chosen else ", ".join(dict.fromkeys(found.files.values())),
            expected=f"format = one of {', '.join(rows.FORMATS)}",
            hint=errors.did_you_mean(chosen, rows.FORMATS) if chosen else None,
        )
        raise data.error(wrong, "format" if chosen else "files")
    columns = tuple(data.get("columns", list[str], ()))
    delimiter = data.get("delimiter", str, "")
    for key, setting in (
        ("columns", columns),
        ("delimiter", delimiter),
        ("quotes", "quotes" in data.values),
    ):
        if setting and chosen not in (rows.CSV, rows.TSV):
            wrong = errors.PluginError(f"{key!r} means nothing for the format {chosen}")
            raise data.error(wrong, key)
    if len(delimiter) > 1 or delimiter in ('"', "\n", "\r"):
        wrong = errors.PluginError(
            "Bad delimiter", received=repr(delimiter), expected="one character"
        )
        raise data.error(wrong, "delimiter")
    needed = _needed(data, found, features)
    known = rows.FOLDER_COLUMNS if chosen == rows.FOLDER else columns
    for column, place in needed.items():
        if known and column not in known:
            wrong = errors.PluginError(
                f"There is no column {column!r}",
                received=f"the columns {', '.join(known)}",
                hint=errors.did_you_mean(column, known),
            )
            raise document.TableError(place, wrong)
    return rows.Reader(
        chosen,
        columns,
        delimiter,
        quotes=data.get("quotes", bool, chosen == rows.CSV),
        needed=tuple(needed),
    )


def _needed(
    data: document.Section, found: splits.Splits, features: Sequence[problem.Feature]
) -> dict[str, str]:
    """Returns the columns that the problem uses, each with the place of its use."""
    needed: dict[str, str] = {}
    for feature in features:
        table = ("targets",) if feature.name == "targets" else ("inputs", feature.name)
        place = data.document.place(*table, "file" if feature.file else "column")
        for column in feature.columns or cells.columns_of(feature.file):
            needed.setdefault(column, place)
    for key, column in (
        ("key", data.get("key", str, "")),
        ("split_column", found.column),
        ("group_column", found.group),
    ):
        if column:
            needed.setdefault(column, data.document.place("data", key))
    return needed
