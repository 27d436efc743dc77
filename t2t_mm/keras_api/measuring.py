"""`KerasModel.evaluate`: metrics of the problem over the batches that Keras passes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import evaluator
from t2t_mm.models import base
from t2t_mm.settings import decoding


class Measuring:
    """One evaluation: the metrics of a task get batches, numbered as they come.

    Those may be a part of the split: a shard of it, or its first steps.

    Args:
      network: the model.
      task: the problem.
      spec: of the batches.
      search: how text is written.

    Raises:
      ConfigError: for a metric that does not fit the targets.
    """

    def __init__(
        self,
        network: base.Model,
        task: task_lib.Task,
        spec: Mapping[str, Any],
        search: decoding.DecodeSettings,
    ) -> None:
        metrics = evaluator.metrics_of(task)
        self._feed = evaluator.Feed(network, task, metrics, spec, search)
        self._seen = 0

    def take(self, batch: Mapping[str, Any]) -> int:
        """Measures a batch, and returns how many examples there were so far."""
        rows = len(batch["index"])
        places = tf.range(self._seen, self._seen + rows)
        for result in self._feed.measure([{**batch, "index": places}]):
            self._feed.take(result)
        self._seen += rows
        return self._seen

    def finish(self) -> dict[str, float]:
        """Returns the metrics by name."""
        return self._feed.finish("evaluation").values
