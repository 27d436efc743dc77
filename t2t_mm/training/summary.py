"""The summary of a training before its first step: sizes, shapes, rates, memory."""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.files import content
from t2t_mm.mixture import mixture
from t2t_mm.training import session

FLOAT_BYTES = 4
_VIEWS = frozenset(
    ("Reshape", "Identity", "IdentityN", "ExpandDims", "Squeeze", "ReadVariableOp", "StopGradient")
)

Line = Callable[[str], None]


def show(made: session.Session, line: Line, *, columns: int | None = None) -> dict[str, Any]:
    """Prints what `--dry_run` promises and returns it as JSON values.

    Args:
      made: the training.
      line: prints one.
      columns: of the terminal; None where it is none.
    """
    parts = parameters(made)
    batches = {name: made.feed.next(name)[0] for name in made.mixture.names}
    shapes = {name: _shapes(batch) for name, batch in batches.items()}
    total = sum(parts.values())
    line(f"Model {made.settings.model}, {total:,} weights, computed in {made.settings.precision}:")
    for name, size in parts.items():
        line(f"  {name:<28} {size:>13,}  {size / total:6.1%}")
    line("Shapes of a first batch of each problem:")
    for name, shape in shapes.items():
        said = f"{name}: " + ", ".join(f"{k} {v}" for k, v in shape.items())
        line(_item(said, columns))
    rows = show_mixture(made, line, columns=columns)
    memory = _memory(made, batches)
    line(
        f"Memory expected: {content.mebibytes(sum(memory.values()))} "
        f"({', '.join(f'{name} {content.mebibytes(size)}' for name, size in memory.items())})."
    )
    return {
        "parameters": parts,
        "shapes": shapes,
        "rates": {row.problem: row.first_share for row in rows},
        "examples_a_step": {row.problem: row.examples_a_step for row in rows},
        "epochs": {row.problem: row.epochs for row in rows},
        "lengths": {
            name: {"limits": sample.limits, "seen": sample.seen, "too_long": sample.too_long}
            for name, sample in made.samples.items()
        },
        "memory_bytes": memory,
        "precision": made.settings.precision,
    }


def show_mixture(
    made: session.Session, line: Line, *, columns: int | None = None
) -> list[mixture.MixtureRow]:
    """Prints how the run shares out its steps, as a table, and returns its rows; see `show`."""
    steps = made.settings.train_steps
    rows = made.mixture.table(steps)
    each = made.settings.problems_per_step
    several = f" of {each} problems each" if each > 1 else ""
    line(f"Mixture, schedule {made.settings.schedule}, over {steps:,} steps{several}:")
    for text in mixture_lines(rows, columns=columns):
        line(text)
    weights = [f"{name} {weight:g}" for name, weight in made.loss_weights.items() if weight != 1]
    if weights:
        line(f"Weights of losses, 1 for all others: {', '.join(weights)}.")
    show_limits(made, line, columns=columns)
    return rows


def mixture_lines(rows: Sequence[mixture.MixtureRow], *, columns: int | None = None) -> list[str]:
    """Returns a mixture as a table; where it is too wide, each name has a line of its own.

    Args:
      rows: of the problems.
      columns: of the terminal; None where it is none.
    """
    texts_of = {
        "examples": [f"{row.examples:,}" for row in rows],
        "a step": [f"{row.examples_a_step:,.1f}" for row in rows],
        "of steps": [f"{row.share:.1%}" for row in rows],
        "epochs": [_epochs(row.epochs) for row in rows],
    }
    if any(abs(row.share - row.first_share) >= 5e-4 for row in rows):
        texts_of["at first"] = [f"{row.first_share:.1%}" for row in rows]
    aligned = [
        [f"{text:>{max(map(len, (head, *texts)))}}" for text in (head, *texts)]
        for head, texts in texts_of.items()
    ]
    figures = ["  ".join(line) for line in zip(*aligned, strict=True)]
    names = ["problem", *(row.problem for row in rows)]
    width = max(map(len, names))
    if columns is None or 2 + width + 2 + len(figures[0]) <= columns:
        return [f"  {name:<{width}}  {text}" for name, text in zip(names, figures, strict=True)]
    pairs = zip(names[1:], figures[1:], strict=True)
    return [f"    {figures[0]}", *(p for n, f in pairs for p in (f"  {n}", f"    {f}"))]


