"""Takes the steps of a training: draws problems, feeds their batches, and trains them."""

from __future__ import annotations

import time

import tensorflow as tf

from t2t_mm.training import adversarial, console, joint_steps, session, single_steps, taken
from t2t_mm.training import step as step_lib


class Driver:
    """Gives steps to the device; nothing waits for their results.

    Args:
      made: the training.
      screen: for people.
    """

    def __init__(self, made: session.Session, screen: console.Console) -> None:
        self._made, self._screen = made, screen
        self._several = made.settings.problems_per_step
        kind = joint_steps.JointSteps if self._several > 1 else single_steps.Steps
        self._steps = kind(
            adversarial.of(made.model, made.adversarial),
            made.optimizer,
            made.strategy,
            screen.line,
            gate=made.gate,
            loss_weights=made.loss_weights,
            mean=made.mean,
        )

    def take(self, step: int) -> taken.Taken:
        """Trains a batch of each problem that a step draws.

        Args:
          step: the number of steps before it.

        Raises:
          DataError: a record is damaged; names the file.
        """
        made = self._made
        names = [made.mixture.names[place] for place in made.mixture.picks(step)]
        for name in names:
            if not self._steps.is_ready(name):
                self._screen.line(f"Step {step + 1:,}, the first of {name}: tracing its graph.")
        learning_rate = made.learning_rate(step)
        if isinstance(self._steps, single_steps.Steps):
            return self._take_one(self._steps, names[0], step, learning_rate)
        return self._take_several(self._steps, names, step, learning_rate)

    def _take_one(
        self, steps: single_steps.Steps, name: str, step: int, learning_rate: float
    ) -> taken.Taken:
        begin = time.perf_counter()
        batch, counts = self._made.feed.next(name)
        seed = tf.constant([self._made.settings.seed, step], tf.int32)
        spec = self._made.feed.specs[name]
        metrics = steps.take(name, spec, batch, seed=seed, learning_rate=learning_rate)
        seconds = time.perf_counter() - begin
        part = taken.Part(name, seconds, counts, metrics, batch, seed)
        return taken.Taken(step + 1, (part,), metrics[step_lib.FINITE], learning_rate)

    def _take_several(
        self, steps: joint_steps.JointSteps, names: list[str], step: int, learning_rate: float
    ) -> taken.Taken:
        added = []
        for place, name in enumerate(names):
            begin = time.perf_counter()
            batch, counts = self._made.feed.next(name)
            # No two problems of a run have the same randomness.
            number = step * self._several + place
            seed = tf.constant([self._made.settings.seed, number], tf.int32)
            spec = self._made.feed.specs[name]
            metrics = steps.add(name, spec, batch, seed=seed, count=len(names))
            added.append((name, time.perf_counter() - begin, counts, metrics, batch, seed))
        begin = time.perf_counter()
        updated = steps.update(learning_rate)
        share_s = (time.perf_counter() - begin) / len(names)
        parts = tuple(
            taken.Part(name, seconds + share_s, counts, {**metrics, "norm": updated["norm"]}, *rest)
            for name, seconds, counts, metrics, *rest in added
        )
        return taken.Taken(step + 1, parts, updated[step_lib.FINITE], learning_rate)
