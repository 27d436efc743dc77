"""`t2t_mm.decode`: answers to inputs of one's own, or to a generated split."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from t2t_mm import errors
from t2t_mm.decoding import limits as limits_lib
from t2t_mm.decoding import requests as inputs_lib
from t2t_mm.files import atomic
from t2t_mm.settings import decoding

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib
    from t2t_mm.decoding import predict
    from t2t_mm.runs import loaded_run

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Those of ASCII and those above, which an 8-bit terminal heeds too."""

CHUNK = 4096
"""Inputs that are held in memory at once; lengths are sorted within."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One of several outputs of an input.

    Args:
      outputs: text, or the name of a class.
      score: log-probability of the outputs, in nats.
      penalised_score: what a beam with a length penalty orders them by; None elsewhere.
    """

    outputs: str
    score: float
    penalised_score: float | None = None

    @property
    def probability(self) -> float:
        """Of the outputs, a fraction of 1: for classes what the model gives each of them."""
        return math.exp(self.score)

    def as_json(self) -> dict[str, Any]:
        """Returns the fields that there are."""
        return {n: v for n, v in dataclasses.asdict(self).items() if v is not None}


@dataclasses.dataclass(frozen=True)
class Answer:
    """One decoded input.

    Args:
      inputs: as given: a text, a path, or an object of them by input name.
      outputs: text (detokenised), or the name of a class; empty for an empty input.
      score: log-probability of the outputs, in nats (see `decoder.Decode`).
      references: the targets of a generated split, of which each is right; none for
        other inputs.
      n_best: where several were asked for, all outputs of this input, the first of which
        is `outputs`; of a beam, and of classes, the best first.
      error: why the input could not be used, where that was to be told; there are no outputs.
      is_cut: a text of the input is longer than what the model reads of it.
    """

    inputs: Any
    outputs: str
    score: float
    references: tuple[str, ...] = ()
    n_best: tuple[Candidate, ...] | None = None
    error: str | None = None
    is_cut: bool = False

    @property
    def probability(self) -> float:
        """Of the outputs, a fraction of 1."""
        return math.exp(self.score)

    @property
    def reference(self) -> str | None:
        """The target of a generated split, of several the first; None for other inputs."""
        return self.references[0] if self.references else None

    def as_json(self) -> dict[str, Any]:
        """Returns the answer as JSON values.

        `n_best` is there where several outputs were asked for, `reference` where there is
        a target, `references` where there are more. Of an input that could not be used
        there are `inputs` and `error` alone.
        """
        if self.error is not None:
            return {"inputs": self.inputs, "error": self.error}
        values = {"inputs": self.inputs, "outputs": self.outputs, "score": self.score}
        if self.n_best is not None:
            values["n_best"] = [candidate.as_json() for candidate in self.n_best]
        if self.references:
            values["reference"] = self.references[0]
        if len(self.references) > 1:
            values["references"] = list(self.references)
        return values


