"""Signatures of a SavedModel: names, types and shapes of what goes in and comes out."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

DEFAULT = "serving_default"
_INTERNAL = "__saved_model_init_op"
_PREDICT = "tensorflow/serving/predict"


@dataclasses.dataclass(frozen=True)
class Field:
    """One named tensor of a signature.

    Args:
      name: by which clients call it.
      dtype: of NumPy; `object` for strings.
      proto_type: as `DT_STRING`.
      shape: with None for an axis of any size; None where even the rank is not known.
      tensor: its name in the graph.
    """

    name: str
    dtype: np.dtype[Any]
    proto_type: str
    shape: tuple[int | None, ...] | None
    tensor: str

    @property
    def is_text(self) -> bool:
        """Whether it holds strings: texts or bytes."""
        return self.dtype == np.dtype(object)

    @property
    def has_rows(self) -> bool:
        """Whether the first axis is that of rows, of any number."""
        return self.shape is None or (len(self.shape) > 0 and self.shape[0] is None)

    @property
    def is_one_size(self) -> bool:
        """Whether all rows have one and the same shape, whatever else is in their batch."""
        return self.shape is not None and None not in self.shape[1:]

    def as_json(self) -> dict[str, Any]:
        """Returns it as TensorFlow Serving writes a TensorInfo."""
        sizes = [{"size": str(-1 if n is None else n), "name": ""} for n in self.shape or ()]
        shape = {"dim": sizes, "unknown_rank": self.shape is None}
        return {"dtype": self.proto_type, "tensor_shape": shape, "name": self.tensor}


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of a SavedModel.

    Args:
      name: by which clients call it.
      inputs: by name.
      outputs: by name.
      method: of TensorFlow Serving, as `tensorflow/serving/predict`.
    """

    name: str
    inputs: Mapping[str, Field]
    outputs: Mapping[str, Field]
    method: str = _PREDICT

    @functools.cached_property
    def row_inputs(self) -> list[str]:
        """Names of the inputs that have a value for each row."""
        return [name for name, field in self.inputs.items() if field.has_rows]

    @functools.cached_property
    def shared_inputs(self) -> list[str]:
        """Names of the inputs of which a batch has one value, such as a seed."""
        return [name for name, field in self.inputs.items() if field.shape == ()]

    @functools.cached_property
    def has_rows(self) -> bool:
        """Whether a call answers rows, of any number, each by itself."""
        rows = self.row_inputs
        return (
            bool(rows)
            and len(rows) + len(self.shared_inputs) == len(self.inputs)
            and all(field.has_rows for field in self.outputs.values())
        )

    @functools.cached_property
    def can_join(self) -> bool:
        """Whether rows of several requests may share a call, and none can tell.

        Where a row's answer has an axis of any size, it is padded to the longest of its batch.
        """
        return self.has_rows and all(field.is_one_size for field in self.outputs.values())

    def as_json(self) -> dict[str, Any]:
        """Returns it as TensorFlow Serving writes a SignatureDef."""
        return {
            "inputs": {name: field.as_json() for name, field in self.inputs.items()},
            "outputs": {name: field.as_json() for name, field in self.outputs.items()},
            "method_name": self.method,
        }


def read(folder: pathlib.Path) -> dict[str, Signature]:
    """Reads the signatures of a SavedModel, by name.

    Args:
      folder: of the version, with `saved_model.pb`.

    Raises:
      OSError: the file cannot be read.
      ValueError: it is no SavedModel to be served.
    """
    from google.protobuf import message  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2

    found = saved_model_pb2.SavedModel()
    try:
        found.ParseFromString((folder / "saved_model.pb").read_bytes())
    except message.DecodeError as error:
        raise ValueError(f"saved_model.pb is damaged ({error})") from error
    graphs = [graph for graph in found.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not graphs:
        raise ValueError("saved_model.pb holds no graph with the tag 'serve'")
    return {
        name: _signature(name, proto)
        for name, proto in sorted(graphs[0].signature_def.items())
        if name != _INTERNAL
    }


def _signature(name: str, proto: Any) -> Signature:
    return Signature(
        name,
        {key: _field(key, info) for key, info in sorted(proto.inputs.items())},
        {key: _field(key, info) for key, info in sorted(proto.outputs.items())},
        proto.method_name or _PREDICT,
    )


def _field(name: str, info: Any) -> Field:
    import tensorflow as tf
    from tensorflow.core.framework import types_pb2

    shape = info.tensor_shape
    sizes = tuple(axis.size if axis.size >= 0 else None for axis in shape.dim)
    known = None if shape.unknown_rank else sizes
    dtype = np.dtype(tf.dtypes.as_dtype(info.dtype).as_numpy_dtype)
    return Field(name, dtype, types_pb2.DataType.Name(info.dtype), known, info.name)
