"""Declaration: checks a table file and registers its problem.

name = "my_reviews"
command = "to-stars"
metrics = ["accuracy"]

[splits]
train = "train.csv"
validation = "validation.csv"

[inputs.review]
modality = "language"

[targets]
modality = "categorical"
column = "stars"
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from t2t_mm import errors, registry
from t2t_mm import problem as problem_lib
from t2t_mm.config import value_types
from t2t_mm.modality import base as modality
from t2t_mm.problem_bases.tables import document, files, problem, rows

_TOP = (
    "name",
    "version",
    "command",
    "metrics",
    "metric_tokenizer",
    "answers",
    "answers_of_training",
    "shared_inputs",
    "corpus",
    "data",
    "splits",
    "inputs",
    "targets",
)
_MARKS = ("data", "splits", "inputs", "targets")
_FEATURE = ("modality", "column", "file")


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of a folder that may be tables, without hidden and private ones."""
    return sorted(path for path in folder.glob("*.toml") if path.name[0] not in "._")


def load(path: pathlib.Path) -> bool:
    """Registers the problem that a file declares.

    Returns:
      False for another TOML file, such as a project's settings.

    Raises:
      TableError: for an incomplete or wrong declaration, with its place.
    """
    root = document.Document(path).root
    if not any(mark in root.values for mark in _MARKS):
        return False
    root.check_keys(_TOP)
    name = root.get("name", str)
    declared = _declare(root, name, path)
    try:
        problem_lib.register_problem(name, place=root.document.place("name"))(declared)
    except errors.UserError as error:
        raise root.error(error, "name") from error
    return True


def _declare(root: document.Section, name: str, path: pathlib.Path) -> type[problem.TableProblem]:
    """Returns the class of a table's problem."""
    modalities: dict[str, modality.Modality] = {}
    features = []
    for section in _sections(root):
        feature, declared = _feature(section)
        features.append(feature)
        modalities[feature.name] = declared
    corpus = root.get("corpus", str, name)
    files.check_corpus(root, corpus)
    reader, splits, key = files.declared(root, features)
    table = problem.Table(reader, splits, tuple(features), key)
    attributes = {
        "__doc__": f"What {path} declares.",
        "__module__": problem.__name__,
        "version": root.get("version", str, problem_lib.Problem.version),
        "command": root.get("command", str),
        "metrics": tuple(_metrics(root)),
        "metric_tokenizer": root.get("metric_tokenizer", str, ""),
        "answers": tuple(root.get("answers", list[str], [])),
        "answers_of_training": root.get("answers_of_training", int, 0),
        "shared_inputs": tuple(root.get("shared_inputs", list[str], [])),
        "corpus": corpus,
        "layout": _layout(table),
        "splits": splits.names,
        "inputs": {name: modalities[name] for name in modalities if name != "targets"},
        "targets": modalities["targets"],
        "table": table,
    }
    return type(f"Table_{name}", (problem.TableProblem,), attributes)


def _sections(root: document.Section) -> Iterator[document.Section]:
    """Yields the tables of all inputs, then that of the targets."""
    inputs = root.section("inputs")
    for name in inputs.values:
        if name == "targets":
            wrong = errors.PluginError("An input is named 'targets'", hint="Rename it")
            raise inputs.error(wrong, name)
        yield inputs.section(name)
    if "targets" not in root.values:
        wrong = errors.PluginError("The table [targets] is missing")
        raise root.error(wrong)
    yield root.section("targets")


def _feature(section: document.Section) -> tuple[problem.Feature, modality.Modality]:
    """Returns the data source of an input or of the targets, and its modality."""
    name = section.names[-1]
    declared = _modality(section, section.get("modality", str))
    if "column" in section.values and "file" in section.values:
        wrong = errors.PluginError(f"{section.title} has both a column and a file")
        raise section.error(wrong, "file")
    file = section.get("file", str, "")
    several = name == "targets" and isinstance(section.values.get("column"), list)
    column = section.get("column", list[str] if several else str, name)
    columns = tuple(column) if several else (column,)
    if several and not (columns and declared.is_text):
        wrong = errors.PluginError(
            f"Several columns cannot feed {section.title}", received=columns, expected="one column"
        )
        raise section.error(wrong, "column")
    if file:
        files.check_pattern(section, "file", file)
        columns = ()
    return problem.Feature(name, columns, file, declared.is_text), declared


def _modality(section: document.Section, kind: str) -> modality.Modality:
    """Returns the modality of a section, with the section's parameters."""
    try:
        cls = registry.modalities.get(kind)
    except errors.ConfigError as error:
        raise section.error(error, "modality") from error
    parameters = value_types.field_types(cls)
    section.check_keys((*_FEATURE, *parameters))
    values = {key: section.get(key, parameters[key]) for key in section.values if key in parameters}
    if values.get("classes") == ():
        wrong = errors.PluginError(
            "classes is empty",
            expected="the names of two classes or more",
            hint="Leave it out, and they are those of the training split",
        )
        raise section.error(wrong, "classes")
    try:
        return cls(**values)
    except errors.UserError as error:
        raise section.error(error, next(iter(values), None)) from error


def _metrics(root: document.Section) -> list[str]:
    names = root.get("metrics", list[str])
    for name in names:
        if name not in registry.metrics:
            try:
                registry.metrics.get(name)
            except errors.ConfigError as error:
                raise root.error(error, "metrics") from error
    if not names:
        wrong = errors.PluginError("metrics is empty", expected="the name of a metric or more")
        raise root.error(wrong, "metrics")
    return list(names)


def _layout(table: problem.Table) -> str:
    """Describes the expected files, in a line."""
    patterns = ", ".join(dict.fromkeys(table.splits.files.values()))
    if table.reader.format == rows.FOLDER:
        beside = [feature.file for feature in table.features if feature.file]
        return f"{patterns}{' beside ' if beside else ''}{', '.join(beside)}"
    return f"{patterns} with {', '.join(table.reader.needed)}"