def decode(
    run: str | os.PathLike[str] | loaded_run.LoadedRun,
    inputs: Iterable[inputs_lib.Given] | None = None,
    *,
    problem: str | None = None,
    split: str | None = None,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
    settings: decoding.DecodeSettings | None = None,
    max_examples: int | None = None,
    strict: bool = True,
    **search: Any,
) -> list[Answer]:
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
      problem: may be left out where the run has but one.
      split: decode this generated split instead of `inputs`; the answers to a whole
        split are also kept in the run's `decodes/`.
      checkpoint: "latest", "best" (by the run's `TrainSettings.best_metric`) or a step; of no
        effect on a loaded run.
      data_dir: of generated data, if it is not where the training read it.
      settings: of the search; those of the run's configuration when left out.
      max_examples: the first so many of a split only.
      strict: raise for the first input that cannot be used; else its answer has the `error`,
        and the others are answered.
      **search: fields of `DecodeSettings` (`beam_size=4`, `temperature=1.0`), over those. Of
        a class, `n_best` gives the likeliest ones with their scores, without a beam.

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
    requests = inputs_lib.requests(task, () if inputs is None else inputs, strict=strict)
    return list(of_requests(loaded, task, requests, used, strict=strict))


def of_requests(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    requests: Iterable[inputs_lib.Request],
    settings: decoding.DecodeSettings | None = None,
    *,
    strict: bool = False,
    asked: int = 0,
) -> Iterator[Answer]:
    """Yields the answers to requests in their order, some thousand decoded at a time.

    Args:
      loaded: the run.
      task: the problem to carry out.
      requests: what to answer.
      settings: of the search; those of the run's configuration when left out.
      strict: raise for what cannot be decoded; else its answer has the error.
      asked: how often the same was asked before, where other samples are wanted each time.
    """
    search = settings or loaded.decode_settings
    search.check(task)
    search = search.within(task.targets, loaded.batching.max_length)
    limits = limits_lib.of(task, loaded.batching, search)
    remaining = iter(requests)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        given = [request.raw for request in chunk if request.raw is not None]
        found = iter(_decodes(loaded, task, given, search, strict=strict, asked=asked))
        for request in chunk:
            if request.error is not None:
                if strict:
                    raise request.error
                yield Answer(request.shown, "", 0.0, error=str(request.error))
            elif request.raw is None:
                yield Answer(request.shown, "", 0.0, n_best=None if search.n_best == 1 else ())
            else:
                decoded = next(found)
                if isinstance(decoded, errors.UserError):
                    yield Answer(request.shown, "", 0.0, error=str(decoded))
                else:
                    is_cut = limits_lib.is_cut(task, request.raw, limits)
                    yield answer(request.shown, decoded, search, is_cut=is_cut)


def _decodes(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    given: list[dict[str, bytes]],
    search: decoding.DecodeSettings,
    *,
    strict: bool,
    asked: int,
) -> list[predict.Decode | errors.DataError]:
    """Returns a decode for each input, or the error of one that the pipeline does not take."""
    from t2t_mm.data import pipeline
    from t2t_mm.decoding import predict

    if not given:
        return []
    numbers = [inputs_lib.number(raw, asked=asked) for raw in given] if search.samples else None
    try:
        dataset = pipeline.predict_dataset(task, given, loaded.batching)
        return list(predict.decode_dataset(loaded.model, task, dataset, search, numbers))
    except errors.DataError as error:
        if strict:
            raise
        if len(given) == 1:
            return [error]
    half = len(given) // 2  # which one it is, the pipeline does not say
    return [
        decoded
        for part in (given[:half], given[half:])
        for decoded in _decodes(loaded, task, part, search, strict=False, asked=asked)
    ]


def answer(
    shown: Any,
    decode: predict.Decode,
    settings: decoding.DecodeSettings,
    references: tuple[str, ...] = (),
    *,
    is_cut: bool = False,
) -> Answer:
    """Returns the answer that a decode is.

    Args:
      shown: the input as it is shown.
      decode: what was found for it.
      settings: of the search.
      references: the targets, where there are any.
      is_cut: a text of the input is longer than what the model reads of it.
    """
    n_best = None
    if settings.n_best > 1:
        n_best = tuple(
            Candidate(each.outputs, each.score, each.rank if settings.alpha else None)
            for each in (decode, *decode.others)
        )
    return Answer(shown, decode.outputs, decode.score, references, n_best, is_cut=is_cut)


def is_whole(task: task_lib.Task, split: str, answers: int) -> bool:
    """Returns whether so many answers are those to a whole split, and so worth keeping."""
    return answers == task.manifest().examples(split)


def keep(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    settings: decoding.DecodeSettings,
    answers: list[Answer],
) -> pathlib.Path:
    """Writes the answers for a whole split to the run's `decodes/`, and returns the file."""
    path = kept_path(loaded, task, split, settings)
    atomic.remove_leftovers(path.parent)
    atomic.write_text(path, as_text(answers, as_json=True))
    return path


def kept_path(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    settings: decoding.DecodeSettings,
) -> pathlib.Path:
    """Returns the file for the answers of a split, one JSON object a line.

    Texts have the search in its name: those of another search stand beside them.
    """
    parts = [task.name, split, str(loaded.step)]
    if task.targets.autoregressive:
        parts.append(settings.label)
    return loaded.folder.decodes / f"{'.'.join(parts)}.jsonl"


def as_text(answers: Iterable[Answer], *, as_json: bool) -> str:
    """Returns the answers, one a line: JSON objects, or the outputs alone.

    The line of an input that could not be used is empty as text. Of several outputs, tabs
    stand between them. A line end within an output, and a tab in one of several, is a space,
    so that lines stay in step with those of the input. Other control characters, which could
    work a terminal, are shown as `printable` does.
    """
    if as_json:
        lines = [json.dumps(answer.as_json(), ensure_ascii=False) for answer in answers]
    else:
        lines = [_as_line(answer) for answer in answers]
    return "".join(f"{line}\n" for line in lines)


def printable(text: str) -> str:
    """Returns a text with its control characters as escapes; tabs and line ends are kept."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def _as_line(answer: Answer) -> str:
    if answer.n_best is None:
        return _one_line(answer.outputs)
    return "\t".join(_one_line(each.outputs).replace("\t", " ") for each in answer.n_best)


def _one_line(text: str) -> str:
    return printable(" ".join(text.splitlines()))


def _of_split(
    loaded: loaded_run.LoadedRun,
    task: task_lib.Task,
    split: str,
    search: decoding.DecodeSettings,
    max_examples: int | None,
) -> list[Answer]:
    from t2t_mm.data import pipeline
    from t2t_mm.decoding import concurrent, predict

    search = search.within(task.targets, loaded.batching.max_length)
    dataset = pipeline.eval_dataset(task, split, loaded.batching, max_examples=max_examples or None)
    spec = dataset.element_spec["inputs"]

    def work(batch: Mapping[str, Any]) -> list[predict.Decode]:
        return predict.decode_batch(loaded.model, task, batch, spec, search)

    limits = limits_lib.of(task, loaded.batching, search)
    found: dict[int, Answer] = {}
    for batch, decodes in concurrent.each(work, pipeline.iterate(dataset, task, split)):
        shown = predict.shown_inputs(task, batch)
        references = predict.references(batch)
        raw = {name: values.numpy() for name, values in batch["raw_inputs"].items()}
        for row, place in enumerate(batch["index"].numpy().tolist()):
            is_cut = limits_lib.is_cut(task, {n: values[row] for n, values in raw.items()}, limits)
            found[place] = answer(shown[row], decodes[row], search, references[row], is_cut=is_cut)
    if not found:
        raise errors.DataError(f"The split {split!r} of {task.name!r} has no examples")
    return predict.in_order(found)
