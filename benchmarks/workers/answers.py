"""Answers of a trained run to a generated split: sentences a second as a user has them.

Loading and tracing are told apart. What is timed is all of `t2t_mm.decode` or
`t2t_mm.evaluate`: reading records, batches by length, search, detokenised text, metrics.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any


def main() -> None:
    """Prints seconds of loading, of the first pass and of later ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--passes", type=int, default=3, help="beside the first")
    parser.add_argument("--data_dir", default=None)
    parser.add_argument("--evaluate", action="store_true", help="with metrics, as mm-eval does")
    args = parser.parse_args()
    began = time.perf_counter()
    import t2t_mm

    loaded: Any = t2t_mm.load_run(args.run, data_dir=args.data_dir)
    given = {"beam_size": args.beam, "alpha": 0.6} if args.beam > 1 else {"beam_size": 1}
    settings = loaded.decode_settings.override(given)
    found: dict[str, Any] = {"load_s": time.perf_counter() - began, "pass_s": []}
    for _ in range(1 + args.passes):
        start = time.perf_counter()
        if args.evaluate:
            t2t_mm.evaluate(loaded, split=args.split, settings=settings, max_examples=args.examples)
            count = args.examples
        else:
            answers = t2t_mm.decode(
                loaded, split=args.split, settings=settings, max_examples=args.examples
            )
            count = len(answers)
        found["pass_s"].append(time.perf_counter() - start)
    found["sentences_per_s"] = [count / seconds for seconds in found["pass_s"][1:]]
    found["sentences"] = count
    print(json.dumps(found))


if __name__ == "__main__":
    main()
