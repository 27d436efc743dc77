"""`t2t_mm.decode`: answers to inputs of one's own, or to a generated split."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.data import atomic
from t2t_mm.decoding import inputs as inputs_lib
from t2t_mm.decoding import settings as settings_lib

if TYPE_CHECKING:
    from t2t_mm import loaded_run
    from t2t_mm.data import task as task_lib

CHUNK = 4096
"""Inputs that are held in memory at once; lengths are sorted within."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """One decoded input.

    Args:
      inputs: as given: a text, a path, or an object of them by input name.
      outputs: text (detokenised), or the name of a class; empty for an empty input.
      score: log-probability of the outputs, in nats.
      references: the targets of a generated split, of which each is right; none for
        other inputs.
    """

    inputs: Any
    outputs: str
    score: float
    references: tuple[str, ...] = ()

    @property
    def reference(self) -> str | None:
        """The target of a generated split, of several the first; None for other inputs."""
        return self.references[0] if self.references else None

    def as_json(self) -> dict[str, Any]:
        """Returns the answer as JSON values.

        `reference` is there where there is a target, `references` where there are more.
        """
        values = dataclasses.asdict(self)
        references = values.pop("references")
        if references:
            values["reference"] = references[0]
        if len(references) > 1:
            values["references"] = list(references)
        return values


def decode(
    run: str | os.PathLike[str] | loaded_run.LoadedRun,
    inputs: Iterable[inputs_lib.Given] | None = None,
    *,
    problem: str | None = None,
    split: str | None = None,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
    settings: settings_lib.DecodeSettings | None = None,
    max_examples: int | None = None,
) -> list[Answer]:
    """Decodes inputs, or a generated split, with a trained model.

    Example:
        t2t_mm.decode("runs/ende", ["A dog runs."])[0].outputs

    Args:
      run: an output folder of a training, or what `load_run` returned.
      inputs: texts, paths of files, encoded bytes, or objects of these by input name.
      problem: may be left out where the run has but one.
      split: decode this generated split instead of `inputs`; the answers to a whole
        split are also kept in the run's `decodes/`.
      checkpoint: "latest", "best" or a step; of no effect on a loaded run.
      data_dir: of generated data, if it is not where the training read it.
      settings: of the search; those of the run's configuration when left out.
      max_examples: the first so many of a split only.

    Returns:
      An answer for each input, in the order of the inputs.

    Raises:
      ConfigError: for inputs, names or settings that cannot be meant.
      DataError: for data or files that are not there or do not decode.
      CheckpointError: for a checkpoint that is missing or damaged.
    """
    if (inputs is None) == (split is None):
        raise errors.ConfigError(
            "Give inputs or a split to decode",
            received="both" if split is not None else "neither",
        )
    if settings is not None:
        settings.check_greedy()
    from t2t_mm import loaded_run

    loaded = loaded_run.as_loaded(run, checkpoint=checkpoint, data_dir=data_dir)
    task = loaded.task(problem)
    if split is not None:
        answers = _of_split(loaded, task, split, settings, max_examples)
        if is_whole(task, split, len(answers)):
            keep(loaded, task, split, answers)
        return answers
    return list(of_requests(loaded, task, inputs_lib.requests(task, inputs or ()), settings))


def of_requests(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    requests: Iterable[inputs_lib.Request],
    settings: settings_lib.DecodeSettings | None = None,
) -> Iterator[Answer]:
    """Yields the answers to requests in their order, some thousand decoded at a time."""
    from t2t_mm.data import pipeline
    from t2t_mm.decoding import decoder

    requests = iter(requests)
    while chunk := list(itertools.islice(requests, CHUNK)):
        raw = [request.raw for request in chunk if request.raw is not None]
        found: Iterator[decoder.Decode] = iter(())
        if raw:
            dataset = pipeline.predict_dataset(task, raw, loaded.batching)
            search = settings or loaded.decode_settings
            found = iter(decoder.decode_dataset(loaded.model, task, dataset, search))
        for request in chunk:
            if request.raw is None:
                yield Answer(request.shown, "", 0.0)
            else:
                decode = next(found)
                yield Answer(request.shown, decode.outputs, decode.score)


def is_whole(task: task_lib.Task, split: str, answers: int) -> bool:
    """Returns whether so many answers are those to a whole split, and so worth keeping."""
    return answers == task.manifest().examples(split)


def keep(
    loaded: loaded_run.LoadedRun, task: task_lib.Task, split: str, answers: list[Answer]
) -> pathlib.Path:
    """Writes the answers for a whole split to the run's `decodes/`, and returns the file."""
    path = kept_path(loaded, task, split)
    atomic.write_text(path, as_text(answers, as_json=True))
    return path


def kept_path(loaded: loaded_run.LoadedRun, task: task_lib.Task, split: str) -> pathlib.Path:
    """Returns the file for the answers of a split, one JSON object a line."""
    return loaded.folder.decodes / f"{task.name}.{split}.{loaded.step}.jsonl"


def as_text(answers: Iterable[Answer], *, as_json: bool) -> str:
    """Returns the answers, one a line: JSON objects, or the outputs alone.

    A line end within an output is a space in the latter, so that lines stay in step
    with those of the input.
    """
    if as_json:
        lines = [json.dumps(answer.as_json(), ensure_ascii=False) for answer in answers]
    else:
        lines = [" ".join(answer.outputs.splitlines()) for answer in answers]
    return "".join(f"{line}\n" for line in lines)


def _of_split(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    settings: settings_lib.DecodeSettings | None,
    max_examples: int | None,
) -> list[Answer]:
    from t2t_mm.data import pipeline
    from t2t_mm.decoding import decoder

    search = settings or loaded.decode_settings
    dataset = pipeline.eval_dataset(task, split, loaded.batching, max_examples=max_examples or None)
    spec = dataset.element_spec["inputs"]
    found: dict[int, Answer] = {}
    for batch in pipeline.iterate(dataset, task, split):
        decodes = decoder.decode_batch(loaded.model, task, batch, spec, search)
        shown = decoder.shown_inputs(task, batch)
        references = decoder.references(batch)
        for row, place in enumerate(batch["index"].numpy().tolist()):
            found[place] = Answer(
                shown[row],
                decodes[row].outputs,
                decodes[row].score,
                references[row],
            )
    if not found:
        raise errors.DataError(f"The split {split!r} of {task.name!r} has no examples")
    return decoder.in_order(found)
