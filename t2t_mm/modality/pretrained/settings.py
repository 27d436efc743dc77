"""The gin settings of pretrained nets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.modality import base
from t2t_mm.modality.pretrained import declaration


@dataclasses.dataclass(frozen=True)
class PretrainedNets:
    """Pretrained nets, by the name of the net that each replaces.

    Names are those of the table of sizes (`mm-trainer --dry_run`): "image", "language_mm_8k".

    Args:
      keras: the fields of a `KerasNet` (docs/pretrained.md) by name of an input's net.
      embeddings: the fields of a `TokenEmbeddings`, by name of a language net.
    """

    keras: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    embeddings: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.declared()
        for name in set(self.keras) & set(self.embeddings):
            raise errors.ConfigError(f"PretrainedNets declares the net {name!r} twice")

    def declared(self) -> dict[str, declaration.Net]:
        """Returns the declarations by name of the net."""
        kinds: tuple[tuple[str, dict[str, dict[str, Any]], type[Any]], ...] = (
            ("keras", self.keras, declaration.KerasNet),
            ("embeddings", self.embeddings, declaration.TokenEmbeddings),
        )
        return {
            name: declaration.from_values(cls, values, f"PretrainedNets.{field}[{name!r}]")
            for field, nets, cls in kinds
            for name, values in nets.items()
        }


def choose(
    settings: PretrainedNets, nets: Mapping[str, base.Modality], targets: Iterable[str]
) -> dict[str, declaration.Net]:
    """Returns the declarations of pretrained nets, of gin or else of the problems.

    Args:
      settings: of gin.
      nets: the modality of each net of a model, by name.
      targets: names of nets of targets.

    Raises:
      ConfigError: for a net that the model does not have, or that cannot be replaced so.
    """
    declared: dict[str, declaration.Net] = {
        name: modality.net for name, modality in nets.items() if modality.net is not None
    }
    for name in settings.declared():
        if name not in nets:
            raise errors.ConfigError(
                f"PretrainedNets names a net that the model does not have: {name!r}",
                expected=f"one of {', '.join(sorted(nets))}",
                hint=errors.did_you_mean(name, nets),
            )
    declared |= settings.declared()
    writing = set(targets)
    for name, net in declared.items():
        is_text = nets[name].kind == "language"
        if isinstance(net, declaration.TokenEmbeddings) and not is_text:
            raise errors.ConfigError(f"The net {name!r} has no token embeddings: it is no text's")
        if isinstance(net, declaration.KerasNet) and name in writing and not is_text:
            raise errors.ConfigError(
                f"A Keras model cannot take the place of the net {name!r}, which writes targets",
                expected=f"an input's net: one of {', '.join(sorted(set(nets) - writing))}",
            )
    return declared
