"""Makes the nets from elsewhere that a model has, and gives them their weights."""

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
    """Returns a net with its variables; `load` gives those their values.

    Args:
      net: what it is.
      modality: of the input, or of targets.
      task: a task of this net.
      config: of the model.
      name: of the net.
      writes: whether it writes targets too, as a language net may.
    """
    kept = record.kept(name, net)
    if isinstance(net, declaration.TokenEmbeddings):
        return embeddings.TableNet(net, modality, task, config, kept=kept, name=name)
    own = registry.load(modality.net_class)
    text = own(modality, task, config, name="text") if writes else None
    return encoder.KerasEncoder(net, modality, config, kept=kept, text=text, name=name)


def load(nets: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Gives the nets of a new run the weights that they come with.

    Args:
      nets: of a model, by name.
      say: takes a line for people.

    Raises:
      ConfigError: a file is missing, or does not fit.
    """
    for name, net in nets.items():
        if isinstance(net, encoder.KerasEncoder):
            weights.load(name, net, say)
        elif isinstance(net, embeddings.TableNet):
            net.load(name, say)


def records(nets: Mapping[str, Any]) -> dict[str, record.Record]:
    """Returns what a run folder is to keep, by name of the net."""
    found = {name: getattr(net, "record", None) for name, net in nets.items()}
    return {name: kept for name, kept in found.items() if kept is not None}
