"""An export called directly: the answer to each row alone, and what a row costs in full batches."""

from __future__ import annotations

import argparse
import base64
import dataclasses
import functools
import json
import pathlib
import random
import time
from typing import Any

import numpy as np

from benchmarks import http_clients, turns

_WORDS = ("a", "dog", "runs", "over", "the", "hill", "and", "two", "red", "birds", "see", "old")


def main() -> None:
    """Writes the rows with their answers; prints rows a second, and processor time a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--export_dir", type=pathlib.Path, required=True)
    parser.add_argument("--to", type=pathlib.Path, required=True, help="JSON lines of rows")
    parser.add_argument("--rows", type=int, default=100, help="of a signature")
    parser.add_argument("--requests", type=int, default=1000, help="whose rows make the batches")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    from t2t_mm.serving import exports, servable, values

    spent: dict[str, list[float]] = {}
    sides, made = {}, []
    for name, (_, versions) in sorted(exports.scan(exports.roots([args.export_dir])).items()):
        loaded = servable.Servable(versions[max(versions)])
        for key in loaded.details["signatures"]:  # not explain, which takes an answer
            there = []
            for row in _rows(loaded, key, args.rows):
                (answer,) = values.to_rows(loaded.call(key, _columns([row])))
                inputs = {
                    input_name: {"b64": base64.b64encode(value).decode()}
                    for input_name, value in row.items()
                }
                there.append(http_clients.Row(name, key, inputs, answer))
            made += there
            spent[f"{name}/{key}"] = []
            sides[f"{name}/{key}"] = functools.partial(
                _rate, loaded, key, _batches(there, args), args.seconds, spent[f"{name}/{key}"]
            )
    lines = [f"{json.dumps(dataclasses.asdict(row))}\n" for row in made]
    args.to.write_text("".join(lines), encoding="utf-8")
    found = turns.alternate(sides, args.rounds)
    print(json.dumps({"rows_per_s": found, "processor_ms": spent}))


def _batches(there: list[http_clients.Row], args: Any) -> list[dict[str, np.ndarray]]:
    """Returns full batches of the rows of the clients' requests, in their order.

    A batch takes as long as its longest answer: other rows would make another figure.
    """
    requests = http_clients.drawn(there, args.requests, bad_share=0)
    rows = [
        {name: base64.b64decode(value["b64"]) for name, value in row.inputs.items()}
        for request in requests
        for row in request.rows
    ]
    count = max(len(rows) // args.batch, 1)
    rows = (rows * args.batch)[: count * args.batch]
    return [_columns(rows[n * args.batch :][: args.batch]) for n in range(count)]


def _rate(
    loaded: Any, key: str, batches: list[dict[str, np.ndarray]], seconds: float, spent: list[float]
) -> float:
    """Returns rows a second of all batches; their processor time a row goes to `spent`, in ms."""
    rows = sum(len(next(iter(batch.values()))) for batch in batches)
    passes = 0

    def call() -> None:
        nonlocal passes
        passes += 1
        for batch in batches:
            loaded.call(key, batch)

    began = time.process_time()
    found = turns.rate(call, seconds, least=1) * rows
    spent.append(1e3 * (time.process_time() - began) / (passes * rows))
    return found


def _rows(loaded: Any, key: str, count: int) -> Any:
    """Yields rows of a signature: its examples, and sentences where all it takes is text."""
    described = loaded.details["signatures"][key]
    names = list(loaded.signatures[key].inputs)
    for example in described["examples"]:
        yield {name: loaded._value(example["inputs"][name]) for name in names}
    chance = random.Random(0)
    kinds = {each["modality"] for each in described["inputs"].values()}
    while kinds == {"language"} and count > 0:
        count -= 1
        yield {
            name: " ".join(chance.choices(_WORDS, k=chance.randint(1, 12))).encode()
            for name in names
        }


def _columns(rows: list[dict[str, bytes]]) -> dict[str, np.ndarray]:
    columns = {}
    for name in rows[0]:
        columns[name] = np.array([row[name] for row in rows], object)
    return columns


if __name__ == "__main__":
    main()
