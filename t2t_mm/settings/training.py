"""Settings of a training run. Their defaults are those of `small`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from t2t_mm import config
from t2t_mm.config import ranges

_LEAST_FLOAT, _MOST_FLOAT = 1.1754944e-38, 3.4028234e38
"""The normal range of float32, in which the optimizer computes."""

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
    """The model, the length of training, checkpoints and evaluations.

    Args:
      model: name of a registered model.
      train_steps: the last step.
      train_seconds: or the time limit of this call, in seconds; 0 for none.
      eval_every: steps between evaluations; 0 for one at the end only.
      save_every: steps between checkpoints.
      keep_checkpoints: how many of the newest are kept, which `mm-avg` can average; the
        best one is kept too.
      log_every: steps between lines of metrics.
      eval_examples: examples of a problem in one evaluation; 0 for all.
      seed: of weights, data order, mixture and dropout.
      precision: of matrix products and convolutions; "auto" measures this machine.
      schedule: of the mixture: the shares of steps of the problems, as in "temperature:2.0".
      problems_per_step: different problems in one update, a batch of each: the mean of their
        gradients, each by its weight, is clipped and applied once. The number of problems is
        the paper's "one worker a task", in synchrony.
      ema: decay of an exponential mean of the weights, such as 0.999; 0 for none. At the n-th
        update of a weight it is at most n / (n + 9).
      evaluate_ema: whether evaluations of the training, and all that reads the run (mm-eval,
        mm-decoder, mm-export, mm-avg, warm starts, Keras), take that mean where there is one.
      best_metric: "PROBLEM/METRIC" for the best checkpoint and early stopping; empty for
        the mean log-perplexity over problems.
      patience: early stopping after so many evaluations (one every `eval_every` steps)
        without a better metric; 0 for never.
      strategy: of distribution over several devices.
      devices: of this process: so many of its GPUs, or, where there is none, logical devices
        that the processor is split into, to try several; 0 for all that there are.
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
    problems_per_step: Annotated[int, _COUNT] = 1
    ema: Annotated[float, _DECAY] = 0.0
    evaluate_ema: bool = True
    best_metric: Annotated[str, ranges.rule('"PROBLEM/METRIC" or ""', _is_metric)] = ""
    patience: Annotated[int, _COUNT_OR_NONE] = 0
    strategy: Literal["auto", "default", "mirrored", "multi_worker"] = "auto"
    devices: Annotated[int, ranges.numbers(0, 64)] = 0

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class OptimizerSettings:
    """The optimizer, warm-up and decay of its learning rate, and gradient clipping.

    Args:
      optimizer: name of a registered one; `mm-list` shows them.
      learning_rate: the highest rate, reached at the end of the warm-up.
      warmup_steps: of the linear warm-up from 0.
      decay: of the learning rate after the warm-up, name of a registered one: "rsqrt" (with the
        inverse square root of the step), "cosine" and "linear" (to 0 at the last step),
        "constant"; `mm-list` shows them all.
      beta_1: of Adam, decay of the running mean of gradients.
      beta_2: of Adam, decay of the running mean of squared gradients.
      epsilon: of Adam, added to the root of the latter.
      clip_norm: largest global norm of the gradients; 0 for no clipping.
      weight_decay: of matrices and kernels, not of biases, gains and other vectors: a step takes
        away this share of them, times the learning rate, whatever the gradient (AdamW,
        Loshchilov and Hutter 2019, arXiv 1711.05101). Weights that a step does not train do not
        decay. 0 for none, or what an optimizer of Keras has of its own.
      decay_embeddings: whether the vectors of tokens, commands and inputs decay too.
    """

    optimizer: str = "adam"
    learning_rate: Annotated[float, _POSITIVE] = 2e-3
    warmup_steps: Annotated[int, _FLOAT] = 300
    decay: str = "linear"
    beta_1: Annotated[float, _DECAY] = 0.9
    beta_2: Annotated[float, _DECAY] = 0.98
    epsilon: Annotated[float, _POSITIVE] = 1e-9
    clip_norm: Annotated[float, _FLOAT] = 1.0
    weight_decay: Annotated[float, ranges.numbers(0, 1e3)] = 0.0
    decay_embeddings: bool = True

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class AdversarialSettings:
    """Adversarial training: losses of inputs that are changed along the gradient of the loss.

    What is changed is what the nets make of inputs, such as embedded tokens. A step takes two
    and a half times as long.

    Args:
      share: of the loss on changed inputs in the loss of a step; 0 for none, and no cost.
      radius: norm of the change of an example, by the norm of the example.
    """

    share: Annotated[float, ranges.numbers(0, 1)] = 0.0
    radius: Annotated[float, _POSITIVE] = 0.05

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class NotFiniteSettings:
    """The policy for a step whose loss or gradient is infinite or NaN.

    Such an update is never applied: weights, moments and counters keep their values.

    Args:
      policy: "stop" ends the training and writes `crash/` to the run folder, with which the
        step can be repeated. "skip" skips the update and continues. "go_back" restores the
        last checkpoint and continues from there with the next examples of the data.
      most_in_a_row: consecutive steps that "skip" may skip; one more stops.
      most_in_all: steps that "skip" may skip in a run; one more stops.
      most_returns: how often "go_back" may go back in a run; once more stops.
    """

    policy: Literal["stop", "skip", "go_back"] = "stop"
    most_in_a_row: Annotated[int, _COUNT] = 3
    most_in_all: Annotated[int, _COUNT] = 100
    most_returns: Annotated[int, _COUNT] = 3

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class TensorBoardSettings:
    """What the run shows in TensorBoard beside its numbers.

    Args:
      samples: examples of a problem, always the same, whose outputs each evaluation shows
        beside their references; their pictures and sounds are shown once. 0 for none.
    """

    samples: Annotated[int, _COUNT_OR_NONE] = 3

    def __post_init__(self) -> None:
        ranges.check(self)


@config.register
@dataclasses.dataclass(frozen=True)
class WarmStartSettings:
    """The differences that `--warm_start` accepts. New problems are always accepted.

    Args:
      allow: "vocabulary": a different vocabulary of the same name; embeddings are copied by
        the text of tokens. "classes": different classes of a label set; weights are copied
        by the names of classes. "sizes": a model of other sizes; variables of another shape
        are initialised.
    """

    allow: tuple[Literal["vocabulary", "classes", "sizes"], ...] = ()
