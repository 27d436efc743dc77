"""The signature `explain`: where a model looks for an output, and which experts it uses.

It takes the inputs and the text that was answered, and passes both through the model once. Pages
draw pictures of it. A model that has neither attention to the source nor experts has no such
signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from t2t_mm import vocabulary
from t2t_mm.data import batches, pools
from t2t_mm.data import task as task_lib
from t2t_mm.exporting import signature
from t2t_mm.modality import checks
from t2t_mm.modality.language import features as texts_lib
from t2t_mm.runs import loaded_run

NAME = "explain"
TOKENS, SOURCE_TOKENS, ORIGINS = "tokens", "source_tokens", "origins"
ATTENTION, EXPERTS, SOURCE_EXPERTS = "attention", "experts", "source_experts"


def function(run: loaded_run.LoadedRun, answers: signature.Signature) -> Any:
    """Returns the traced function of one problem, or None where the model shows nothing.

    It takes the inputs of `answers`, and `outputs`, string `[B]`, where these are texts. With T
    positions of the outputs, S of all inputs together and E experts it gives:

    - `tokens`, string `[B, T]`, of the outputs; empty behind their ends.
    - `source_tokens`, string `[B, S]`; empty for what is no text, and for padding.
    - `origins`, int32 `[B, S, 2]`: number of the input and position in it; -1 for padding.
    - `attention`, float32 `[B, T, S]`, `experts` `[B, T, E]` and `source_experts` `[B, S, E]`,
      those of them that there are; see `models.explanation.Explanation`.
    - `errors`, string `[B]`, as in `answers`; all else is empty or 0 for a bad row.

    Args:
      run: with its model.
      answers: what it explains.
    """
    names = list(answers.inputs)
    if answers.writes:
        if signature.OUTPUTS in names:
            return None
        names.append(signature.OUTPUTS)
    specs = {name: tf.TensorSpec([None], tf.string, name) for name in names}
    good_rows = tf.function(lambda **raw: _explained(run, answers, raw), autograph=False)
    explained = good_rows.get_concrete_function(**specs)
    shapes = explained.structured_outputs
    if not {ATTENTION, EXPERTS, SOURCE_EXPERTS} & set(shapes):
        return None

    def answer(**given: tf.Tensor) -> signature.Tensors:
        values, errors = answers.checked(given)
        is_good = errors == checks.GOOD
        places = tf.where(is_good)[:, 0]
        good = {name: tf.gather(values.get(name, given[name]), places) for name in names}
        made = tf.cond(
            tf.size(places) > 0,
            lambda: explained(**good),
            lambda: {name: _none(one) for name, one in shapes.items()},
        )
        spread = {name: signature.spread(value, is_good) for name, value in made.items()}
        return {**spread, signature.ERRORS: errors}

    return tf.function(answer, autograph=False).get_concrete_function(**specs)


def _explained(
    run: loaded_run.LoadedRun, answers: signature.Signature, raw: Mapping[str, tf.Tensor]
) -> signature.Tensors:
    """Explains good rows, at least one."""
    task = answers.task
    made: signature.Tensors = {}
    inputs = answers.featurized({name: raw[name] for name in answers.inputs})
    ids = None
    if answers.writes:
        built = batches.build_features(task, run.batching, [task_lib.TARGETS])
        rows = built[task_lib.TARGETS].featurize(raw[signature.OUTPUTS], training=False)
        ids = pools.padded(rows, run.batching.length_multiple)
        made[TOKENS] = _pieces(task.vocabulary, ids)
    shown = run.model.explain(task.name, {"inputs": inputs, "targets": ids})
    if shown.experts is not None:
        made[EXPERTS] = shown.experts
    if not task.inputs:  # its only position is a constant, which tells nothing
        return made
    if shown.attention is not None:
        made[ATTENTION] = shown.attention
    if shown.source_experts is not None:
        made[SOURCE_EXPERTS] = shown.source_experts
    made[ORIGINS] = shown.origins
    made[SOURCE_TOKENS] = _source_tokens(task, inputs, shown.origins)
    return made


def _source_tokens(
    task: task_lib.Task, inputs: Mapping[str, tf.Tensor], origins: tf.Tensor
) -> tf.Tensor:
    """Returns the pieces at the positions of the source, string `[B, S]`; empty where none is."""
    numbers, positions = tf.unstack(origins, axis=-1)
    tokens = tf.fill(tf.shape(numbers), "")
    for number, (name, declared) in enumerate(task.inputs.items()):
        vocab = task.vocabularies.get(getattr(declared, "vocab", ""))
        if vocab is None or inputs[name].dtype != tf.int32 or inputs[name].shape.rank != 2:
            continue
        pieces = _pieces(vocab, inputs[name])
        last = tf.shape(pieces)[1] - 1
        there = tf.gather(pieces, tf.clip_by_value(positions, 0, last), batch_dims=1)
        tokens = tf.where(numbers == number, there, tokens)
    return tokens


def _pieces(vocab: vocabulary.Vocabulary, ids: tf.Tensor) -> tf.Tensor:
    """Returns the pieces of int32 `[B, T]`, string `[B, T]`; empty for padding."""
    return tf.where(ids == vocabulary.PAD_ID, "", texts_lib.tokenizer(vocab).id_to_string(ids))


def _none(one: tf.TensorSpec) -> tf.Tensor:
    """Returns a tensor like another one, of no rows."""
    return tf.zeros([0, *(size or 0 for size in one.shape[1:])], one.dtype)
