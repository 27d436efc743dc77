"""The compiled functions of a model, traced once and kept for its lifetime.

Training evaluates repeatedly, and tracing a decoding loop takes longer than running it. So
functions are cached by model and settings, shared by problems with the same computation
(`Model.traced_as`), and have signatures with unknown batch and length axes, so that no batch
shape retraces them. Weights are read at every call. Autograph is off, since converting a deep
model's source takes longer than tracing it; models use `tf.cond` and `tf.where`.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.constraints import base
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import beam, constrained, hypotheses, sampling, writer
from t2t_mm.modality import representation
from t2t_mm.settings import decoding

Spec = Mapping[str, Any]
"""Nest of `tf.TensorSpec` by name, as in the `element_spec` of a batched dataset."""


class Sums(NamedTuple):
    """Of one batch under teacher forcing: float32 scalars; see `base.Scores`.

    `by_row` has the same three of each example, float32 [B, 3]; none of a model that does not
    tell them, [0, 3].
    """

    nats: tf.Tensor
    correct: tf.Tensor
    tokens: tf.Tensor
    by_row: tf.Tensor


class Compiled:
    """Compiled functions of one model, cached by `of`.

    The model is referenced weakly, so that it can be garbage-collected.
    """

    def __init__(self, model: Any) -> None:
        self._model = weakref.ref(model)
        self._functions: dict[Any, Any] = {}
        self._constraints: dict[str, base.Constraint | None] = {}

    def search(
        self, task: task_lib.Task, settings: decoding.DecodeSettings, spec: Spec
    ) -> Callable[..., hypotheses.Hypotheses]:
        """Returns a function of a batch's inputs, `places` and `raw`, to `Hypotheses`.

        `places`, int [B], number the rows' examples among all that are decoded. Samples
        depend on them and on the seed. By default they are 0, 1, 2 and so on. `raw`, string [B]
        by name, are the inputs of records, for the constraint of a problem; by default the texts
        are what their features say.

        Args:
          task: with targets that are written token by token.
          settings: of the search.
          spec: of the inputs that the function will be given.
        """
        traced = self._live().traced_as(task.name)
        # The seed is an argument, so another one does not retrace.
        unseeded = dataclasses.replace(settings, seed=0, max_length=_longest(task, settings))

        def run(given: dict[str, Any], command: tf.Tensor) -> hypotheses.Hypotheses:
            return search(
                self._live(),
                task,
                unseeded,
                given["inputs"],
                seeds=given["seeds"],
                command=command,
                held=None if rule is None else constrained.Constrained(rule, given["texts"]),
            )

        key: tuple[Any, ...] = ("search", traced, unseeded)
        specs: dict[str, Any] = {"inputs": spec, "seeds": tf.TensorSpec([None, 2], tf.int64)}
        rule = self._constraint(task, settings)
        names = constrained.text_inputs(task)
        if rule is not None:
            key = (*key, task.name)
            specs["texts"] = {name: tf.TensorSpec([None], tf.string) for name in names}
        function = self._function(key, run, specs, task)

        def seeded(
            inputs: Mapping[str, tf.Tensor],
            places: tf.Tensor | None = None,
            raw: Mapping[str, tf.Tensor] | None = None,
        ) -> hypotheses.Hypotheses:
            if places is None:
                places = tf.range(tf.shape(next(iter(inputs.values())))[0])
            given = {"inputs": inputs, "seeds": sampling.row_seeds(settings.seed, places)}
            if rule is not None:
                plain = representation.unperturbed(inputs)
                texts = constrained.texts_of(task, plain) if raw is None else raw
                given["texts"] = {name: texts[name] for name in names}
            return function(given)

        return seeded

    def class_log_probs(
        self, task: task_lib.Task, spec: Spec
    ) -> Callable[[Mapping[str, tf.Tensor]], tf.Tensor]:
        """Returns a function of a batch's inputs to float32 [B, C]."""
        traced = self._live().traced_as(task.name)

        def run(inputs: dict[str, tf.Tensor], command: tf.Tensor) -> tf.Tensor:
            return class_log_probs(self._live(), task, inputs, command=command)

        return self._function(("class_log_probs", traced), run, spec, task)

    def sums(self, task: task_lib.Task, spec: Spec) -> Callable[[Mapping[str, Any]], Sums]:
        """Returns a function of a batch (`inputs` and `targets`) to `Sums`."""
        traced = self._live().traced_as(task.name)

        def run(batch: dict[str, Any], command: tf.Tensor) -> Sums:
            _, means = self._live().loss(traced, batch, training=False, command=command)
            tokens = tf.cast(means["tokens"], tf.float32)
            nats, correct = (tf.cast(means[k], tf.float32) for k in ("log_perplexity", "accuracy"))
            by_row = means.get("by_row", tf.zeros([0, 3]))
            return Sums(nats * tokens, correct * tokens, tokens, by_row)

        return self._function(("sums", traced), run, spec, task)

    def traces(self) -> int:
        """Returns the number of traces; a test checks that it stays constant."""
        return sum(f.experimental_get_tracing_count() for f in self._functions.values())

    def _function(
        self, key: tuple[Any, ...], run: Callable[..., Any], spec: Spec, task: task_lib.Task
    ) -> Callable[[Any], Any]:
        """Returns the compiled `run`, with the row of the task's command filled in."""
        relaxed = tf.nest.map_structure(_open_batch, dict(spec))
        key = (*key, str(relaxed))
        if key not in self._functions:
            signature = (relaxed, tf.TensorSpec([], tf.int32))
            function = tf.function(run, input_signature=signature, autograph=False)
            # One trace for each problem is expected, and no reason for TensorFlow's warning.
            function._omit_frequent_tracing_warning = True
            self._functions[key] = function
        compiled = self._functions[key]
        command = tf.constant(self._live().command_row(task.name))
        return lambda given: compiled(given, command)

    def _constraint(
        self, task: task_lib.Task, settings: decoding.DecodeSettings
    ) -> base.Constraint | None:
        if not settings.constrained:
            return None
        if task.name not in self._constraints:
            self._constraints[task.name] = constrained.of(task, settings)
        return self._constraints[task.name]

    def _live(self) -> Any:
        model = self._model()
        if model is None:
            raise ReferenceError("The model of these compiled functions is gone.")
        return model


