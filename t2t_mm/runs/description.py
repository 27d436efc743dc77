"""The description of a run, `problems.json`: model, schedule, and what each problem was."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from t2t_mm import errors, version
from t2t_mm.data import task as task_lib
from t2t_mm.files import mirrors, paths
from t2t_mm.modality import base as modality

FORMAT = 1

_FREE = frozenset(("splits", "metrics", "metric_tokenizer", "answers"))
"""What of a problem may differ where a run goes on: nothing is learnt from it."""


def make(*, model: str, schedule: str, tasks: Sequence[task_lib.Task]) -> dict[str, Any]:
    """Returns what `problems.json` is to hold of a run."""
    return {
        "format": FORMAT,
        "code_version": version.__version__,
        "model": model,
        "schedule": schedule,
        "data_dir": _data_dir(tasks),
        "problems": [task.describe() for task in tasks],
    }


def read(path: pathlib.Path) -> dict[str, Any]:
    """Returns what `problems.json` holds.

    Raises:
      ConfigError: it is damaged, or of another format.
    """
    from t2t_mm.schemas import json_files
    from t2t_mm.schemas import run as run_schemas

    # The format first, for another one may have other fields.
    head = json_files.read(path, run_schemas.Format, error=errors.ConfigError)
    if head["format"] != FORMAT:
        raise errors.ConfigError(
            f"{path} has another format",
            received=head["format"],
            expected=FORMAT,
            hint=f"It was written by t2t-mm {head.get('code_version', '?')}",
        )
    description = json_files.read(path, run_schemas.Run, error=errors.ConfigError)
    names = [problem["name"] for problem in description["problems"]]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise errors.ConfigError(f"{path} is damaged: two of its problems are named {twice[0]}")
    return dict(description)


def differences(held: dict[str, Any], model: str, problems: list[dict[str, Any]]) -> list[str]:
    """Returns what tells the held run from the wanted one, in words."""
    phrases = []
    if held["model"] != model:
        phrases.append(f"its model is {held['model']}, not {model}")
    old = {problem["name"]: problem for problem in held["problems"]}
    new = {problem["name"]: problem for problem in json.loads(json.dumps(problems))}
    if set(old) != set(new):
        phrases.append(f"its problems are {', '.join(sorted(old))}, not {', '.join(sorted(new))}")
    for name in sorted(set(old) & set(new)):
        for item in sorted(set(old[name]) | set(new[name])):
            before, after = (_completed(item, side[name].get(item)) for side in (old, new))
            if item not in _FREE and before != after:
                phrases.append(f"{item} of {name} was {_short(before)}, not {_short(after)}")
    return phrases


def without_version(description: dict[str, Any]) -> dict[str, Any]:
    """Returns a description but for the version of the code that wrote it."""
    values = json.loads(json.dumps(description))
    values.pop("code_version", None)
    return dict(values)


def _completed(item: str, value: Any) -> Any:
    """Returns what was described, with the defaults of parameters that are newer."""
    if item == "inputs":
        return {name: _completed("targets", described) for name, described in value.items()}
    if item != "targets":
        return value
    try:
        return json.loads(json.dumps(modality.from_description(value).describe()))
    except errors.UserError:
        return value  # of a modality, or with a parameter, that there is no longer


def _short(value: Any) -> str:
    return errors.shortened(json.dumps(value, ensure_ascii=False), 120)


def _data_dir(tasks: Sequence[task_lib.Task]) -> str | None:
    """Returns the URL or absolute folder of the records, for commands run from elsewhere."""
    folders = [task.data_dir for task in tasks if task.data_dir is not None]
    if not folders:
        return None
    folder = paths.expanded(folders[0]).resolve()
    return mirrors.url_of(folder) or str(folder)
