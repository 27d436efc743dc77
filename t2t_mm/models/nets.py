"""The modality nets of a model: one for each net name of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from t2t_mm import config as config_lib
from t2t_mm import errors, registry
from t2t_mm.data import task as tasks
from t2t_mm.modality import base as modality
from t2t_mm.modality.pretrained import nets as pretrained
from t2t_mm.modality.pretrained import settings as pretrained_settings


class _Domain(NamedTuple):
    declaration: modality.Modality
    task: tasks.Task


def make(config: Any, tasks: Sequence[tasks.Task]) -> dict[str, Any]:
    """Builds one net for each net name of the tasks' modalities.

    Args:
      config: sizes of the model.
      tasks: those to serve.

    Raises:
      ConfigError: two declarations of one name do not agree.
    """
    domains: dict[str, _Domain] = {}
    for task in tasks:
        for declaration in [*task.inputs.values(), task.targets]:
            name = declaration.net_name(task.name)
            old = domains.setdefault(name, _Domain(declaration, task))
            mine, its = getattr(declaration, "classes", ()), getattr(old.declaration, "classes", ())
            if mine != its:
                raise errors.ConfigError(
                    f"The problems {old.task.name!r} and {task.name!r} share the label set "
                    f"{name!r} but not its classes",
                    received=f"{len(its)} and {len(mine)} classes",
                    hint="Give each its own Categorical(labels=...)",
                )
            if declaration.net != old.declaration.net:
                raise errors.ConfigError(
                    f"The problems {old.task.name!r} and {task.name!r} declare two nets that are "
                    f"named alike, {name!r}",
                    received=f"{old.declaration.net} and {declaration.net}",
                )
    targets = {task.targets.net_name(task.name) for task in tasks}
    foreign = pretrained_settings.choose(
        config_lib.build(pretrained_settings.PretrainedNets),
        {name: domain.declaration for name, domain in domains.items()},
        targets,
    )
    nets: dict[str, Any] = {}
    for name, (declaration, task) in sorted(domains.items()):
        if name in foreign:
            nets[name] = pretrained.make(
                foreign[name], declaration, task, config, name=name, writes=name in targets
            )
        else:
            nets[name] = registry.load(declaration.net_class)(declaration, task, config, name=name)
    return nets
