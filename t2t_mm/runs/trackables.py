"""The objects of a checkpoint, named by their attribute paths.

`tf.train.Checkpoint` follows the attributes of a Keras 3 layer but not lists and dicts: of
`self.blocks = [...]` it silently saves nothing. So the objects are walked here, with an error
if a variable of a layer is missed. Names are paths of attributes
(`model/encoder/blocks/0/kernel`), since Keras's generated names (`dense_17`) depend on other
layers of the process.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
Tree = dict[str, Any]


class Trackables:
    """Named objects, as TensorFlow can save them.

    A variable that several objects hold belongs to the first of them: an optimizer
    may keep the model's variables at hand, if the model comes before it.

    Args:
      objects: Keras layers, models and optimizers; modules; variables; tf.data
        iterators; other TensorFlow trackables; lists, tuples and dicts of these.

    Raises:
      TypeError: an object that cannot be saved.
      RuntimeError: a variable that the walk misses.
    """

    def __init__(self, objects: Mapping[str, Any]) -> None:
        seen: set[int] = set()
        self._tree: Tree = {}
        for name, value in objects.items():
            found = _walk(value, name, seen)
            if found is not None:
                self._tree[name] = found

    def checkpoint(self) -> tf.train.Checkpoint:
        """Returns the object that writes and reads."""
        return tf.train.Checkpoint(**{k: _holder(v) for k, v in self._tree.items()})

    def variables(self) -> dict[str, tf.Variable]:
        """Returns every variable by its name in the checkpoint."""
        return {n: leaf for n, leaf in _leaves(self._tree) if isinstance(leaf, tf.Variable)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the shape of every variable by its name in the checkpoint."""
        return {name: tuple(variable.shape) for name, variable in self.variables().items()}

    def misfit(self, prefix: str, *, all_of_it: bool) -> str:
        """Returns how a checkpoint's variables differ from these; empty if they fit.

        Args:
          prefix: of the checkpoint's files.
          all_of_it: everything in the checkpoint must have its place here too.
        """
        saved = held_shapes(prefix)
        current = self.shapes()
        missing = sorted(set(current) - set(saved))
        extra = sorted(
            name for name in set(saved) - set(current) if all_of_it and not self._is_foreign(name)
        )
        other = sorted(n for n in set(saved) & set(current) if saved[n] != current[n])
        parts = []
        if other:
            shapes = f"{list(saved[other[0]])} there, {list(current[other[0]])} here"
            parts.append(f"{other[0]} is {shapes}" + _more(other))
        if missing:
            parts.append(f"it has no {missing[0]}" + _more(missing))
        if extra:
            parts.append(f"it has {extra[0]}, for which there is no place here" + _more(extra))
        return "; ".join(parts)

    def _is_foreign(self, name: str) -> bool:
        """Whether the variable lies within an object that TensorFlow itself walks."""
        return any(
            name.startswith(f"{path}/")
            for path, leaf in _leaves(self._tree)
            if not isinstance(leaf, tf.Variable)
        )


def held_shapes(prefix: str) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every variable in a checkpoint by its name there."""
    shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    return {
        name.removesuffix(SUFFIX): tuple(shape)
        for name, shape in shapes.items()
        if name.endswith(SUFFIX)
    }


def _walk(value: Any, path: str, seen: set[int]) -> Any:
    """Returns a tree of dicts whose leaves TensorFlow saves; None where it is empty."""
    if isinstance(value, keras.Variable):
        value = value.value
    if isinstance(value, tf.Variable):
        if id(value) in seen:
            return None
        seen.add(id(value))
        return value
    if isinstance(value, keras.layers.Layer | tf.Module):
        return _walk_attributes(value, path, seen)
    if isinstance(value, keras.optimizers.Optimizer):
        value = list(value.variables)
    if isinstance(value, Mapping):
        return _prune({str(k): _walk(v, f"{path}/{k}", seen) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return _prune({str(i): _walk(v, f"{path}/{i}", seen) for i, v in enumerate(value)})
    if isinstance(value, tf.__internal__.tracking.Trackable):
        return value
    raise TypeError(f"{path} cannot be saved in a checkpoint: {type(value).__name__}")


def _walk_attributes(owner: Any, path: str, seen: set[int]) -> Tree | None:
    """Walks a layer or module by its attributes, then by what Keras lists of it."""
    if id(owner) in seen:
        return None
    seen.add(id(owner))
    found: Tree = {}
    for name in sorted(set(vars(owner)) - _bookkeeping(isinstance(owner, keras.Model))):
        value = _only_variables(vars(owner)[name])
        if value is not None and not name.startswith("_self_"):
            found[name] = _walk(value, f"{path}/{name}", seen)
    if isinstance(owner, keras.layers.Layer):
        for number, part in enumerate(owner._flatten_layers(include_self=False, recursive=False)):
            if id(part) not in seen:
                found[f"layer-{number}"] = _walk(part, f"{path}/layer-{number}", seen)
        for number, variable in enumerate(owner.variables):
            found[f"variable-{number}"] = _walk(variable, f"{path}/variable-{number}", seen)
    for variable in owner.variables:
        raw = variable.value if isinstance(variable, keras.Variable) else variable
        if id(raw) not in seen:
            raise RuntimeError(f"{path} hides the variable {variable.name} from checkpoints")
    return _prune(found)


@functools.cache
def _bookkeeping(is_model: bool) -> frozenset[str]:
    """Returns the attributes in which Keras itself keeps track of variables and layers."""
    return frozenset(vars(keras.Model() if is_model else keras.layers.Layer()))


def _only_variables(value: Any) -> Any:
    """Returns an attribute with nothing but variables and what holds them; None without."""
    if isinstance(value, keras.Variable | tf.Variable | keras.layers.Layer | tf.Module):
        return value
    if isinstance(value, Mapping):
        parts = {name: _only_variables(part) for name, part in value.items()}
    elif isinstance(value, list | tuple):
        parts = {str(i): _only_variables(part) for i, part in enumerate(value)}
    else:
        return None
    return {name: part for name, part in parts.items() if part is not None} or None


def _prune(tree: Tree) -> Tree | None:
    kept = {name: value for name, value in tree.items() if value is not None}
    return kept or None


def _holder(tree: Any) -> Any:
    """Returns the tree as nested TensorFlow trackables."""
    if tree is not None and not isinstance(tree, dict):
        return tree
    holder = tf.__internal__.tracking.AutoTrackable()
    for name, value in (tree or {}).items():
        setattr(holder, name, _holder(value))
    return holder


def _leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        # As TensorFlow escapes the names of attributes.
        place = path + name.replace(".", "..").replace("/", ".S")
        if isinstance(value, dict):
            yield from _leaves(value, f"{place}/")
        elif value is not None:
            yield place, value


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more like it)" if len(names) > 1 else ""
