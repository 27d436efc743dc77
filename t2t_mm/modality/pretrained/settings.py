"""Nets from elsewhere as gin names them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.modality import base
from t2t_mm.modality.pretrained import declaration


@dataclasses.dataclass(frozen=True)
class PretrainedNets:
    """Nets from elsewhere, by the name of the net whose place they take.

    A name is that of the table of sizes (`mm-trainer --dry_run`): "image", "language_mm_8k".

    Args:
      keras: the fields of a `KerasNet` (docs/pretrained.md) by name of an input's net.
    """

    keras: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.declared()

    def declared(self) -> dict[str, declaration.Net]:
        """Returns the declarations by name of the net."""
        return {
            name: declaration.from_values(
                declaration.KerasNet, values, f"PretrainedNets.keras[{name!r}]"
            )
            for name, values in self.keras.items()
        }


def choose(
    settings: PretrainedNets, nets: Mapping[str, base.Modality], targets: Iterable[str]
) -> dict[str, declaration.Net]:
    """Returns what takes the place of which net: as gin says, else as the problem does.

    Args:
      settings: gin's.
      nets: the modality of each net of a model, by name.
      targets: names of nets that write targets.

    Raises:
      ConfigError: for a net that the model does not have, or that cannot be such a one.
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
    for name in declared:
        if name in writing and nets[name].kind != "language":
            raise errors.ConfigError(
                f"A Keras model cannot take the place of the net {name!r}, which writes targets",
                expected=f"an input's net: one of {', '.join(sorted(set(nets) - writing))}",
            )
    return declared
