"""One version of an export in memory: a loaded SavedModel, warmed up, and its calls."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from t2t_mm.files import paths
from t2t_mm.serving import exports, values
from t2t_mm.serving import signature as signature_lib

ERRORS = "errors"
"""The output that says, for each row, what was wrong with it; empty where it is fine."""

_WARM_ROWS = 4
_TEXT = b"a b c"
_TAG = "serve"


class Servable:
    """A loaded SavedModel.

    Args:
      folder: of the version.

    Attributes:
      signatures: by name.
      details: `export.json`, or nothing.

    Raises:
      ValueError: there is nothing in it to serve.
      Exception: whatever TensorFlow raises for a damaged SavedModel.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        import tensorflow as tf

        with contextlib.suppress(ImportError):  # only its ops are wanted, if a model has them
            import tensorflow_text as _  # noqa: F401

        self.folder = folder
        self.details = exports.details(folder)
        self.signatures = signature_lib.read(folder)
        if not self.signatures:
            raise ValueError("it has no signatures")
        # A session gives all of its memory back when it is closed. What tf.saved_model.load
        # makes stays with the process: 145 MB a version of a captioning model.
        with tf.Graph().as_default() as graph:
            self._session: Any = tf.compat.v1.Session(graph=graph)
            place = paths.for_tensorflow(folder)
            tf.compat.v1.saved_model.loader.load(self._session, [_TAG], place)
            self._functions = {name: self._function(one) for name, one in self.signatures.items()}

    def _function(self, signature: signature_lib.Signature) -> Any:
        fetches = {name: field.tensor for name, field in signature.outputs.items()}
        feeds = [field.tensor for field in signature.inputs.values()]
        return self._session.make_callable(fetches, feeds)

    def call(self, signature: str, inputs: Mapping[str, np.ndarray]) -> values.Tensors:
        """Returns the outputs of a signature, by name, for one batch."""
        given = [inputs[name] for name in self.signatures[signature].inputs]
        found = self._functions[signature](*given)
        return {name: np.asarray(value) for name, value in found.items()}

    def warm_up(self) -> None:
        """Calls each signature with one row and with several, so that no request pays for it.

        Rows are the first example of `export.json`. Without one they are made up, and what the
        model raises then is no sign of damage.
        """
        for name, signature in self.signatures.items():
            found = self._example(name)
            row = found if found is not None else self._made_up(name)
            several = {key: _several(signature, key, row) for key in row}
            with contextlib.nullcontext() if found is not None else contextlib.suppress(Exception):
                self.call(name, row)
                self.call(name, several)

    def _made_up(self, name: str) -> values.Tensors:
        """Returns a row of short texts, of nothing for pictures and sounds, and of zeros."""
        made = _zeros(self.signatures[name])
        described = self.details.get("signatures", {})
        for key, value in made.items():
            with contextlib.suppress(KeyError, TypeError):
                if described[name]["inputs"][key]["modality"] == "language":
                    value.fill(_TEXT)
        return made

    def _example(self, name: str) -> values.Tensors | None:
        """Returns the first example of a signature as one row, if there is one that fits."""
        signature = self.signatures[name]
        described = self.details.get("signatures", {})
        try:
            example = described[name]["examples"][0]["inputs"]
            row = {key: self._value(example[key]) for key in signature.row_inputs}
            zeros = _zeros(signature)
            for key, value in row.items():
                zeros[key] = np.array([value], object)
        except (KeyError, IndexError, TypeError, OSError):
            return None
        return zeros if row and all(signature.inputs[key].is_text for key in row) else None

    def _value(self, value: Any) -> bytes:
        if isinstance(value, str):
            return value.encode("utf-8")
        path = (self.folder / value["file"]).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise OSError(f"{value['file']} lies outside of the export")
        return path.read_bytes()

    def close(self) -> None:
        """Lets the model go, and gives its memory back to the system."""
        self._functions = {}
        self._session.close()
        self._session = None
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # glibc alone has it
            ctypes.CDLL(None).malloc_trim(0)


def _zeros(signature: signature_lib.Signature) -> values.Tensors:
    """Returns one row of empty texts and zeros."""
    made = {}
    for name, field in signature.inputs.items():
        shape = [1] if field.shape is None else [size or 1 for size in field.shape]
        made[name] = np.full(shape, b"", object) if field.is_text else np.zeros(shape, field.dtype)
    return made


def _several(signature: signature_lib.Signature, name: str, row: values.Tensors) -> np.ndarray:
    value = row[name]
    return np.repeat(value, _WARM_ROWS, axis=0) if signature.inputs[name].has_rows else value