def _item(text: str, columns: int | None) -> str:
    """Returns an item of a list, wrapped within a terminal."""
    return textwrap.fill(
        text,
        max(columns or sys.maxsize, 20),
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def show_limits(made: session.Session, line: Line, *, columns: int | None = None) -> None:
    """Prints how long texts may be, and how many examples have longer ones."""
    for task in made.tasks:
        sample = made.samples[task.name]
        if not sample.limits:
            continue
        declared: dict[str, Any] = task.modalities()
        limits = ", ".join(
            f"{name} {limit:,}" + ("" if declared[name].max_length else " (Batching.max_length)")
            for name, limit in sample.limits.items()
        )
        done = "left out" if made.batching.too_long == "drop" else "cut"
        said = (
            f"{task.name}: tokens at most of {limits}; of {sample.seen:,} examples looked at, "
            f"{sample.too_long:,} are longer" + (f" and {done}" if sample.too_long else "")
        )
        line(_item(said, columns))


def _epochs(number: float) -> str:
    return f"{number:,.2f}" if number < 10 else f"{number:,.1f}"


def parameters(made: session.Session) -> dict[str, int]:
    """Returns the number of trainable weights by part of the model."""
    return {
        name: sum(math.prod(variable.shape) for variable in variables)
        for name, variables in made.model.parts().items()
    }


def checkpoint_bytes(made: session.Session) -> int:
    """Returns about how much room the checkpoints of a run take at once."""
    copies = 1 + made.optimizer.slots + (made.mean is not None)
    weights = sum(parameters(made).values()) * FLOAT_BYTES * copies
    return weights * (made.settings.keep_checkpoints + 2)


def _memory(made: session.Session, batches: Mapping[str, Any]) -> dict[str, int]:
    """Estimates memory in bytes: what is kept, and the largest problem's activations."""
    weights = sum(parameters(made).values()) * FLOAT_BYTES
    largest = max(_activation_bytes(made, name, batch) for name, batch in batches.items())
    sums = made.settings.problems_per_step > 1
    return {
        "weights": weights,
        "optimizer": made.optimizer.slots * weights,
        "gradients": weights * (2 if sums else 1),
        **({"mean of weights": weights} if made.mean is not None else {}),
        "activations": largest,
    }


def _activation_bytes(made: session.Session, name: str, batch: Any) -> int:
    """Adds up the outputs of the forward pass on a batch: all are kept for the backward one."""

    def forward(batch: Any) -> tf.Tensor:
        seed = tf.constant([0, 0], tf.int32)
        return made.model.loss(name, batch, training=True, seed=seed)[0]

    first = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), _local(batch))
    graph = tf.function(forward, autograph=False).get_concrete_function(first).graph
    # Where a size is open, it counts positions: the rows of the softmax, of an expert.
    tokens = int(tf.size(_local(batch)["targets"]))
    total = 0
    for operation in graph.get_operations():
        if operation.type in _VIEWS:
            continue
        for output in operation.outputs:
            if output.dtype.is_floating and output.shape.rank is not None:
                sizes = [tokens if size is None else size for size in output.shape]
                total += math.prod(sizes) * output.dtype.size
    return total


def _local(batch: Any) -> Any:
    """Returns the first replica's batch."""
    return tf.nest.map_structure(lambda x: getattr(x, "values", (x,))[0], batch)


def _shapes(batch: Any) -> dict[str, list[int]]:
    local = _local(batch)
    flat = {**local["inputs"], "targets": local["targets"]}
    # What is of no size stands for inputs that there are none of.
    return {name: list(value.shape) for name, value in flat.items() if 0 not in value.shape}
