"""Data generation in this process: how long it takes and how much memory at most."""

from __future__ import annotations

import argparse
import json
import time


def main() -> None:
    """Prints seconds, peak memory in bytes and how many examples there were."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--raw", required=True, help="folder of {train,dev}.{src,tgt}")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--usr_dir", required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--problem", default="bench_pairs")
    parser.add_argument("--runner", default="local")
    parser.add_argument("--beam_options", default="", help="with spaces between")
    args = parser.parse_args()
    began = time.perf_counter()
    from t2t_mm import plugins
    from t2t_mm.datagen import generate
    from t2t_mm.process import memory

    plugins.load_all(args.usr_dir)
    start = time.perf_counter()
    answer = generate.generate(
        [args.problem],
        args.data_dir,
        source="manual",
        manual_dir=args.raw,
        workers=args.workers,
        runner=args.runner,
        beam_options=args.beam_options.split(),
        overwrite=True,
        rebuild_vocabulary=True,
    )
    made = answer["problems"][args.problem]["splits"]
    vocabularies = answer["vocabularies"].values()
    found = {
        "seconds": time.perf_counter() - start,
        "start_s": start - began,
        "examples": sum(split["examples"] for split in made.values()),
        "peak_bytes": memory.peak_bytes(),
        "bytes": sum(split["bytes"] for split in made.values()),
        "tokens": sum(vocabulary["size"] for vocabulary in vocabularies),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
