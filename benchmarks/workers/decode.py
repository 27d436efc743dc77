"""Decoding at full length with random weights: the work, whatever a model has learnt.

No sentence ends before the limit, since the end token's logit is 0 and some other of 8,192
is always greater. So every run does the same work, which a trained model would not.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import models, turns


def main() -> None:
    """Prints sentences a second by round, and seconds to the first answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", required=True)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--sentences", type=int, default=640)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=32, help="tokens of source and output")
    parser.add_argument("--lengths", default="", help="others of the output, with commas")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    began = time.perf_counter()
    import tensorflow as tf

    task = models.text_task()
    model = models.build(args.gin_file, [], [task], args.precision)
    end_never(model)
    lengths = [int(n) for n in args.lengths.split(",") if n] or [args.length]
    ids = tf.random.stateless_uniform(
        [args.sentences, args.length], [1, 2], 3, models.VOCABULARY, tf.int32
    )
    batches = [ids[place : place + args.batch] for place in range(0, args.sentences, args.batch)]
    runs = {str(n): decoder(model, task, args.beam, batches, n) for n in lengths}
    found: dict[str, Any] = {}
    for run in runs.values():
        run()
        found.setdefault("first_s", time.perf_counter() - began)
    sides = {
        name: lambda run=run: turns.rate(run, args.seconds, least=1) * args.sentences
        for name, run in runs.items()
    }
    found["sentences_per_s"] = turns.alternate(sides, args.rounds)
    print(json.dumps(found))


def end_never(model: Any) -> None:
    """Makes the logit of the end token 0: the largest of thousands of random ones is not."""
    import tensorflow as tf

    from t2t_mm import vocabulary

    for net in model.nets.values():
        for variable, axis in net.by_row():
            row = [slice(None)] * axis + [vocabulary.EOS_ID]
            value = variable.numpy()
            value[tuple(row)] = 0
            variable.assign(tf.constant(value))


def decoder(
    model: Any, task: Any, beam: int, batches: Sequence[Any], length: int
) -> Callable[[], None]:
    """Returns a function that decodes all batches of ids, every row to `length` tokens.

    As many batches go side by side as in `t2t_mm.decode`.
    """
    import tensorflow as tf

    from t2t_mm.decoding import concurrent, functions
    from t2t_mm.settings import decoding

    chosen = decoding.DecodeSettings(
        beam_size=beam,
        alpha=0.6 if beam > 1 else 0.0,
        max_length=length,
        length_constant=length,
    )
    spec = {"inputs": tf.TensorSpec([None, None], tf.int32)}
    search = functions.of(model).search(task, chosen, spec)

    def run() -> None:
        for _, found in concurrent.each(lambda inputs: search({"inputs": inputs}), batches):
            shortest = int(found.lengths.numpy().min())
            if shortest != length:
                raise RuntimeError(f"A sentence ended after {shortest} tokens of {length}.")

    return run


if __name__ == "__main__":
    main()
