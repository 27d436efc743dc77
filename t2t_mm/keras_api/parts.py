"""What a `KerasModel` is made of, from a configuration; and that from its JSON values again."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import config
from t2t_mm.data import task as task_lib
from t2t_mm.mixture import mixture
from t2t_mm.modality.pretrained import nets, record
from t2t_mm.models import base, build, precision
from t2t_mm.runs import loaded_run
from t2t_mm.settings import batching as batching_lib
from t2t_mm.settings import decoding, training
from t2t_mm.training import optimizer as optimizers


@dataclasses.dataclass(frozen=True)
class Parts:
    """A model, the problems it is for, and the settings it is trained and asked with.

    Attributes:
      network: the model, with its variables.
      tasks: the problems it was built for, by name.
      vocabularies: the folder that holds a folder for each vocabulary.
      configuration: the settings as gin text.
      settings: of training, with the precision that was chosen.
      optimizer_settings: of the optimizer and its learning rate.
      loss_weights: of the problems' losses in the gradients, by name.
      batching: sizes of batches.
      decode_settings: of the search, where text is written.
    """

    network: base.Model
    tasks: Mapping[str, task_lib.Task]
    vocabularies: pathlib.Path
    configuration: str
    settings: training.TrainSettings
    optimizer_settings: training.OptimizerSettings
    loss_weights: Mapping[str, float]
    batching: batching_lib.Batching
    decode_settings: decoding.DecodeSettings

    def make_optimizer(self, variables: Sequence[Any]) -> optimizers.Optimizer:
        """Returns the optimizer of the settings over some variables."""
        with config.only(text=self.configuration):  # a class of a plugin reads its own settings
            multipliers = self.network.learning_rate_multipliers()
            return optimizers.make(variables, self.optimizer_settings, multipliers)

    def describe(self) -> dict[str, Any]:
        """Returns all but the weights, as JSON values; `from_description` inverts it."""
        return {
            "configuration": self.configuration,
            "tasks": [task.describe() for task in self.tasks.values()],
            "vocabularies": str(self.vocabularies),
            "nets": nets.records(self.network.nets),
        }


def make(
    tasks: Sequence[task_lib.Task],
    vocabularies: pathlib.Path,
    *,
    network: base.Model | None = None,
    kept: Mapping[str, record.Record] | None = None,
    choose_precision: bool = False,
) -> Parts:
    """Returns the parts of the configuration that is loaded.

    Args:
      tasks: the problems.
      vocabularies: the folder that holds a folder for each vocabulary.
      network: the model; built from the configuration where there is none.
      kept: what is known of nets from elsewhere, as `models.build.build` takes it.
      choose_precision: whether a precision "auto" is measured here, or float32.
    """
    settings = config.build(training.TrainSettings)
    chosen: str = settings.precision
    if chosen == "auto":
        planes = any(m.has_planes for task in tasks for m in task.inputs.values())
        chosen = precision.choose(settings, with_planes=planes) if choose_precision else "float32"
    settings = config.build(
        training.TrainSettings, **{**dataclasses.asdict(settings), "precision": chosen}
    )
    if network is None:
        with loaded_run.dtype_policy_kept():
            precision.use(chosen)
            network = build.build(settings.model, tasks, kept=kept)
    config.build(type(network.config))
    return Parts(
        network=network,
        tasks={task.name: task for task in tasks},
        vocabularies=vocabularies,
        settings=settings,
        optimizer_settings=config.build(training.OptimizerSettings),
        loss_weights=mixture.loss_weights([task.name for task in tasks]),
        batching=config.build(batching_lib.Batching),
        decode_settings=config.build(decoding.DecodeSettings),
        configuration=config.operative(),
    )


def from_description(description: Mapping[str, Any]) -> Parts:
    """Makes the parts again, with new weights, from what `Parts.describe` returned.

    Raises:
      DataError: the vocabularies are no longer in their folder.
      ConfigError: a problem's modality or a setting that is no longer known.
    """
    folder = pathlib.Path(description["vocabularies"])
    shared: task_lib.Vocabularies = {}
    tasks = [
        task_lib.Task.from_description(one, folder, shared=shared) for one in description["tasks"]
    ]
    with config.only(text=description["configuration"]):
        return make(tasks, folder, kept=description["nets"])
