"""Answers: the outputs for an input with their scores, as JSON and as a line of text."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Those of ASCII and those above, which an 8-bit terminal heeds too."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The output for one input, and the further ones where several were asked for.

    Args:
      inputs: as given: a text, a path, or an object of them by input name; None until it
        is known, and in `n_best`.
      outputs: text (detokenised), or the name of a class; empty for an empty input.
      score: log-probability of the outputs, in nats: a sum over the tokens of a text, under
        the model without temperature, top-k or top-p, and without a length penalty.
      references: the targets of a generated split, all of them right; none for other
        inputs.
      n_best: all outputs, if several were requested; the first is `outputs`. Of a beam and
        of classes the best first; of sampling the samples.
      error: why the input could not be used; then there are no outputs.
      is_cut: whether a text of the input was truncated.
      penalised_score: the score with length penalty, by which a beam is sorted; else None.
      key: of the record of a generated split.
      measured: what an evaluation counts for this example with the true targets shown: `nats`,
        `correct` and `tokens` of a text, `nats` and `rank` (of the true class, from 0) of a class.
    """

    inputs: Any
    outputs: str
    score: float
    references: tuple[str, ...] = ()
    n_best: tuple[Answer, ...] | None = None
    error: str | None = None
    is_cut: bool = False
    penalised_score: float | None = None
    key: str = ""
    measured: Mapping[str, float] | None = None

    @property
    def probability(self) -> float:
        """The probability of the outputs, such as that of a class."""
        return math.exp(self.score)

    @property
    def reference(self) -> str | None:
        """The target of a generated split, the first of several; None for other inputs."""
        return self.references[0] if self.references else None

    def as_json(self) -> dict[str, Any]:
        """Returns the answer as JSON values.

        They include `n_best` if several outputs were requested, `reference` if there is a
        target, and `references` if there are several. An input that could not be used has
        only `inputs` and `error`.
        """
        if self.error is not None:
            return {"inputs": self.inputs, "error": self.error}
        values = {"inputs": self.inputs, "outputs": self.outputs, "score": self.score}
        if self.n_best is not None:
            values["n_best"] = [output._as_one_of_several() for output in self.n_best]
        if self.references:
            values["reference"] = self.references[0]
        if len(self.references) > 1:
            values["references"] = list(self.references)
        return values

    def as_kept(self) -> dict[str, Any]:
        """Returns the answer as `decodes/` keeps it: `as_json`, with `key` and `measured`."""
        values = self.as_json()
        if self.key:
            values["key"] = self.key
        if self.measured is not None:
            values["measured"] = dict(self.measured)
        return values

    def as_line(self) -> str:
        """Returns the outputs alone, in one line (see `as_text`)."""
        if self.n_best is None:
            return _one_line(self.outputs)
        return "\t".join(_one_line(each.outputs).replace("\t", " ") for each in self.n_best)

    def _as_one_of_several(self) -> dict[str, Any]:
        values: dict[str, Any] = {"outputs": self.outputs, "score": self.score}
        if self.penalised_score is not None:
            values["penalised_score"] = self.penalised_score
        return values


def as_text(answers: Iterable[Answer], *, as_json: bool) -> str:
    """Returns the answers, one a line: JSON objects, or the outputs alone.

    As text, the line of an input that could not be used is empty, and several outputs are
    separated by tabs. Line ends in an output, and tabs in one of several, become spaces, so
    that lines stay aligned with the input's. Other control characters are escaped as in
    `printable`.
    """
    if as_json:
        return _json_lines(answer.as_json() for answer in answers)
    return "".join(f"{answer.as_line()}\n" for answer in answers)


def as_kept_text(answers: Iterable[Answer]) -> str:
    """Returns the answers as a file of `decodes/` holds them, one JSON object a line."""
    return _json_lines(answer.as_kept() for answer in answers)


def printable(text: str) -> str:
    """Returns a text with its control characters as escapes; tabs and line ends are kept."""
    return _CONTROL.sub(lambda control: ascii(control[0])[1:-1], text)


def _json_lines(values: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in values)


def _one_line(text: str) -> str:
    return printable(" ".join(text.splitlines()))
