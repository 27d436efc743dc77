"""`t2t_mm.decode`: decodes your own inputs, or a generated split."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import limits as limits_lib
from t2t_mm.decoding import requests as requests_lib
from t2t_mm.files import atomic
from t2t_mm.settings import decoding

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib
    from t2t_mm.runs import loaded_run

CHUNK = 4096
"""Inputs in memory at a time, within which they are sorted by length."""


def decode(
    run: str | os.PathLike[str] | loaded_run.LoadedRun,
    inputs: Iterable[requests_lib.Given] | None = None,
    *,
    problem: str | None = None,
    split: str | None = None,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
    settings: decoding.DecodeSettings | None = None,
    max_examples: int | None = None,
    strict: bool = True,
    **search: Any,
) -> list[answers_lib.Answer]:
    """Decodes inputs, or a generated split, with a trained model.

    Example:
        t2t_mm.decode("runs/ende", ["A dog runs."], beam_size=4, alpha=0.6)[0].outputs
        t2t_mm.decode("runs/digits", [(samples, 16_000)], n_best=3)[0].n_best  # of 10 classes
        t2t_mm.decode("runs/vqa", [{"image": pixels, "question": "How many dogs?"}])

    Args:
      run: an output folder of a training, or what `load_run` returned.
      inputs: a list of texts, paths of files, encoded bytes or arrays, or of objects of these
        by input name. A picture may be one of Pillow's or an array `[H, W]` or `[H, W, C]`
        (C of 1, 3 or 4: grey, RGB, RGBA without its alpha), uint8 or float from 0 to 1; a
        sound a pair `(samples, rate)`: `[n]` or `[n, channels]`, float from -1 to 1 or int16,
        and samples a second.
      problem: may be left out if the run has only one.
      split: decode this generated split instead of `inputs`; the answers to a whole
        split are also saved in the run's `decodes/`.
      checkpoint: "latest", "best" (by the run's `TrainSettings.best_metric`) or a step; of no
        effect on a loaded run.
      data_dir: of generated data, if it has moved since the training.
      settings: of the search; by default those of the run's configuration.
      max_examples: decode only the first so many of a split.
      strict: raise for the first input that cannot be used; otherwise its answer has the
        `error`, and the others are decoded.
      **search: fields of `DecodeSettings` that override these (`beam_size=4`,
        `temperature=1.0`). For a class, `n_best` gives the likeliest ones with their scores.

    Returns:
      An answer for each input, in the order of the inputs.

    Raises:
      ConfigError: for invalid inputs, names or settings.
      DataError: for data or files that are missing or damaged.
      CheckpointError: for a checkpoint that is missing or damaged.
    """
    if (inputs is None) == (split is None):
        raise errors.ConfigError(
            "Give inputs or a split to decode",
            received="both" if split is not None else "neither",
        )
    from t2t_mm.runs import loaded_run

    loaded = loaded_run.as_loaded(run, checkpoint=checkpoint, data_dir=data_dir)
    task = loaded.task(problem)
    used = (settings or loaded.decode_settings).override(search)
    used.check(task)
    if split is not None:
        answers = _of_split(loaded, task, split, used, max_examples)
        if is_whole(task, split, len(answers)):
            keep(loaded, task, split, used, answers)
        return answers
    requests = requests_lib.requests(task, () if inputs is None else inputs, strict=strict)
    return list(of_requests(loaded, task, requests, used, strict=strict))


def of_requests(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    requests: Iterable[requests_lib.Request],
    settings: decoding.DecodeSettings | None = None,
    *,
    strict: bool = False,
    asked: int = 0,
) -> Iterator[answers_lib.Answer]:
    """Yields the answers to requests in their order, some thousand decoded at a time.

    Args:
      loaded: the run.
      task: the problem.
      requests: the inputs.
      settings: of the search; by default those of the run's configuration.
      strict: raise for an input that cannot be used; otherwise its answer has the error.
      asked: how often each input was decoded before, to draw other samples each time.
    """
    search = settings or loaded.decode_settings
    search.check(task)
    search = search.within(task.targets, loaded.batching.max_length)
    limits = limits_lib.of(task, loaded.batching, search)
    remaining = iter(requests)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        raw = [request.raw for request in chunk if request.raw is not None]
        decoded = iter(_answers(loaded, task, raw, search, strict=strict, asked=asked))
        for request in chunk:
            if request.error is not None:
                if strict:
                    raise request.error
                yield answers_lib.Answer(request.shown, "", 0.0, error=str(request.error))
            elif request.raw is None:
                none = None if search.n_best == 1 else ()
                yield answers_lib.Answer(request.shown, "", 0.0, n_best=none)
            else:
                answer = next(decoded)
                if isinstance(answer, errors.UserError):
                    yield answers_lib.Answer(request.shown, "", 0.0, error=str(answer))
                else:
                    is_cut = limits_lib.is_cut(task, request.raw, limits)
                    yield dataclasses.replace(answer, inputs=request.shown, is_cut=is_cut)


def _answers(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    raw: list[dict[str, bytes]],
    search: decoding.DecodeSettings,
    *,
    strict: bool,
    asked: int,
) -> list[answers_lib.Answer | errors.DataError]:
    """Returns an answer to each input, or the error of one that the pipeline refuses."""
    from t2t_mm.data import pipeline
    from t2t_mm.decoding import predict

    if not raw:
        return []
    numbers = predict.numbers(raw, asked=asked) if search.samples else None
    try:
        dataset = pipeline.predict_dataset(task, raw, loaded.batching)
        return list(predict.decode_dataset(loaded.model, task, dataset, search, numbers))
    except errors.DataError as error:
        if strict or not requests_lib.is_of_one_input(error):
            raise
        if len(raw) == 1:
            return [error]
    half = len(raw) // 2  # bisected, since the pipeline does not say which one failed
    return [
        answer
        for part in (raw[:half], raw[half:])
        for answer in _answers(loaded, task, part, search, strict=False, asked=asked)
    ]


def is_whole(task: task_lib.Task, split: str, answers: int) -> bool:
    """Returns whether so many answers are those to a whole split, and so to be saved."""
    return answers == task.manifest().examples(split)


def keep(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    settings: decoding.DecodeSettings,
    answers: list[answers_lib.Answer],
) -> pathlib.Path:
    """Writes the answers for a whole split to the run's `decodes/`, and returns the file."""
    path = kept_path(loaded, task, split, settings)
    atomic.remove_leftovers(path.parent)
    atomic.write_text(path, answers_lib.as_kept_text(answers))
    return path


def kept_path(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    settings: decoding.DecodeSettings,
) -> pathlib.Path:
    """Returns the file for the answers of a split, one JSON object a line.

    For texts its name contains the settings of the search, so each search has a file.
    """
    parts = [task.name, split, str(loaded.step)]
    if task.targets.autoregressive:
        parts.append(settings.label)
    return loaded.folder.decodes / f"{'.'.join(parts)}.jsonl"


def _of_split(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    search: decoding.DecodeSettings,
    max_examples: int | None,
) -> list[answers_lib.Answer]:
    from t2t_mm.data import pipeline
    from t2t_mm.decoding import concurrent, predict

    search = search.within(task.targets, loaded.batching.max_length)
    dataset = pipeline.eval_dataset(task, split, loaded.batching, max_examples=max_examples or None)
    spec = dataset.element_spec["inputs"]

    def work(batch: Mapping[str, Any]) -> list[answers_lib.Answer]:
        return predict.decode_batch(loaded.model, task, batch, spec, search)

    limits = limits_lib.of(task, loaded.batching, search)
    answers: dict[int, answers_lib.Answer] = {}
    for batch, decoded in concurrent.each(work, pipeline.iterate(dataset, task, split)):
        shown = predict.shown_inputs(task, batch)
        references = predict.references(batch)
        keys = predict.texts(batch["key"])
        raw = {name: values.numpy() for name, values in batch["raw_inputs"].items()}
        for row, place in enumerate(batch["index"].numpy().tolist()):
            is_cut = limits_lib.is_cut(task, {n: values[row] for n, values in raw.items()}, limits)
            answers[place] = dataclasses.replace(
                decoded[row],
                inputs=shown[row],
                references=references[row],
                is_cut=is_cut,
                key=keys[row],
            )
    if not answers:
        raise errors.DataError(f"The split {split!r} of {task.name!r} has no examples")
    return predict.in_order(answers)
