"""Builds a model's pretrained nets, and loads their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from t2t_mm import registry
from t2t_mm.modality import base
from t2t_mm.modality.pretrained import declaration, embeddings, encoder, record, weights


def make(
    net: declaration.Net,
    modality: base.Modality,
    task: base.Task,
    config: Any,
    *,
    name: str,
    writes: bool,
) -> Any:
    """Builds a net with initialised variables; `load` loads the weights.

    Args:
      net: the declaration.
      modality: of the input, or of targets.
      task: a task of this net.
      config: of the model.
      name: of the net.
      writes: whether it is also the net of targets, as a language net may be.
    """
    kept = record.kept(name, net)
    if isinstance(net, declaration.TokenEmbeddings):
        return embeddings.TableNet(net, modality, task, config, kept=kept, name=name)
    own = registry.load(modality.net_class)
    text = own(modality, task, config, name="text") if writes else None
    return encoder.KerasEncoder(net, modality, config, kept=kept, text=text, name=name)


def load(nets: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Loads the pretrained weights of a new run's nets.

    Args:
      nets: of a model, by name.
      say: called with messages for the user.

    Raises:
      ConfigError: a file is missing, or does not fit.
    """
    for name, net in nets.items():
        if isinstance(net, encoder.KerasEncoder):
            weights.load(name, net, say)
        elif isinstance(net, embeddings.TableNet):
            net.load(name, say)


def records(nets: Mapping[str, Any]) -> dict[str, record.Record]:
    """Returns the records for the run folder, by name of the net."""
    by_net = {name: getattr(net, "record", None) for name, net in nets.items()}
    return {name: kept for name, kept in by_net.items() if kept is not None}
