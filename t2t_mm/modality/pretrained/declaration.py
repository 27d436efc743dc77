"""Declarations of pretrained nets, for problems and gin files. Imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from t2t_mm import errors
from t2t_mm.config import ranges, value_types

T = TypeVar("T")

_MULTIPLIERS = ranges.numbers(0, above=True, words="more than 0")
_NO_ARGUMENTS = {
    "weights": "weights=None is given: nothing is downloaded. Name a file in KerasNet.weights",
    "include_top": "include_top=False is given: a modality's net ends before the classes",
    "input_shape": "it follows from the problem's modality",
    "input_tensor": "it follows from the problem's modality",
}


@dataclasses.dataclass(frozen=True)
class KerasNet:
    """A Keras model as the net of an input: pretrained, frozen or trained from scratch.

    Args:
      model: "keras.applications.NAME", the name under which a plugin registered a function
        that returns a model (`t2t_mm.register_net`), the path of a `.keras` file, or the folder
        of a keras-hub preset.
      arguments: of the function.
      weights: a `.weights.h5`, `.h5`, `.keras` or `.safetensors` file. By default those of the
        `.keras` file or preset; a model made by a function is trained from scratch.
      names: for a `.safetensors` file, the tensor by the path of the variable: a name, or a
        name with a permutation of its axes ("fc.weight", (1, 0)); None keeps the initial
        value. By default the path is the tensor's name.
      frozen: do not train the weights; dropout and batch normalization work as in inference.
      learning_rate_multiplier: factor of the learning rate for these weights.
      output: the layer whose output is used, such as "block_13_expand"; the last by default.
      preprocessing: of pixels from 0 to 255. "auto" is that of the Keras application, and
        none for other models. "none"; "unit", from 0 to 1; "tf", from -1 to 1; "torch",
        standardised as for ImageNet; "caffe", BGR minus ImageNet's mean.
    """

    model: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    weights: str = ""
    names: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    frozen: bool = False
    learning_rate_multiplier: float = 1.0
    output: str = ""
    preprocessing: Literal["auto", "none", "unit", "tf", "torch", "caffe"] = "auto"

    def __post_init__(self) -> None:
        if not self.model:
            raise errors.ConfigError("KerasNet.model is empty", expected=_MODELS)
        for name in self.arguments:
            if name in _NO_ARGUMENTS:
                raise errors.ConfigError(
                    f"KerasNet.arguments cannot hold {name!r}", hint=_NO_ARGUMENTS[name]
                )
        _check_multiplier(self)

    @property
    def label(self) -> str:
        """A short name, for that of the net: `mobile_net_v2` of `...MobileNetV2`."""
        stem = self.model.rstrip("/").rpartition("/")[2].removesuffix(".keras")
        return _snake_case(stem.rpartition(".")[2])


@dataclasses.dataclass(frozen=True)
class TokenEmbeddings:
    """Pretrained token embeddings for a language net with a vocabulary of its own.

    To tell the two apart, tokens of the net's vocabulary are called pieces. A piece gets the
    row of the token with the same text, else the mean of the rows of the tokens it can be
    split into, longest first. A table of another width is projected to the model's width, and
    back for the softmax.

    Args:
      weights: a `.safetensors` or `.npy` file with the table, `[tokens, width]`.
      tokens: a `tokenizer.json` of Hugging Face, or a text file with one token a line, in the
        order of the rows; "▁" (or "Ġ") is the space before a word.
      tensor: the table's name in the file; needed if the file has several tensors.
      frozen: do not train the rows; rows of pieces without any token are always trained.
      learning_rate_multiplier: factor of the learning rate for the rows.
    """

    weights: str
    tokens: str
    tensor: str = ""
    frozen: bool = False
    learning_rate_multiplier: float = 1.0

    def __post_init__(self) -> None:
        _check_multiplier(self)

    @property
    def label(self) -> str:
        """A short name, for that of the net: `l2_supercat_256` of a file of that name."""
        return _snake_case(self.weights.rpartition("/")[2].partition(".")[0])


Net = KerasNet | TokenEmbeddings

_MODELS = (
    "keras.applications.NAME, the name of a registered net, a .keras file, or the folder of a "
    "keras-hub preset"
)


def from_values(cls: type[T], values: Mapping[str, Any], place: str) -> T:
    """Builds a declaration from values of gin or JSON.

    Args:
      cls: `KerasNet` or `TokenEmbeddings`.
      values: by field.
      place: of the values, for errors.

    Raises:
      ConfigError: for an unknown field or an invalid value.
    """
    types = value_types.field_types(cls)
    for name in values:
        if name not in types:
            raise errors.ConfigError(
                f"{place} has no parameter {name!r}",
                expected=f"one of {', '.join(types)}",
                hint=errors.did_you_mean(name, types),
            )
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        is_needed = field.default is field.default_factory is dataclasses.MISSING
        if is_needed and field.name not in values:
            raise errors.ConfigError(f"{place} does not say its {field.name}")
    return cls(
        **{
            name: value_types.convert(f"{place}, {name}", value, types[name])
            for name, value in values.items()
        }
    )


def from_description(values: Mapping[str, Any], place: str) -> Net:
    """As `from_values`, for either class: values with a model are a `KerasNet`."""
    if "model" in values:
        return from_values(KerasNet, values, place)
    return from_values(TokenEmbeddings, values, place)


def _check_multiplier(declared: KerasNet | TokenEmbeddings) -> None:
    ranges.require(
        f"{type(declared).__name__}.learning_rate_multiplier",
        declared.learning_rate_multiplier,
        _MULTIPLIERS,
        hint="frozen = True keeps weights as they are",
    )


def _snake_case(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^a-zA-Z0-9]+", "_", name)
    return words.strip("_").lower()
