"""Builds a registered model from its configuration, and computes its fingerprint."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import config, registry
from t2t_mm.data import task as tasks
from t2t_mm.modality.pretrained import nets, record
from t2t_mm.models import base, joining
from t2t_mm.settings import models as settings

_ONLY_TRAINING = ("dropout", "block_dropout", "label_smoothing", "gate_loss")
"""Settings that a checkpoint does not depend on."""

_ADDED = settings.BEFORE
"""Sizes that older versions do not know, with the value that they all had, which is omitted."""

_OF_NETS = {"audio_widths": "audio", "entry": "image", "exit": "categorical"}
"""Sizes of one kind of net; the fingerprint of a model without such a net omits them."""


def build(
    name: str,
    tasks: Sequence[tasks.Task],
    *,
    kept: Mapping[str, record.Record] | None = None,
) -> base.Model:
    """Builds the registered model `name`, with the sizes that gin binds.

    Args:
      name: of the model.
      tasks: the tasks to serve.
      kept: a run's record of its pretrained nets, as `RunFolder.nets` gives it.

    Raises:
      ConfigError: for an unknown name, or a configuration that does not fit.
    """
    model = registry.models.get(name)
    with record.using(kept or {}):
        return model(config.build(model.config_class), tasks)


def model_fingerprint(name: str, model: base.Model) -> dict[str, Any]:
    """Returns what a checkpoint must agree with to be restored into this model, as JSON."""
    sizes = dataclasses.asdict(model.config)
    for size, kind in _OF_NETS.items():
        if not any(net.startswith(kind) for net in model.nets):
            sizes.pop(size, None)
    if not model.following.followers:
        sizes.pop("follow_words", None)
    sizes = {k: v for k, v in sizes.items() if k not in _ADDED or v != _ADDED[k]}
    tasks = model.tasks.values()
    if any(joining.keeps_plane(task) for task in tasks):  # older versions used the sequence
        sizes["class_of_several_inputs"] = "plane"
    foreign = {net: record.lasting(kept) for net, kept in nets.records(model.nets).items()}
    return {
        "model": name if model.version == 1 else f"{name}, version {model.version}",
        "config": {k: v for k, v in sizes.items() if k not in _ONLY_TRAINING},
        "vocabularies": {n: v.sha256 for t in tasks for n, v in t.vocabularies.items()},
        "versions": {task.name: task.version for task in tasks},
        **({"nets": foreign} if foreign else {}),
    }
