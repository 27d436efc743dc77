"""The contract of a modality, in four parts that are loaded when needed.

1. Its *declaration* (this class): what a problem writes down, and how a raw value becomes
   the bytes of a record. It imports neither TensorFlow nor Keras, so that listing and data
   generation stay light.
2. Its *features* (`features_class`): raw record values to model features, in the
   graph; used by the training pipeline and by an export alike. Beside them its *check*
   (`check_class`): what `encode` does to a raw value, in the graph, for an export.
3. Its *net* (`net_class`): Keras layers from features to `[B, S, D]` and from
   `[B, T, D]` to a loss and predictions.
4. Its *view* (`view_class`): how the values of records are measured and shown, without
   TensorFlow.

All else asks a declaration for what it needs and never what kind it is, so that a modality
is one folder and a registered name: in the framework, or in a plugin.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from t2t_mm import errors, registry
from t2t_mm.config import value_types
from t2t_mm.modality import corruption as corruption_lib
from t2t_mm.modality.pretrained import declaration as pretrained

if TYPE_CHECKING:
    from t2t_mm import vocabulary
    from t2t_mm.modality import view as view_lib


class Task(Protocol):
    """The part of `data.task.Task` that features and nets need."""

    @property
    def name(self) -> str:
        """The problem's name, for messages."""

    @property
    def vocabularies(self) -> Mapping[str, vocabulary.Vocabulary]:
        """By the names that language modalities give them."""


RawForm = Literal["text", "picture", "sound", "array"]


@dataclasses.dataclass(frozen=True)
class Modality:
    """The declaration of one of a problem's inputs, or of its targets.

    A subclass is a frozen dataclass whose fields are JSON values. It has `features_class`,
    `net_class` ("module:class") and `encode`; all else has a default.
    """

    kind: ClassVar[str] = ""
    """The name under which it is registered."""
    features_class: ClassVar[str] = ""
    check_class: ClassVar[str] = "t2t_mm.modality.checks:RawCheck"
    net_class: ClassVar[str] = ""
    view_class: ClassVar[str] = "t2t_mm.modality.view:View"
    autoregressive: ClassVar[bool] = False
    """As a target: is it decoded token by token (language), or at once (a class)?"""
    has_planes: ClassVar[bool] = False
    """As an input: does its net use 2-D convolutions (images, spectrograms)?"""
    has_grid: ClassVar[bool] = False
    """As an input: does its net return a 2-D grid of positions (`Representation.grid`)?"""
    unit: ClassVar[str] = ""
    """Unit of `amount` ("tokens", "pictures"), for the training speed in the log; empty where
    the log counts examples."""
    raw_form: ClassVar[RawForm] = "array"
    """What a raw value is beside a file: a string ("text", which users type, and records keep
    as UTF-8), an image, a sound, or an array; in TFDS, the class of the feature."""
    can_be_input: ClassVar[bool] = True
    can_be_target: ClassVar[bool] = False
    """Targets are autoregressive text, or a class."""

    net: pretrained.Net | None = dataclasses.field(default=None, kw_only=True)
    """A pretrained or other Keras net instead of the modality's own."""

    @property
    def is_text(self) -> bool:
        """Whether a raw value is a `str`, and not a file or an array."""
        return self.raw_form == "text"

    def encode(self, value: Any) -> bytes:
        """Checks a raw value and returns the record's bytes.

        Args:
          value: from `generate_examples`, or an input to decode: a string for text; else a path
            or anything with `read_bytes()`, the bytes of a file, or an array.

        Raises:
          BadExampleError: when the value cannot be used.
        """
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def amount(self, features: Any) -> float:
        """Returns the size of a batch in `unit`, without padding.

        Args:
          features: `[B, ...]`, as batches hold them, on the host.
        """
        return float(len(features))

    def is_cut(self, features: Any) -> Any:
        """Returns which examples of a batch were truncated: bool `[B]`.

        Args:
          features: `[B, ...]`, as batches hold them, on the host.
        """
        import numpy as np

        return np.zeros(len(features), bool)

    def prefix(self) -> Modality:
        """Returns the modality of a prefix of such a target, for the model to continue.

        Only for autoregressive targets.
        """
        raise NotImplementedError(f"{type(self).__name__}.prefix")

    def wrong_target_of(self, inputs: Mapping[str, Modality]) -> str | None:
        """Returns what is wrong with it as the target of these inputs, in a few words, or None."""
        del inputs
        return None

    def corruptions(self) -> tuple[corruption_lib.Corruption, ...]:
        """Returns the kinds of damage to raw values by which robustness is measured.

        None by default; see `modality.corruption`. Those of the framework are in the folders of
        their modalities, in `corruptions.py`.
        """
        return ()

    def augmentations(self) -> tuple[str, ...]:
        """Returns the kinds of damage that its features can do in training (`AugmentSettings`)."""
        return ()

    def attack(self) -> corruption_lib.Attack:
        """Returns how far a gradient attack may change its values (see `corruption.Attack`).

        By default what the net makes of its features, by a share of the norm.
        """
        return corruption_lib.Attack()

    def view(
        self, vocabularies: Mapping[str, vocabulary.Vocabulary] | None = None
    ) -> view_lib.View:
        """Returns what shows its values to people.

        Args:
          vocabularies: by name, those that there are.
        """
        made: view_lib.View = registry.load(self.view_class)(self, vocabularies)
        return made

    def label(self) -> str:
        """Returns the declaration in a few words, such as "image 64"."""
        return self.kind

    def net_name(self, problem: str) -> str:
        """Returns the name of the net of this declaration; equal names share weights."""
        del problem
        return self.with_net(self.kind)

    def with_net(self, name: str) -> str:
        """Returns the name of the net, which differs if it is not the modality's own."""
        return name if self.net is None else f"{name}_{self.net.label}"

    def row_names(self, vocabularies: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns the names of the rows of the net's tables (`by_row`): tokens, classes.

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
      ConfigError: for an unknown modality or parameter, or an invalid value.
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
    types = value_types.field_types(cls)
    if isinstance(values.get("net"), Mapping):
        values["net"] = pretrained.from_description(values["net"], f"{cls.__name__}.net")
    return cls(
        **{
            name: value_types.convert(f"{cls.__name__}.{name}", value, types[name])
            for name, value in values.items()
        }
    )
