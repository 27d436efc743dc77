"""An export called directly: the answer to each row alone, and rows a second in full batches."""

from __future__ import annotations

import argparse
import base64
import json
import pathlib
import random
from typing import Any

import numpy as np

from benchmarks import turns

_WORDS = ("a", "dog", "runs", "over", "the", "hill", "and", "two", "red", "birds", "see", "old")


def main() -> None:
    """Writes the rows with their answers, and prints rows a second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--export_dir", type=pathlib.Path, required=True)
    parser.add_argument("--to", type=pathlib.Path, required=True, help="JSON lines of rows")
    parser.add_argument("--rows", type=int, default=100, help="of a signature")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    from t2t_mm.serving import exports, servable, values

    sides, made = {}, []
    for name, (_, versions) in sorted(exports.scan(exports.roots([args.export_dir])).items()):
        loaded = servable.Servable(versions[max(versions)])
        for key in loaded.details["signatures"]:  # not explain, which takes an answer
            rows = list(_rows(loaded, key, args.rows))
            for row in rows:
                (answer,) = values.to_rows(loaded.call(key, _columns([row])))
                inputs = {
                    input_name: {"b64": base64.b64encode(value).decode()}
                    for input_name, value in row.items()
                }
                made.append({"model": name, "signature": key, "inputs": inputs, "answer": answer})
            sides[f"{name}/{key}"] = _rate(loaded, key, rows, args)
    args.to.write_text("".join(f"{json.dumps(row)}\n" for row in made), encoding="utf-8")
    print(json.dumps({"rows_per_s": turns.alternate(sides, args.rounds)}))


def _rate(loaded: Any, key: str, rows: list[dict[str, bytes]], args: Any) -> Any:
    batch = _columns((rows * args.batch)[: args.batch])
    return lambda: turns.rate(lambda: loaded.call(key, batch), args.seconds, least=1) * args.batch


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
