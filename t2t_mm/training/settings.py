"""Settings of a training run. Their defaults are those of `small`."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from t2t_mm import config, errors

_LEAST_FLOAT, _MOST_FLOAT = 1.1754944e-38, 3.4028234e38
"""Of float32, in which the optimizer computes."""


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
    train_steps: int = 100_000
    train_seconds: int = 0
    eval_every: int = 1000
    save_every: int = 1000
    keep_checkpoints: int = 3
    log_every: int = 50
    eval_examples: int = 0
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    schedule: str = "proportional"
    best_metric: str = ""
    patience: int = 0
    strategy: Literal["auto", "default", "mirrored", "multi_worker"] = "auto"

    def __post_init__(self) -> None:
        for name in ("train_steps", "save_every", "keep_checkpoints", "log_every"):
            _require(self, name, getattr(self, name) >= 1, "1 or more")
        for name in ("train_seconds", "eval_every", "eval_examples", "patience"):
            _require(self, name, getattr(self, name) >= 0, "0 or more")
        _require(self, "seed", 0 <= self.seed < 2**31, "0 or more, below 2147483648")
        problem, slash, metric = self.best_metric.partition("/")
        whole = bool(problem and slash and metric)
        _require(self, "best_metric", not self.best_metric or whole, '"PROBLEM/METRIC" or ""')


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
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    decay: Literal["rsqrt", "cosine", "linear", "constant"] = "linear"
    beta_1: float = 0.9
    beta_2: float = 0.98
    epsilon: float = 1e-9
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epsilon"):
            # In float32 less is 0, and more is infinite: either spoils the first update.
            is_right = _LEAST_FLOAT <= getattr(self, name) <= _MOST_FLOAT
            _require(self, name, is_right, "more than 0, and a number in float32")
        for name in ("warmup_steps", "clip_norm"):
            is_right = 0 <= getattr(self, name) <= _MOST_FLOAT
            _require(self, name, is_right, "0 or more, and a number in float32")
        for name in ("beta_1", "beta_2"):
            _require(self, name, 0 <= getattr(self, name) < 1, "0 or more, below 1")


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
    most_in_a_row: int = 3
    most_in_all: int = 100
    most_returns: int = 3

    def __post_init__(self) -> None:
        for name in ("most_in_a_row", "most_in_all", "most_returns"):
            _require(self, name, getattr(self, name) >= 1, "1 or more")


@config.register
@dataclasses.dataclass(frozen=True)
class WarmStartSettings:
    """What `--warm_start` may put up with. New problems are no misfit and need nothing.

    Args:
      allow: "vocabulary": another one of the same name; pieces are matched by their
        text, so that what was learnt of a piece is kept under its new number.
        "classes": another list of classes for a label set, matched by their names.
        "sizes": another shape of the model; whatever has another shape begins anew.
    """

    allow: tuple[Literal["vocabulary", "classes", "sizes"], ...] = ()


def _require(settings: Any, name: str, is_right: bool, expected: str) -> None:
    if not is_right:
        raise errors.ConfigError(
            f"{type(settings).__name__}.{name} is out of range",
            received=repr(getattr(settings, name)),
            expected=expected,
        )
