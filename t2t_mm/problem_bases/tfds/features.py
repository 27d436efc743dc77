"""Features of a TFDS data set for a problem's inputs and targets, with conversions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from t2t_mm import errors
from t2t_mm.modality import base


@dataclasses.dataclass(frozen=True)
class Wanted:
    """An input, or the targets, and the feature that is to feed it.

    Args:
      name: of the input, or "targets".
      path: of the feature, slashes between.
      modality: of its values.
    """

    name: str
    path: str
    modality: base.Modality


@dataclasses.dataclass(frozen=True)
class Sound:
    """A problem's declaration of sounds, where TFDS has none.

    Args:
      sample_rate: samples a second, or None.
      bits: of a sample that is a whole number.
    """

    sample_rate: int | None
    bits: int


@dataclasses.dataclass(frozen=True)
class Field:
    """A feature that has been found.

    Args:
      names: its path, from the outermost feature.
      several: whether it is a sequence of values.
      convert: converts a value of TFDS to a raw value of a problem.
      keep_encoded: whether TFDS must not decode the value.
    """

    names: tuple[str, ...]
    several: bool
    convert: Callable[[Any], Any]
    keep_encoded: bool

    def value(self, example: Mapping[str, Any]) -> Any:
        """Returns the raw value of an example, or its error."""
        node: Any = example
        for name in self.names:
            node = node[name]
        try:
            return [self.convert(one) for one in node] if self.several else self.convert(node)
        except errors.BadExampleError as error:
            return error


def find(data: Any, wanted: Sequence[Wanted], sound: Sound) -> dict[str, Field]:
    """Returns the fields of a data set by the names that they are wanted for.

    Args:
      data: the builder of a data set.
      wanted: inputs and targets.
      sound: for those that are sounds.

    Raises:
      DataError: for a feature that is not there, or cannot be what it is wanted for.
    """
    return {one.name: _field(data, one, sound) for one in wanted}


def _field(data: Any, wanted: Wanted, sound: Sound) -> Field:
    feature: Any = data.info.features
    names: list[str] = []
    sequences = 0
    rest = wanted.path
    while rest:
        if type(feature) is tfds.features.Sequence:  # not a subclass, such as a video
            feature = feature.feature
            sequences += 1
        known = sorted(feature) if isinstance(feature, tfds.features.FeaturesDict) else []
        # A name itself may contain a slash.
        name = rest if rest in known else rest.partition("/")[0]
        if name not in known:
            inside = f" in {'/'.join(names)!r}" if names else ""
            raise errors.DataError(
                f"The TFDS data set {data.info.full_name} has no feature {name!r}{inside}",
                received=f"{wanted.path!r} for {wanted.name!r}",
                expected=f"one of {', '.join(known)}" if known else "no slash: it is a value",
                hint=errors.did_you_mean(name, known),
            )
        names.append(name)
        feature = feature[name]
        rest = rest[len(name) + 1 :]
    if type(feature) is tfds.features.Sequence:
        feature = feature.feature
        sequences += 1
    convert = _converter(feature, sound, data, wanted)
    alone = wanted.name != "targets" or _is_encoded(feature)
    if convert is None or sequences > (0 if alone else 1):
        raise errors.DataError(
            f"The feature {wanted.path!r} of {data.info.full_name} cannot feed {wanted.name!r}",
            received=f"{'a sequence of ' * sequences}{' '.join(repr(feature).split())[:80]}",
            expected=f"what fits the modality {wanted.modality.kind!r}",
        )
    return Field(tuple(names), bool(sequences), convert, _is_encoded(feature))


def _converter(
    feature: Any, sound: Sound, data: Any, wanted: Wanted
) -> Callable[[Any], Any] | None:
    """Returns what makes a raw value of a modality out of TFDS's; None where nothing can."""
    form = wanted.modality.raw_form
    if isinstance(feature, tfds.features.Image):
        # Pictures of floats are numbers packed into a PNG file, not pictures to be seen.
        floats = np.issubdtype(feature.np_dtype, np.floating)
        return bytes if form == "picture" and not floats else None
    if isinstance(feature, tfds.features.Audio):
        if form != "sound":
            return None
        if _is_encoded(feature):
            return bytes
        return _samples(feature.sample_rate or sound.sample_rate, sound.bits, data, wanted)
    if form != "text":
        is_tensor = form == "array" and isinstance(feature, tfds.features.Tensor)
        return np.asarray if is_tensor and feature.shape else None
    if isinstance(feature, tfds.features.ClassLabel):
        names = feature.names
        return lambda number: _class(names, int(number))
    if isinstance(feature, tfds.features.Tensor) and not feature.shape:
        if np.dtype(feature.np_dtype).kind in "OSU":
            return _text
        if np.dtype(feature.np_dtype).kind in "iu":
            return lambda number: str(int(number))
        if np.dtype(feature.np_dtype).kind == "b":
            return lambda truth: "true" if truth else "false"
    return None


def _is_encoded(feature: Any) -> bool:
    """Says whether the value is stored as the bytes of a file, which TFDS need not decode."""
    if isinstance(feature, tfds.features.Audio):
        return bool(feature.to_json_content().lazy_decode)
    return isinstance(feature, tfds.features.Image)


def _text(value: bytes | str) -> str:
    """Returns text; bytes that are not UTF-8 become surrogates, which `encode` refuses."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _class(names: Sequence[str], number: int) -> str:
    if not 0 <= number < len(names):
        raise errors.BadExampleError(
            "It has no class", received=number, expected=f"0 to {len(names) - 1}"
        )
    return names[number]


def _samples(
    sample_rate: int | None, bits: int, data: Any, wanted: Wanted
) -> Callable[[Any], tuple[np.ndarray, int]]:
    """Returns a function that scales samples to -1..1 and adds their rate."""
    if not sample_rate:
        raise errors.DataError(
            f"The feature {wanted.path!r} of {data.info.full_name} does not tell its sample rate",
            hint="Say it in the problem: sample_rate = 16_000",
        )
    largest = 2.0 ** (bits - 1)

    def scaled(samples: Any) -> tuple[np.ndarray, int]:
        values = np.asarray(samples)
        if np.issubdtype(values.dtype, np.floating):
            return values.astype(np.float32), sample_rate
        values = (values / largest).astype(np.float32)
        if values.size and np.abs(values).max() > 1:
            raise errors.BadExampleError(
                f"A sound has samples of more than {bits} bits",
                received=int(np.abs(values).max() * largest),
                hint="Say in the problem how many they are: sample_bits = 24",
            )
        return values, sample_rate

    return scaled
