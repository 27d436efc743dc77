"""A training made ready: model, optimizer, data, mixture and checkpoints.

The order in which things are made matters, and is this:
 1. the strategy, before anything else of TensorFlow
 2. tasks and mixture: what is wrong with data or schedule shows before any model
 3. the run folder's check: another run may live there
 4. seeds and precision, then the model with all variables, then the optimizer,
    both in the strategy's scope
 5. the weights of nets from elsewhere, in a run without checkpoints
 6. iterators over the data
 7. checkpoints, which name all of these
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from t2t_mm import config, errors
from t2t_mm.data import sample
from t2t_mm.data import task as task_lib
from t2t_mm.evaluation import evaluator
from t2t_mm.mixture import mixture as mixtures
from t2t_mm.modality.pretrained import nets
from t2t_mm.models import base, build, precision
from t2t_mm.runs import checkpoint, checkpoint_files, run_folder
from t2t_mm.settings import augmentation as augmentation_lib
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding, training
from t2t_mm.training import decays, ema, feed, finite, going_on, optimizer, selection, strategy
from t2t_mm.training import job as job_lib


@dataclasses.dataclass
class Session:
    """All the parts of one training; see `open_session`."""

    folder: run_folder.RunFolder
    settings: training.TrainSettings
    optimizer_settings: training.OptimizerSettings
    batching: batching_lib.Batching
    decode_settings: decoding.DecodeSettings
    strategy: tf.distribute.Strategy
    tasks: list[task_lib.Task]
    samples: dict[str, sample.Sample]
    mixture: mixtures.Mixture
    loss_weights: dict[str, float]
    adversarial: training.AdversarialSettings
    model: base.Model
    optimizer: optimizer.Optimizer
    mean: ema.MeanWeights | None
    not_finite: training.NotFiniteSettings
    board: training.TensorBoardSettings
    gate: finite.Gate
    feed: feed.Feed
    selection: selection.Selection
    checkpoints: checkpoint.Checkpoints

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return strategy.is_chief(self.strategy)

    @property
    def learnt(self) -> dict[str, Any]:
        """All that a step changes, by its name in a checkpoint: not the places in the data."""
        kept = self.mean.objects() if self.mean is not None else {}
        return {"model": self.model, "optimizer": self.optimizer, **kept}

    def learning_rate(self, step: int) -> float:
        """Returns the learning rate of a step, the first being 0."""
        if self.optimizer.schedule is not None:
            return float(self.optimizer.schedule(step))
        return decays.learning_rate(self.optimizer_settings, step, self.settings.train_steps)

    def evaluated_weights(self) -> contextlib.AbstractContextManager[None]:
        """Gives the model, for a block, the weights that evaluations use."""
        if self.mean is None or not self.settings.evaluate_ema:
            return contextlib.nullcontext()
        return self.mean.applied()


def open_session(job: job_lib.Job, warn: Callable[[str], None]) -> Session:
    """Makes everything that training needs; the run folder is not written to.

    Args:
      job: what was asked for, with its configuration loaded.
      warn: takes a line for people.

    Raises:
      ConfigError: what was asked for does not go together.
      DataError: data or vocabularies are missing or damaged.
    """
    folder, settings = job.folder, job.settings
    optimizer_settings = config.build(training.OptimizerSettings)
    not_finite = config.build(training.NotFiniteSettings)
    board = config.build(training.TensorBoardSettings)
    batching = config.build(batching_lib.Batching)
    augmentation = config.build(augmentation_lib.AugmentSettings)
    decode_settings = config.build(decoding.DecodeSettings)
    devices = strategy.make(settings.strategy, devices=settings.devices, say=warn)
    tasks = task_lib.tasks_from_data(job.problems, job.data_dir)
    count = f"{len(tasks)} problem{'s' if len(tasks) > 1 else ''}"
    warn(f"Opening the data of {count} in {job.data_dir}.")
    samples = _samples(tasks, batching, devices, warn)
    mixture = _mixture(samples, settings, devices)
    for task in tasks:
        evaluator.metrics_of(task)  # raises for a metric that does not fit
    best = selection.Selection.make(settings, tasks)
    folder.check(model=settings.model, tasks=tasks)
    _check_mean(folder, settings)
    keras.utils.set_random_seed(settings.seed)
    settings = _with_precision(settings, folder, tasks, devices)
    precision.use(settings.precision)
    where = strategy.describe(devices)
    warn(f"Building {settings.model}, computed in {settings.precision}, on {where}.")
    with devices.scope():
        model = build.build(settings.model, tasks, kept=folder.nets())
        updater = optimizer.make(
            model.trainable_variables, optimizer_settings, model.learning_rate_multipliers()
        )
        gate = finite.Gate(not_finite)
        mean = ema.MeanWeights(model, settings.ema) if settings.ema else None
    if updater.schedule is not None:
        warn(
            f"The optimizer {optimizer_settings.optimizer!r} brings its own learning-rate "
            "schedule: OptimizerSettings.warmup_steps and decay have no effect."
        )
    if not checkpoint_files.steps(folder.checkpoints):
        nets.load(model.nets, warn)
    batches = feed.Feed(
        tasks, batching, seed=settings.seed, strategy=devices, augmentation=augmentation
    )
    iterators = {f"data_{name}": iterator for name, iterator in batches.iterators.items()}
    checkpoints = checkpoint.Checkpoints(
        folder.checkpoints,
        {
            "model": model,
            "optimizer": updater,
            **(mean.objects() if mean is not None else {}),
            **iterators,
        },
        keep=settings.keep_checkpoints,
        fingerprint=build.model_fingerprint(settings.model, model),
        data={task.name: task.manifest().split_digest(task.splits[0]) for task in tasks},
        is_chief=strategy.is_chief(devices),
        worker=strategy.worker_index(devices),
        local=list(iterators),
        division=strategy.division(devices),
        warn=warn,
    )
    return Session(
        folder=folder,
        settings=settings,
        optimizer_settings=optimizer_settings,
        batching=batching,
        decode_settings=decode_settings,
        strategy=devices,
        tasks=tasks,
        samples=samples,
        mixture=mixture,
        loss_weights=mixtures.loss_weights(list(samples)),
        adversarial=config.build(training.AdversarialSettings),
        model=model,
        optimizer=updater,
        mean=mean,
        not_finite=not_finite,
        board=board,
        gate=gate,
        feed=batches,
        selection=best,
        checkpoints=checkpoints,
    )


def _samples(
    tasks: Sequence[task_lib.Task],
    batching: batching_lib.Batching,
    devices: tf.distribute.Strategy,
    warn: Callable[[str], None],
) -> dict[str, sample.Sample]:
    """Returns what the data of each task tell of its batches, by name of the task."""
    workers = strategy.worker_count(devices)
    samples = {task.name: sample.take(task, batching, workers=workers) for task in tasks}
    for name, found in samples.items():
        longest = max([found.longest, *found.limits.values()])
        if longest > batching.batch_tokens:
            warn(
                f"An example of {name} may be {longest:,} positions long, which "
                f"Batching.batch_tokens = {batching.batch_tokens:,} does not hold: it makes a "
                "batch by itself, and takes more memory than any other."
            )
    return samples


def _mixture(
    samples: Mapping[str, sample.Sample],
    settings: training.TrainSettings,
    devices: tf.distribute.Strategy,
) -> mixtures.Mixture:
    """Returns the mixture of the problems, whose steps hold a batch for each replica."""
    replicas = devices.num_replicas_in_sync
    return mixtures.Mixture(
        list(samples),
        [taken.examples for taken in samples.values()],
        settings.schedule,
        seed=settings.seed,
        examples_a_step=[taken.examples_a_batch * replicas for taken in samples.values()],
        problems_per_step=settings.problems_per_step,
    )


def _with_precision(
    settings: training.TrainSettings,
    folder: run_folder.RunFolder,
    tasks: Sequence[task_lib.Task],
    devices: tf.distribute.Strategy,
) -> training.TrainSettings:
    """Returns the settings with the arithmetic that is computed in, the same on every worker.

    It is measured once: what goes on with this run, or reads it, finds it in its config. A busy
    machine might measure otherwise than before, and the run would go on in another arithmetic.
    """
    arithmetic: str = settings.precision
    if arithmetic == "auto":
        arithmetic = going_on.recorded(folder, "TrainSettings").get("precision", "auto")
    if arithmetic == "auto":
        planes = any(m.has_planes for task in tasks for m in task.inputs.values())
        arithmetic = precision.choose(settings, with_planes=planes)
    if strategy.Vote(devices).any(arithmetic == "float32"):
        arithmetic = "float32"
    fields = {**dataclasses.asdict(settings), "precision": arithmetic}
    return config.build(training.TrainSettings, **fields)


def _check_mean(folder: run_folder.RunFolder, settings: training.TrainSettings) -> None:
    """Raises where a run that goes on has kept a mean of its weights so far and is to no more.

    Raises:
      ConfigError: that, or the other way round.
    """
    before = float(going_on.recorded(folder, "TrainSettings").get("ema", 0.0))
    if checkpoint_files.steps(folder.checkpoints) and bool(before) != bool(settings.ema):
        raise errors.ConfigError(
            f"The run in {folder.path} {'keeps a' if before else 'has no'} mean of its weights",
            received=f"TrainSettings.ema = {settings.ema:g}",
            expected=f"{before:g}, as before" + (", or another above 0" if before else ""),
            hint="Or begin a new run with its weights: another --output_dir, and this one as "
            "--warm_start",
        )
