"""The contract of a modality, in three parts that are loaded when needed.

1. Its *declaration* (this class): what a problem writes down. It imports neither
   TensorFlow nor Keras, so that listing and data generation stay light.
2. Its *features* (`features_class`): raw record values to model features, in the
   graph; used by the training pipeline and by an export alike.
3. Its *net* (`net_class`): Keras layers from features to `[B, S, D]` and from
   `[B, T, D]` to a loss and predictions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from t2t_mm import errors, registry
from t2t_mm.config import value_types
from t2t_mm.modality.pretrained import declaration as pretrained

if TYPE_CHECKING:
    from t2t_mm import vocabulary


class Task(Protocol):
    """What features and nets need to know of a problem bound to its data (`data.task.Task`)."""

    @property
    def name(self) -> str:
        """The problem's name, for messages."""

    @property
    def vocabularies(self) -> Mapping[str, vocabulary.Vocabulary]:
        """By the names that language modalities give them."""


@dataclasses.dataclass(frozen=True)
class Modality:
    """What a problem declares of one of its inputs, or of its targets."""

    kind: ClassVar[str] = ""
    features_class: ClassVar[str] = ""
    net_class: ClassVar[str] = ""
    autoregressive: ClassVar[bool] = False
    """As a target: written piece by piece (language), or at once (a class)?"""
    has_planes: ClassVar[bool] = False
    """As an input: does its net convolve over planes, as of pictures and spectra?"""
    unit: ClassVar[str] = ""
    """Of what `amount` counts in a batch ("tokens", "pictures"), for a training's pace to be
    told by; empty where that is told by the examples."""
    can_be_input: ClassVar[bool] = True
    can_be_target: ClassVar[bool] = True

    net: pretrained.Net | None = dataclasses.field(default=None, kw_only=True)
    """A net from elsewhere in the place of the modality's own."""

    def encode(self, value: Any) -> bytes:
        """Checks a raw value of `generate_examples` and returns the record's bytes.

        Raises:
          BadExampleError: when the value cannot be used.
        """
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def amount(self, features: Any) -> float:
        """Returns how many of its `unit` a batch holds, padding left out.

        Args:
          features: `[B, ...]`, as batches hold them, on the host.
        """
        return float(len(features))

    def is_cut(self, features: Any) -> Any:
        """Returns which examples of a batch are not whole, being too long: bool `[B]`.

        Args:
          features: `[B, ...]`, as batches hold them, on the host.
        """
        import numpy as np

        return np.zeros(len(features), bool)

    def prefix(self) -> Modality:
        """Returns how the beginning of such a target is given, for a model to go on with.

        Only of what is written piece by piece.
        """
        raise NotImplementedError(f"{type(self).__name__}.prefix")

    def net_name(self, problem: str) -> str:
        """Names the net that serves this declaration; equal names share weights."""
        del problem
        return self.with_net(self.kind)

    def with_net(self, name: str) -> str:
        """Returns the name of a net, told apart from that of the modality's own."""
        return name if self.net is None else f"{name}_{self.net.label}"

    def row_names(self, vocabularies: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns what the rows of its net's tables (`by_row` there) stand for: pieces, classes.

        Args:
          vocabularies: of the task, by name.
        """
        del vocabularies
        return ()

    def describe(self) -> dict[str, Any]:
        """Returns the declaration as JSON values; `from_description` inverts it."""
        described = {"modality": self.kind, **dataclasses.asdict(self)}
        if self.net is None:
            del described["net"]
        return described


def from_description(description: Mapping[str, Any]) -> Modality:
    """Rebuilds a declaration from what `Modality.describe` returned.

    Raises:
      ConfigError: for a modality, a parameter or a value that there is not.
    """
    values = dict(description)
    cls = registry.modalities.get(values.pop("modality"))
    known = {field.name for field in dataclasses.fields(cls)}
    strange = sorted(set(values) - known)
    if strange:
        raise errors.ConfigError(
            f"The modality {cls.kind!r} has no parameter {strange[0]!r}",
            expected=f"one of {', '.join(sorted(known))}",
            hint=errors.did_you_mean(strange[0], known),
        )
    wanted = value_types.field_types(cls)
    if isinstance(values.get("net"), Mapping):
        values["net"] = pretrained.from_description(values["net"], f"{cls.__name__}.net")
    return cls(
        **{
            name: value_types.convert(f"{cls.__name__}.{name}", value, wanted[name])
            for name, value in values.items()
        }
    )
