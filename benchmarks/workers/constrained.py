"""Decoding trees with and without their constraint, in the same number of steps.

Weights are random. Without, no output ends before the limit (see `decode.end_never`); with, the
words of the source fill it: an opening and a closing bracket, a tag a word, and the end token.
"""

from __future__ import annotations

import argparse
import json
import time
import types
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import models, turns
from benchmarks.workers import decode

_AROUND = 3  # brackets and the end token


def main() -> None:
    """Prints, by round, with and without: sentences a second, and milliseconds of a step.

    A step writes one token of each hypothesis of a batch. Its processor time is of all threads
    together, and what else runs on the machine changes it less.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", required=True)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--sentences", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=62, help="tokens of source and output")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import tensorflow as tf

    task = models.text_task()
    model = models.build(args.gin_file, [], [task], args.precision)
    decode.end_never(model)
    ids = tf.random.stateless_uniform(
        [args.sentences, args.length], [1, 2], 3, models.VOCABULARY, tf.int32
    )
    batches = [ids[place : place + args.batch] for place in range(0, args.sentences, args.batch)]
    rules = {"constrained": trees(), "free": None}
    runs = {
        name: decoder(model, task, args.beam, batches, args.length, rule)
        for name, rule in rules.items()
    }
    for run in runs.values():
        run()
    steps = args.length * len(batches)
    processor: dict[str, list[float]] = {name: [] for name in runs}

    def passes_a_second(name: str) -> float:
        calls = 0

        def run() -> None:
            nonlocal calls
            runs[name]()
            calls += 1

        began = time.process_time()
        rate = turns.rate(run, args.seconds, least=1)
        processor[name].append((time.process_time() - began) / calls / steps * 1e3)
        return rate

    sides = {name: lambda name=name: passes_a_second(name) for name in runs}
    rates = turns.alternate(sides, args.rounds)
    found = {
        "sentences_per_s": {n: [args.sentences * r for r in rates[n]] for n in rates},
        "step_ms": {n: [1e3 / r / steps for r in rates[n]] for n in rates},
        "step_processor_ms": processor,
    }
    print(json.dumps(found))


def trees() -> Any:
    """Returns the constraint of parse trees, with a token for each symbol."""
    from t2t_mm.constraints import brackets
    from t2t_mm.trees import linear_trees, penn

    symbols = linear_trees.SYMBOLS
    vocabulary: Any = types.SimpleNamespace(
        name="symbols",
        size=models.VOCABULARY,
        encode=lambda text: [3 + symbols.index(symbol) for symbol in text.split()],
        decode=lambda ids: " ".join(symbols[token - 3] for token in ids),
    )
    labels = range(len(penn.PHRASES))
    return brackets.LabelledBrackets(
        vocabulary,
        opening=[symbols[label] for label in labels],
        closing=[symbols[len(labels) + label] for label in labels],
        leaves=penn.TAGS,
        words_of="inputs",
        deepest=penn.DEEPEST - 1,
    )


def decoder(
    model: Any, task: Any, beam: int, batches: list[Any], length: int, rule: Any
) -> Callable[[], None]:
    """Returns a function that decodes all batches of ids, every row to `length` tokens."""
    import tensorflow as tf

    from t2t_mm.decoding import concurrent, constrained, functions
    from t2t_mm.settings import decoding

    chosen = decoding.DecodeSettings(
        beam_size=beam,
        alpha=0.6 if beam > 1 else 0.0,
        max_length=length,
        length_constant=length,
    )
    words = " ".join(["word"] * (length - _AROUND))
    command = tf.constant(model.command_row(task.name))

    def search(inputs: tf.Tensor) -> Any:
        texts: Mapping[str, tf.Tensor] = {"inputs": tf.fill([tf.shape(inputs)[0]], words)}
        held = None if rule is None else constrained.Constrained(rule, texts)
        return functions.search(
            model, task, chosen, {"inputs": inputs}, seeds=None, command=command, held=held
        )

    compiled = tf.function(
        search, input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False
    )

    def run() -> None:
        for _, found in concurrent.each(compiled, batches):
            shortest = int(found.lengths.numpy().min())
            if shortest != length:
                raise RuntimeError(f"A sentence ended after {shortest} tokens of {length}.")

    return run


if __name__ == "__main__":
    main()
