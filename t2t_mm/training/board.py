"""What a training shows in TensorBoard beside the numbers of its log.

Hyperparameters stand in the folder of an evaluated split, so that the metrics that TensorBoard
sets beside them are those of the evaluations. A run whose problems are evaluated on splits of
several names is one row of its table, since all have the run's folder as their group.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from t2t_mm import config
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import evaluate, evaluator
from t2t_mm.modality import view
from t2t_mm.runs import event_files, metrics_log
from t2t_mm.training import samples, session

_RATES = "mixture"
_EXPERTS = "experts"
_CHARTS = {
    "Mixture": {"Rates of the problems, of steps": rf"^{_RATES}/"},
    "Problems": {
        "Loss": r".*/loss$",
        "Log-perplexity of training and evaluations": r".*/log_perplexity$",
        "Share of steps taken": r".*/share$",
    },
    "Experts": {"Experts in use, of a layer": rf"^{_EXPERTS}/"},
}
"""Charts with a curve a problem, by title: the tags that they show, as `re.match` takes them."""


class Board:
    """Shows a training in TensorBoard, where this process writes the run folder.

    Args:
      made: the training.

    Attributes:
      events: the run's event files; None for none.
    """

    def __init__(self, made: session.Session) -> None:
        self.events: event_files.EventFiles | None = None
        self._made = made

    def begin(self) -> None:
        """Shows hyperparameters, and which curves belong into one chart."""
        self._settings(is_over=False)

    def end(self) -> None:
        """Says that the training is over."""
        self._settings(is_over=True)

    def steps(self, step: int, means: Mapping[str, Mapping[str, Any]]) -> None:
        """Shows the rates of the mixture, and how many experts each problem uses.

        Args:
          step: steps done.
          means: by problem, of the steps since the last line of the log.
        """
        if self.events is None:
            return
        mixture = self._made.mixture
        rates = mixture.rates(max(0, step - 1))
        loads = {name: mean["expert_load"] for name, mean in means.items() if "expert_load" in mean}
        self.events.numbers(
            step,
            metrics_log.TRAINING,
            {
                **{f"{_RATES}/{n}": float(r) for n, r in zip(mixture.names, rates, strict=True)},
                **{f"{_EXPERTS}/{name}": experts_used(load) for name, load in loads.items()},
            },
        )

    def evaluated(
        self, step: int, task: task_lib.Task, split: str, found: evaluator.Evaluation
    ) -> None:
        """Shows a few examples with their outputs.

        Args:
          step: steps done.
          task: the problem evaluated.
          split: on which.
          found: the evaluation.
        """
        count = self._made.board.samples
        if not count:
            return
        # All workers decode, for one alone would wait for the others.
        answers = found.answers or samples.answers(self._made, task, split, count)
        if self.events is None:
            return
        examples = samples.read(task, split, count)
        self._show_inputs(step, task, split, examples)
        if answers:
            outputs = [answer.outputs for answer in answers[:count]]
            table = samples.table(task, examples, outputs, found.references)
            self.events.text(step, split, f"{task.name}/samples", table)

    def _show_inputs(
        self, step: int, task: task_lib.Task, split: str, examples: Sequence[Mapping[str, bytes]]
    ) -> None:
        """Shows pictures and sounds, unless an evaluation before has shown them."""
        if self.events is None:
            return
        for name, declared in task.inputs.items():
            shown = declared.view(task.vocabularies)
            for number, example in enumerate(examples, start=1):
                place = _Place(self.events, step, split, f"{task.name}/{name}/{number}")
                if not self.events.holds(split, place.tag):
                    shown.to_board(example[name], place)

    def _settings(self, *, is_over: bool) -> None:
        if self.events is None:
            return
        from tensorboard.plugins.hparams import api_pb2, summary, summary_v2

        values = hyperparameters()
        where = self._made.folder.path.resolve()
        group = f"{where.name} in {where.parent}"  # TensorBoard shows the first letters
        shown = [summary_v2.hparams_pb(values, trial_id=group), _layout()]
        if is_over:
            shown.append(summary.session_end_pb(api_pb2.STATUS_SUCCESS))
        data = [one.SerializeToString() for one in shown]
        for split in dict.fromkeys(map(evaluate.eval_split, self._made.tasks)):
            self.events.replace_settings(split, data)


@dataclasses.dataclass(frozen=True)
class _Place(view.Board):
    """The place of one value in the event files."""

    events: event_files.EventFiles
    step: int
    split: str
    tag: str

    def picture(self, pixels: np.ndarray) -> None:
        self.events.picture(self.step, self.split, self.tag, pixels)

    def sound(self, samples: np.ndarray, rate: int) -> None:
        self.events.sound(self.step, self.split, self.tag, samples, rate)


def hyperparameters() -> dict[str, bool | int | float | str]:
    """Returns all that is configured, by the names that gin files use."""
    return {key: _value(value) for key, value in config.values().items()}


def experts_used(load: Sequence[Sequence[float]]) -> float:
    """Returns how many experts a problem uses in effect: the mean over layers.

    Of a layer it is the exponential of the entropy of its shares: E if all experts get equally
    many positions, 1 if one gets all.

    Args:
      load: `[layers, E]`, shares of a layer's positions.
    """
    shares = np.asarray(load, np.float64)
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return float(np.exp(-(shares * logs).sum(axis=-1)).mean())


def _value(value: Any) -> bool | int | float | str:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)


def _layout() -> Any:
    """Returns the message that lays out TensorBoard's page of custom scalars."""
    from tensorboard.plugins.custom_scalar import layout_pb2, summary

    categories = [
        layout_pb2.Category(
            title=title,
            chart=[
                layout_pb2.Chart(
                    title=chart, multiline=layout_pb2.MultilineChartContent(tag=[pattern])
                )
                for chart, pattern in charts.items()
            ],
        )
        for title, charts in _CHARTS.items()
    ]
    return summary.pb(layout_pb2.Layout(category=categories))
