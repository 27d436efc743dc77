"""The contract of a metric.

A metric is a class, registered by name. Each evaluation of a task creates an instance,
updates it, and reads its result:

    import numpy as np

    import t2t_mm

    @t2t_mm.register_metric("mean_length")
    class MeanLength(t2t_mm.Metric):
        higher_is_better = True
        needs = "decodes"

        def __init__(self, task=None):
            super().__init__(task)
            self.sums = np.zeros(2)

        def update(self, decodes) -> None:
            self.sums += self.statistics(decodes).sum(0)

        def result(self) -> dict[str, float]:
            return {self.name: float(self.value(self.sums))}

        def statistics(self, decodes) -> np.ndarray:
            return np.array([(len(output.split()), 1) for output in decodes.outputs], float)

A problem is measured by it once `Problem.metrics` names it; that needs no new version of its data.
Where nothing was counted, the result is NaN: `value` says so, and `ratio` for plain numbers.

`needs` declares the argument of `update`:

- `decodes`: `Decodes`, the decoded outputs as text; once, for all examples in the order of
  the records.
- `scores`: `Scores`, sums under teacher forcing; a batch at a time.
- `classes`: `Classes`, the log-probabilities of a class problem; a batch at a time.

`statistics`, `value` and `breakdowns` are for `mm-report`, which reads kept decodes. A metric of a
plugin may leave them out: it has no interval then. Those that come with the framework all have
`statistics`, with which they are told wherever kept decodes hold what they take.

The evaluator decodes only if a metric needs it. Fractions are from 0 to 1,
log-probabilities are natural logarithms. This module does not import TensorFlow, and a
metric need not either.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from t2t_mm import registry

if TYPE_CHECKING:
    import numpy as np

    from t2t_mm.evaluation import breakdown

NEEDS = ("decodes", "scores", "classes")


@dataclasses.dataclass(frozen=True)
class Decodes:
    """Decoded outputs with their references.

    Args:
      outputs: a text (detokenised) or class name for each example.
      references: for each example a tuple of one or more raw targets, all of them right.
        Losses use the first.
      keys: of the records.
      measured: of each example, what was counted with the true targets shown
        (`Answer.measured`), where that is known; only `Metric.statistics` gets it.
    """

    outputs: Sequence[str]
    references: Sequence[tuple[str, ...]]
    keys: Sequence[str] = ()
    measured: Sequence[Mapping[str, float]] = ()


@dataclasses.dataclass(frozen=True)
class Scores:
    """Sums over the real targets (no padding) of one batch, under teacher forcing.

    Args:
      nats: sum of -log p(target), without label smoothing or auxiliary losses.
      correct: number of targets equal to the likeliest prediction.
      tokens: number of targets: tokens of text, or classes.
      unknown: number of other targets, with classes that the model does not have.
    """

    nats: float
    correct: float
    tokens: float
    unknown: float = 0.0


@dataclasses.dataclass(frozen=True)
class Classes:
    """The predictions of one batch of a class problem.

    Args:
      log_probs: float [B, C], natural logarithms.
      labels: int [B], ids of the true classes; -1 for a class that is not in training
        (if the problem allows that), for which every prediction is wrong.
    """

    log_probs: np.ndarray
    labels: np.ndarray

    def ranks(self) -> np.ndarray:
        """Returns int [B], the rank of the true class, from 0.

        Ties are ordered by id, as in argmax, so a constant model is no better than chance. A
        true class with score NaN, or one that the model does not have (-1), is ranked last.
        """
        import numpy as np

        labels = self.labels.astype(np.int64)
        own = np.take_along_axis(self.log_probs, np.maximum(labels, 0)[:, None], axis=1)  # [B, 1]
        ids = np.arange(self.log_probs.shape[1])[None, :]
        before = (self.log_probs > own) | ((self.log_probs == own) & (ids < labels[:, None]))
        last = np.isnan(own[:, 0]) | (labels < 0)
        return np.where(last, np.iinfo(np.int64).max, before.sum(axis=1))


class Metric(abc.ABC):
    """The base class of metrics; see the module for the contract.

    Args:
      task: the problem and its data (`t2t_mm.data.task.Task`), for metrics that depend
        on it; None in tests of a metric alone.
    """

    name: ClassVar[str] = ""
    """The name of its value; left out, the one it is registered by."""
    higher_is_better: ClassVar[bool] = True
    needs: ClassVar[str] = "decodes"
    decimals: ClassVar[int] = 4
    """Decimals of the shown value: fewer if it is not a fraction of 1."""

    def __init__(self, task: Any = None) -> None:
        self.task = task

    @abc.abstractmethod
    def update(self, given: Any) -> None:
        """Adds `Decodes`, `Scores` or `Classes`, as `needs` declares."""

    @abc.abstractmethod
    def result(self) -> dict[str, float]:
        """Returns values by name; usually one, under the metric's own name."""

    def notes(self) -> dict[str, str]:
        """Returns information needed to compare the values, such as a signature."""
        return {}

    def statistics(self, decodes: Decodes) -> np.ndarray | None:
        """Returns what each example adds to the value: float [N, K], sums over examples.

        `value` of the sums is the metric of these examples. With them a report draws intervals
        by the bootstrap and orders examples from best to worst; None, which is the default, for
        a metric that is no function of sums, or where `decodes` do not hold what it takes.
        """
        del decodes
        return None

    def value(self, sums: np.ndarray) -> np.ndarray:
        """Returns the metric of sums of `statistics`: [..., K] to [...]; NaN of nothing.

        Here the quotient of the first two columns: hits and examples, errors and words.
        """
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(sums[..., 1] != 0, sums[..., 0] / sums[..., 1], math.nan)

    def breakdowns(self, decodes: Decodes) -> list[breakdown.Breakdown]:
        """Returns tables of what the value is made of, for a report; none by default."""
        del decodes
        return []


def shown(name: str, value: float, *, fewer: int = 0) -> str:
    """Returns a value of a metric as text, with `fewer` decimals than usual.

    A metric may give values under other names too, which are shown as any fraction.
    """
    metric = registry.metrics.get(name) if name in registry.metrics else Metric
    return f"{value:.{metric.decimals - fewer}f}"


def counted(values: Iterable[float]) -> np.ndarray:
    """Returns the `statistics` of a metric that is a mean over examples: value and 1, [N, 2]."""
    import numpy as np

    found = np.fromiter(values, np.float64)
    return np.stack([found, np.ones_like(found)], axis=1)


def ratio(part: float, whole: float) -> float:
    """Returns part / whole, NaN where nothing was counted."""
    return part / whole if whole else math.nan
