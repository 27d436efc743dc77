"""The base of all models: modality nets around a body that is the same for all modalities."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from t2t_mm import errors
from t2t_mm.data import task as tasks
from t2t_mm.layers import base, history, recording
from t2t_mm.modality import representation
from t2t_mm.models import body as body_lib
from t2t_mm.models import explanation, following, joining, rows, watching
from t2t_mm.models import nets as nets_lib


class Model(base.Layer):
    """A body with the modality nets of its tasks.

    Tasks with the same modality share its net, and so its variables.

    Args:
      config: sizes; see `t2t_mm.settings.models`.
      tasks: the tasks to serve.
      body: the encoder and decoder between the nets.
    """

    config_class: ClassVar[type]
    """The frozen dataclass of the model's sizes, which gin binds."""

    version: ClassVar[int] = 1
    """Raised when the same weights compute something else: older checkpoints are then refused."""

    def __init__(
        self,
        config: Any,
        tasks: Sequence[tasks.Task],
        body: body_lib.Body,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.config = config
        self.tasks = {task.name: task for task in tasks}
        self.body = body
        self.nets = nets_lib.make(config, tasks)
        self.following = following.Following(
            tasks, config.width, active=getattr(config, "follow_words", False), name="following"
        )
        self.commands = rows.commands(tasks)
        spread = keras.initializers.RandomNormal(stddev=1.0)
        self.command_embedding = self.weight("commands", (len(self.commands), config.width), spread)
        self.input_names = rows.inputs(tasks)
        if self.input_names:
            shape = (len(self.input_names), config.width)
            self.input_marks = self.weight("input_marks", shape, spread)
        if any(not task.inputs for task in tasks):
            self.no_input = self.weight("no_input", (config.width,), spread)

    def loss(
        self,
        task_name: str,
        batch: Mapping[str, Any],
        *,
        training: bool,
        seed: tf.Tensor | None = None,
        command: int | tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Computes the training loss and metrics of a batch.

        Args:
          task_name: the task that the batch belongs to.
          batch: `inputs`, features by name (those of `Task.given`), of which any may be a
            `representation.Perturbed`; and `targets`.
          training: with dropout, gate noise and label smoothing.
          seed: int32 `[2]`, of this step's randomness; needed in training.
          command: row of the command embedding, a scalar; the task's own by default.

        Returns:
          The loss, a float32 scalar, and scalars by name: `loss` (cross-entropy a target
          token, in nats), `log_perplexity` (the same without label smoothing), `accuracy`
          (not for text in training), `tokens`, `aux_loss`, and `expert_load` `[layers, E]`,
          the tokens of each expert. For text out of training also `by_row` `[B, 3]`, see
          `representation.Loss`.
        """
        task = self._task(task_name)
        self.take_updates()  # discard those of an earlier trace
        rng = base.Rng(seed) if training and seed is not None else None
        source, stats = self._encode(task, batch["inputs"], rng)
        net = self._target_net(task)
        targets = batch["targets"]
        if task.targets.autoregressive:
            hidden, more = self._decode(task, targets, source, rng, command)
            target_loss = net.loss(hidden, targets, training=training)
        else:
            body, more = self._class_body(task, source, rng, command)
            logits = net.logits(body, rng)
            target_loss = net.loss(logits, targets, training=training)
        metrics = {
            name: value for name, value in target_loss._asdict().items() if value is not None
        }
        aux = tf.constant(0.0)
        for stat in stats + more:
            aux += self.config.gate_loss * (stat.importance_loss + stat.load_loss)
        metrics["aux_loss"] = aux
        if stats + more:
            metrics["expert_load"] = tf.stack([stat.load for stat in stats + more])
        if training and task.targets.autoregressive:
            del metrics["accuracy"]  # it would take another pass over all logits
        return target_loss.loss + aux, metrics

    def take_updates(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        return [update for net in self.nets.values() for update in net.take_updates()]

    def learning_rate_multipliers(self) -> list[tuple[keras.Variable, float]]:
        return [pair for net in self.nets.values() for pair in net.learning_rate_multipliers()]

    def call(self, batch: Mapping[str, Any], task_name: str) -> tf.Tensor:
        """Returns teacher-forced logits: float32 `[B, T, V]`, or `[B, C]` for a class."""
        task = self._task(task_name)
        source, _ = self._encode(task, batch["inputs"], None)
        net = self._target_net(task)
        if not task.targets.autoregressive:
            return net.logits(self._class_body(task, source, None)[0])
        hidden, _ = self._decode(task, batch["targets"], source, None)
        logits = net.logits(tf.reshape(hidden, [-1, self.config.width]))
        return tf.reshape(logits, tf.concat([tf.shape(hidden)[:2], [-1]], 0))

    def traced_as(self, task_name: str) -> str:
        """Returns the task whose traced function this one shares, which may be itself.

        Tasks with the same inputs and nets differ only in their command, which is an
        argument of the function. Tracing a deep model takes many seconds.
        """
        route = self.route(self._task(task_name))
        return next(name for name, task in self.tasks.items() if self.route(task) == route)

    def route(self, task: tasks.Task) -> tuple[Any, ...]:
        """Returns all that a task's traced function depends on, except the command.

        A model with more parts of a task (adapters, say) extends this.
        """
        inputs = tuple((n, m.net_name(task.name)) for n, m in task.inputs.items())
        return inputs, task.targets.net_name(task.name), self.following.route(task)

    def command_row(self, task_name: str) -> int:
        """Returns the row of a task's command embedding, for `loss` and `decode_step`."""
        return self.commands.index(self._task(task_name).command)

    def class_logits(
        self,
        task_name: str,
        inputs: Mapping[str, Any],
        command: int | tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns float32 `[B, C]` for a task whose target is a class."""
        task = self._task(task_name)
        source, _ = self._encode(task, inputs, None)
        return self._target_net(task).logits(self._class_body(task, source, None, command)[0])

    def explain(self, task_name: str, batch: Mapping[str, Any]) -> explanation.Explanation:
        """Returns where the decoder looks in the inputs, and the experts of each position.

        One teacher-forced pass beside all others: nothing of it is in training or decoding.

        Args:
          task_name: of any task.
          batch: as in `loss`; `targets` are the outputs to explain, and are not read where
            the target is a class.
        """
        task = self._task(task_name)
        with recording.record() as encoder:
            parts = self._parts(task, batch["inputs"], None)
            source, _ = self._encode_parts(task, parts, batch["inputs"], None)
        with recording.record() as decoder:
            if task.targets.autoregressive:
                self._decode(task, batch["targets"], source, None)
                real = batch["targets"] != 0
            else:
                self._class_body(task, source, None)
                real = tf.ones([tf.shape(source.x)[0], 1], tf.bool)
        origins = joining.join([explanation.origin(part, i) for i, part in enumerate(parts)])
        return explanation.of(encoder, decoder, origins, real)

    def embed_input(
        self, task_name: str, name: str, features: tf.Tensor
    ) -> representation.Representation:
        """Returns what the net of one input makes of its features."""
        return self._embedded(self._task(task_name), name, features, None)

    def encode(self, task_name: str, inputs: Mapping[str, Any]) -> body_lib.Memory:
        """Encodes inputs for decoding; batch is axis 0 of every tensor."""
        source, _ = self._encode(self._task(task_name), inputs, None)
        mask = source.mask
        if mask is None:
            mask = tf.ones(tf.shape(source.x)[:2], tf.float32)
        read = self.body.read_source(source.x, mask)
        words = () if source.words is None else source.words
        return body_lib.Memory(source.x, mask, read, words)

    def start_state(
        self, task_name: str, memory: body_lib.Memory, max_length: int | tf.Tensor
    ) -> Any:
        """Returns the decoder's initial state, one hypothesis for each input.

        It holds nothing of the inputs, so `t2t_mm.decoding.states` can repeat, reorder and
        drop hypotheses.

        Args:
          task_name: of a task whose target is text.
          memory: from `encode`.
          max_length: tokens of an output at most.
        """
        task = self._task(task_name)
        batch = tf.shape(memory.mask)[0]
        body = self.body.start(batch, max_length)
        return history.lineage(batch), body, self.following.start(task, batch)

    def decode_step(
        self,
        task_name: str,
        ids: tf.Tensor,
        step: tf.Tensor,
        memory: body_lib.Memory,
        state: Any,
        command: int | tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, Any]:
        """Computes the logits of one position, equal to those of `call`.

        Args:
          task_name: of a task whose target is text.
          ids: int32 `[R]`, the previous token; ignored at step 0, where the command is used.
          step: scalar, the position.
          memory: from `encode`, of B inputs; R / B consecutive hypotheses share one.
          state: from `start_state` or the previous step. A step in a graph may overwrite it,
            so use each state once.
          command: as in `loss`.

        Returns:
          float32 `[R, V]`, and the state after this position.
        """
        task = self._task(task_name)
        net = self._target_net(task)
        first = tf.cast(tf.equal(step, 0), self.compute_dtype)
        x = net.embed(ids) * (1 - first) + self._command(task, command)[None] * first
        lineage, state, done = state
        x, done = self.following.step(task, x, memory.words, done, ids, step)
        place, lineage = lineage.at(step)
        hidden, state = self.body.step(x, place, state, memory.source, memory.mask)
        return net.logits(hidden), (lineage, state, done)

    def parts(self) -> dict[str, list[keras.Variable]]:
        """Returns the trainable variables by part of the model, for the table of sizes."""
        parts: dict[str, list[keras.Variable]] = collections.OrderedDict()
        for name in sorted(self.nets):
            parts[name] = self.nets[name].trainable_variables
        if self.following.followers:
            parts["following"] = self.following.trainable_variables
        for child in self.body.parts():
            parts[f"body/{child.name}"] = child.trainable_variables
        counted = {id(v) for variables in parts.values() for v in variables}
        parts["commands"] = [v for v in self.trainable_variables if id(v) not in counted]
        return parts

    def tables(self) -> list[rows.Table]:
        """Returns the variables that a warm start copies row by row, by the rows' names."""
        named = rows.names(list(self.tasks.values()))
        tables = [rows.Table(self.command_embedding, 0, rows.COMMANDS)]
        if self.input_names:
            tables.append(rows.Table(self.input_marks, 0, rows.INPUTS))
        for name, net in self.nets.items():
            if name in named:
                tables += [rows.Table(variable, axis, name) for variable, axis in net.by_row()]
        return tables

    def _task(self, name: str) -> tasks.Task:
        if name not in self.tasks:
            raise errors.ConfigError(
                f"The model was not built for the problem {name!r}",
                expected=f"one of {', '.join(self.tasks)}",
                hint=errors.did_you_mean(name, self.tasks),
            )
        return self.tasks[name]

    def _target_net(self, task: tasks.Task) -> Any:
        return self.nets[task.targets.net_name(task.name)]

    def _command(self, task: tasks.Task, row: int | tf.Tensor | None) -> tf.Tensor:
        """Returns the embedding of a command, `[D]`."""
        row = self.commands.index(task.command) if row is None else row
        return tf.gather(self.read(self.command_embedding), row)

    def _encode(
        self, task: tasks.Task, inputs: Mapping[str, Any], rng: base.Rng | None
    ) -> tuple[representation.Representation, body_lib.Stats]:
        """Runs the input nets and the encoder; several inputs are concatenated along time."""
        return self._encode_parts(task, self._parts(task, inputs, rng), inputs, rng)

    def _parts(
        self, task: tasks.Task, inputs: Mapping[str, Any], rng: base.Rng | None
    ) -> list[representation.Representation]:
        """Runs the input nets; a task without inputs has one constant position instead."""
        if not task.inputs:
            count = tf.shape(inputs[tasks.PREFIX])[0]
            nothing = tf.tile(self.read(self.no_input)[None, None], [count, 1, 1])
            return [representation.Representation(nothing)]
        parts = []
        for name in task.inputs:
            part = self.body.place(self._embedded(task, name, inputs[name], rng))
            if len(task.inputs) > 1:
                mark = self.read(self.input_marks)[self.input_names.index(name)]
                part = part._replace(x=part.x + mark)
            parts.append(part)
        return parts

    def _embedded(
        self, task: tasks.Task, name: str, given: Any, rng: base.Rng | None
    ) -> representation.Representation:
        """Runs the net of one input, features or `representation.Perturbed`."""
        net = self.nets[task.inputs[name].net_name(task.name)]
        if isinstance(given, representation.Perturbed):
            part = net.bottom(given.features, rng)
            return part._replace(x=part.x + tf.cast(given.change, part.x.dtype))
        part = net.bottom(given, rng)
        watching.saw(name, part)
        return part

    def _encode_parts(
        self,
        task: tasks.Task,
        parts: Sequence[representation.Representation],
        inputs: Mapping[str, Any],
        rng: base.Rng | None,
    ) -> tuple[representation.Representation, body_lib.Stats]:
        """Runs the encoder, which a task without inputs does not need."""
        joined = joining.join(parts)
        if not task.inputs:
            return joined, []
        encoded, stats = self.body.encode(joined.x, joined.mask, rng)
        words = self.following.words(task, encoded, inputs, parts)
        return joined._replace(x=encoded, words=words), stats

    def _decode(
        self,
        task: tasks.Task,
        targets: tf.Tensor,
        source: representation.Representation,
        rng: base.Rng | None,
        command: int | tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, body_lib.Stats]:
        """Shifts the targets right by one behind the command, and runs the decoder."""
        embedded = self._target_net(task).embed(targets[:, :-1])
        start = tf.tile(self._command(task, command)[None, None], [tf.shape(targets)[0], 1, 1])
        shifted = tf.concat([start, embedded], 1)
        if source.words is not None:
            shifted += following.given(task, source.words, targets)
        real = tf.cast(targets != 0, tf.float32)
        return self.body.decode(shifted, source.x, source.mask, rng, real)

    def _class_body(
        self,
        task: tasks.Task,
        source: representation.Representation,
        rng: base.Rng | None,
        command: int | tf.Tensor | None = None,
    ) -> tuple[representation.Representation, body_lib.Stats]:
        """Returns the input of the exit flow: the encoded input, or one decoder step.

        Where one of several inputs is an image, that is the image's plane, with the mean of
        the others added to each position (see `joining.plane`). With several planes, or none, it
        is the whole sequence.
        """
        if not self.config.class_through_decoder:
            return joining.plane(source), []
        start = tf.tile(self._command(task, command)[None, None], [tf.shape(source.x)[0], 1, 1])
        hidden, stats = self.body.decode(start, source.x, source.mask, rng)
        return representation.Representation(hidden, None, (1, 1)), stats