def search(
    model: Any,
    task: task_lib.Task,
    settings: decoding.DecodeSettings,
    inputs: dict[str, tf.Tensor],
    *,
    seeds: tf.Tensor,
    command: tf.Tensor,
    held: constrained.Constrained | None = None,
) -> hypotheses.Hypotheses:
    """Decodes a batch by the search of the settings, in the graph.

    Args:
      model: with the incremental interface.
      task: with targets that are written token by token.
      settings: of the search; its `seed` is not used.
      inputs: a batch of features by name.
      seeds: int64 [B, 2], one of each row's own; only for sampling.
      command: row of the command embedding, a scalar.
      held: the constraint that outputs are held to, of `constrained.of`; None for none.
    """
    texts = list(task.inputs)
    if not all(modality.autoregressive for modality in task.inputs.values()):
        texts = []  # with a picture, the length of a question says little about the output's
    longest = _longest(task, settings)
    settings = dataclasses.replace(settings, max_length=longest)
    plain = representation.unperturbed(inputs)
    asked = hypotheses.Asked(
        task_name=model.traced_as(task.name),
        inputs=inputs,
        limits=hypotheses.length_limits(plain, texts, settings, longest),
        prefix=None if task.inputs else plain[task_lib.PREFIX],
        command=command,
        constrained=held,
    )
    if settings.samples:
        return sampling.search(model, asked, settings, seeds)
    if settings.beam_size > 1:
        return beam.search(model, asked, settings)
    return writer.greedy(model, asked)


def class_log_probs(
    model: Any, task: task_lib.Task, inputs: dict[str, tf.Tensor], *, command: tf.Tensor
) -> tf.Tensor:
    """Returns the log-probabilities of a batch's classes, float32 [B, C], in the graph.

    Args:
      model: of the task.
      task: with a class as its target.
      inputs: a batch of features by name.
      command: row of the command embedding, a scalar.
    """
    logits = model.class_logits(model.traced_as(task.name), inputs, command)
    return tf.nn.log_softmax(tf.cast(logits, tf.float32))


_kept: weakref.WeakKeyDictionary[Any, Compiled] = weakref.WeakKeyDictionary()


def of(model: Any) -> Compiled:
    """Returns the compiled functions of `model`, the same at every call."""
    if model not in _kept:
        _kept[model] = Compiled(model)
    return _kept[model]


def _longest(task: task_lib.Task, settings: decoding.DecodeSettings) -> int:
    """Returns the tokens of an output at most."""
    return settings.longest(getattr(task.targets, "max_length", None))


def _open_batch(spec: tf.TensorSpec) -> tf.TensorSpec:
    return tf.TensorSpec([None, *spec.shape[1:]], spec.dtype)
