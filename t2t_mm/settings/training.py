"""Settings of a training run. Their defaults are those of `small`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from t2t_mm import config
from t2t_mm.config import ranges

_LEAST_FLOAT, _MOST_FLOAT = 1.1754944e-38, 3.4028234e38
"""Of float32, in which the optimizer computes: less is 0 there, more is infinite."""

_COUNT = ranges.numbers(1)
_COUNT_OR_NONE = ranges.numbers(0)
_POSITIVE = ranges.numbers(_LEAST_FLOAT, _MOST_FLOAT, words="more than 0, and a number in float32")
_FLOAT = ranges.numbers(0, _MOST_FLOAT, words="0 or more, and a number in float32")
_DECAY = ranges.numbers(0, 1, below=True)


def _is_metric(text: str) -> bool:
    problem, slash, metric = text.partition("/")
    return not text or bool(problem and slash and metric)


@config.register
@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """What to train, for how long, and what to keep.

    Args:
      model: name of a registered model.
      train_steps: the step to reach.
      train_seconds: or the time to train in this call, in seconds; 0 for no limit.
      eval_every: steps between evaluations; 0 for none but the last.
      save_every: steps between checkpoints.
      keep_checkpoints: newest ones that are kept, which `mm-avg` can average; the best
        one is kept besides.
      log_every: steps between lines of metrics.
      eval_examples: examples of a problem in one evaluation; 0 for all.
      seed: of weights, data order, mixture and dropout.
      precision: arithmetic of the large products; "auto" measures this machine.
      schedule: which problem a step trains, as in "temperature:2.0".
      best_metric: "PROBLEM/METRIC" that picks the best checkpoint and stops early;
        empty for the mean log-perplexity over problems.
      patience: evaluations (of every `eval_every` steps) without a better metric before training
        ends; 0 for never.
      strategy: how several devices share the work.
    """

    model: str = "multi_model"
    train_steps: Annotated[int, _COUNT] = 100_000
    train_seconds: Annotated[int, _COUNT_OR_NONE] = 0
    eval_every: Annotated[int, _COUNT_OR_NONE] = 1000
    save_every: Annotated[int, _COUNT] = 1000
    keep_checkpoints: Annotated[int, _COUNT] = 3
    log_every: Annotated[int, _COUNT] = 50
    eval_examples: Annotated[int, _COUNT_OR_NONE] = 0
    seed: Annotated[int, ranges.numbers(0, 2**31, below=True)] = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    schedule: str = "proportional"
    best_metric: Annotated[str, ranges.rule('"PROBLEM/METRIC" or ""', _is_metric)] = ""
    patience: Annotated[int, _COUNT_OR_NONE] = 0
    strategy: Literal["auto", "default", "mirrored", "multi_worker"] = "auto"

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class OptimizerSettings:
    """The optimizer, its rate over the steps, and clipping; the same for all problems.

    Args:
      optimizer: name of a registered one; `mm-list` shows them.
      learning_rate: the highest rate, reached at the end of the warm-up.
      warmup_steps: over which the rate grows linearly from 0.
      decay: of the rate after the warm-up: "rsqrt" (with the inverse square root
        of the step), "cosine" and "linear" (to 0 at the last step), "constant".
      beta_1: of Adam, decay of the running mean of gradients.
      beta_2: of Adam, decay of the running mean of squared gradients.
      epsilon: of Adam, added to the root of the latter.
      clip_norm: norm at most of all gradients together; 0 for no clipping.
    """

    optimizer: str = "adam"
    learning_rate: Annotated[float, _POSITIVE] = 2e-3
    warmup_steps: Annotated[int, _FLOAT] = 300
    decay: Literal["rsqrt", "cosine", "linear", "constant"] = "linear"
    beta_1: Annotated[float, _DECAY] = 0.9
    beta_2: Annotated[float, _DECAY] = 0.98
    epsilon: Annotated[float, _POSITIVE] = 1e-9
    clip_norm: Annotated[float, _FLOAT] = 1.0

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class NotFiniteSettings:
    """What is done where the loss or a gradient of a step is infinite, or no number.

    Such a step is never trained: weights, moments and counts stay as they were before it.

    Args:
      policy: "stop" ends the training and leaves `crash/` in the run folder, with which the
        step can be repeated. "skip" leaves the step out and goes on. "go_back" restores the
        last checkpoint and goes on from there with other examples, those that come next.
      most_in_a_row: steps that "skip" leaves out one after the other; one more stops.
      most_in_all: steps that "skip" leaves out in a run; one more stops.
      most_returns: how often "go_back" goes back in a run; once more stops.
    """

    policy: Literal["stop", "skip", "go_back"] = "stop"
    most_in_a_row: Annotated[int, _COUNT] = 3
    most_in_all: Annotated[int, _COUNT] = 100
    most_returns: Annotated[int, _COUNT] = 3

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class WarmStartSettings:
    """What `--warm_start` may put up with. New problems are no misfit and need nothing.

    Args:
      allow: "vocabulary": another one of the same name; tokens are matched by their
        text, so that what was learnt of a token is kept under its new number.
        "classes": another list of classes for a label set, matched by their names.
        "sizes": another shape of the model; whatever has another shape begins anew.
    """

    allow: tuple[Literal["vocabulary", "classes", "sizes"], ...] = ()
