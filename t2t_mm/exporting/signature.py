"""A signature: the graph of one problem, from raw inputs to texts or classes.

Check, features, search and detokenising are those of `mm-decoder`. Rows that the check refuses
leave the batch before the features, so they cost nothing and disturb nobody; their places are
filled at the end.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import batches, pools
from t2t_mm.data import task as task_lib
from t2t_mm.decoding import constrained, functions, sampling
from t2t_mm.modality import checks
from t2t_mm.modality.language import features as texts_lib
from t2t_mm.runs import loaded_run
from t2t_mm.settings import decoding

OUTPUTS, SCORES, ERRORS = "outputs", "scores", "errors"
PROBABILITIES, CLASSES = "probabilities", "classes"
SEED = "seed"
NOT_FINITE = "The model's scores are no finite numbers: its weights have diverged."

Tensors = dict[str, tf.Tensor]


class Signature:
    """What one problem of a run answers, as a function of raw inputs.

    Args:
      run: with its model.
      task: the problem.
      settings: of the search, with a limit of length.
    """

    def __init__(
        self, run: loaded_run.LoadedRun, task: task_lib.Task, settings: decoding.DecodeSettings
    ) -> None:
        self.task = task
        self.settings = settings
        self.inputs = task.given()
        self.writes = task.targets.autoregressive
        self.samples = self.writes and settings.samples
        if self.samples and SEED in self.inputs:
            raise errors.ConfigError(
                f"An input of {task.name!r} has the name of the seed of sampling",
                received=SEED,
                hint="Export a search that does not sample, or give the input another name",
            )
        self._model = run.model
        self._multiple = run.batching.length_multiple
        self._features = batches.build_features(task, run.batching, list(self.inputs))
        self._checks = {
            name: checks.build(self._features[name].declaration, self._features[name])
            for name in self.inputs
        }
        self._tokenizer = texts_lib.tokenizer(task.vocabulary) if self.writes else None
        self._classes: tuple[str, ...] = getattr(task.targets, "classes", ())
        self.n_best = settings.n_best if self.writes else min(settings.n_best, len(self._classes))

    @property
    def outputs(self) -> list[str]:
        """The names of what the function returns."""
        return [OUTPUTS, SCORES, ERRORS] + ([] if self.writes else [PROBABILITIES, CLASSES])

    @functools.cached_property
    def function(self) -> Any:
        """The function, traced: string `[B]` by input name, and `seed` where it samples."""
        specs = {name: tf.TensorSpec([None], tf.string, name) for name in self.inputs}
        if self.samples:
            specs[SEED] = tf.TensorSpec([], tf.int64, SEED)
        answer = tf.function(lambda **given: self.answer(given), autograph=False)
        return answer.get_concrete_function(**specs)

    def resources(self) -> list[Any]:
        """Returns what the function needs beside variables: trackables."""
        made = [one for each in self._features.values() for one in each.resources()]
        return [*made, self._tokenizer] if self._tokenizer is not None else made

    def answer(self, given: Mapping[str, tf.Tensor]) -> Tensors:
        """Answers a batch, in the graph.

        Args:
          given: string `[B]` by input name, and `seed`, int64 `[]`, where it samples.

        Returns:
          `outputs` string and `scores` float32, `[B]`, or `[B, N]` for N best; `errors` string
          `[B]`. Of a class also `probabilities` float32 and `classes` string, `[B, C]`.
        """
        values, errors = self.checked(given)
        is_good = errors == checks.GOOD
        places = tf.where(is_good)[:, 0]
        found = tf.cond(
            tf.size(places) > 0,
            lambda: self._found({n: tf.gather(v, places) for n, v in values.items()}, given),
            self._none,
        )
        found = {name: spread(value, is_good) for name, value in found.items()}
        best = found[SCORES][:, 0]
        diverged = tf.where(tf.math.is_finite(best), checks.GOOD, NOT_FINITE)
        errors = checks.first(errors, diverged)
        found = {n: _blanked(value, errors == checks.GOOD) for n, value in found.items()}
        if self.n_best == 1:
            found[OUTPUTS], found[SCORES] = found[OUTPUTS][:, 0], found[SCORES][:, 0]
        if not self.writes:
            rows = tf.shape(errors)[0]
            found[CLASSES] = tf.tile(tf.constant([self._classes]), [rows, 1])
        return {**found, ERRORS: errors}

    def checked(self, given: Mapping[str, tf.Tensor]) -> tuple[Tensors, tf.Tensor]:
        """Returns the values of records by name, and the first error of each row."""
        values, errors = {}, []
        for name, check in self._checks.items():
            values[name], error = check.check(given[name])
            if len(self._checks) > 1:  # which of them is meant?
                named = tf.strings.join([f"{name}: ", error])
                error = tf.where(error == checks.GOOD, error, named)
            errors.append(error)
        sizes = [tf.size(value) for value in values.values()]
        same = [tf.debugging.assert_equal(s, sizes[0], "The inputs differ in rows.") for s in sizes]
        with tf.control_dependencies([one for one in same if one is not None]):
            return values, tf.identity(checks.first(*errors))

    def _found(self, raw: Tensors, given: Mapping[str, tf.Tensor]) -> Tensors:
        """Answers the good rows: `outputs` and `scores` `[B, N]`, and `probabilities`."""
        inputs = self.featurized(raw)
        command = tf.constant(self._model.command_row(self.task.name))
        if not self.writes:
            return self._chosen(
                functions.class_log_probs(self._model, self.task, inputs, command=command)
            )
        numbers = sampling.numbers(raw)
        seeds = sampling.row_seeds(given[SEED] if self.samples else 0, numbers)
        rule = constrained.of(self.task, self.settings)
        texts = {name: raw[name] for name in constrained.text_inputs(self.task)}
        found = functions.search(
            self._model,
            self.task,
            self.settings,
            inputs,
            seeds=seeds,
            command=command,
            held=None if rule is None else constrained.Constrained(rule, texts),
        )
        flat = tf.reshape(found.ids, [-1, tf.shape(found.ids)[2]])
        texts = texts_lib.texts(self._tokenizer, flat, tf.reshape(found.lengths, [-1]))
        texts = tf.reshape(texts, tf.shape(found.scores))
        is_there = tf.math.is_finite(found.scores)  # a beam may have found fewer
        return {OUTPUTS: tf.where(is_there, texts, ""), SCORES: found.scores}

    def featurized(self, raw: Tensors) -> Tensors:
        """Returns the features of good rows, `[B, ...]` by name of input."""
        inputs = {}
        for name, features in self._features.items():
            made = features.featurize(raw[name], training=False)
            is_ragged = isinstance(made, tf.RaggedTensor)
            inputs[name] = pools.padded(made, self._multiple) if is_ragged else made
        return inputs

    def _chosen(self, log_probs: tf.Tensor) -> Tensors:
        """Returns the likeliest classes of float32 `[B, C]`."""
        scores, places = tf.math.top_k(log_probs, self.n_best)
        names = tf.gather(tf.constant(self._classes), places)
        return {OUTPUTS: names, SCORES: scores, PROBABILITIES: tf.exp(log_probs)}

    def _none(self) -> Tensors:
        """Returns what `_found` does where no row is good."""
        none = {
            OUTPUTS: tf.zeros([0, self.n_best], tf.string),
            SCORES: tf.zeros([0, self.n_best]),
        }
        if not self.writes:
            none[PROBABILITIES] = tf.zeros([0, len(self._classes)])
        return none


def spread(values: tf.Tensor, is_good: tf.Tensor) -> tf.Tensor:
    """Puts the values of the good rows, `[G, ...]`, in their places among all: `[B, ...]`."""
    places = tf.cumsum(tf.cast(is_good, tf.int32)) - 1
    last = tf.zeros(tf.concat([[1], tf.shape(values)[1:]], 0), values.dtype)
    filled = tf.concat([values, last], 0)
    return tf.gather(filled, tf.where(is_good, places, tf.shape(values)[0]))


def _blanked(values: tf.Tensor, is_good: tf.Tensor) -> tf.Tensor:
    """Returns the values `[B, K]`, empty or 0 where a row is not good."""
    return tf.where(is_good[:, tf.newaxis], values, tf.zeros_like(values))
