"""Runs the benchmarks, one after the other, and writes one table.

    python -m benchmarks                     # all, without peers
    python -m benchmarks --list
    python -m benchmarks training experts --seconds=10 --rounds=5
    python -m benchmarks --peers=PEERS --peer_scripts=SCRIPTS --manual_dir=CORPORA

The table is written to `--output_dir` as table.md and table.json, together with what machine
it was and the command of the last run. What is measured again, all or by --only, replaces its
rows; the others stay.
Let nothing else run on the machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from benchmarks import machine, options, processes, rows

NAMES = {
    "training": "a training step: against its floor, T2T, PyTorch, Keras Hub, JoeyNMT",
    "exact": "a training step: the price of repeating bit for bit, and of finite checks",
    "experts": "a mixture of experts: against a dense layer, in blocks, and others' layers",
    "decoding": "decoding: against T2T and CTranslate2, by length, model by model",
    "pipeline": "input: each problem's pipeline against what a model takes",
    "datagen": "data generation: against T2T, with workers, with ten times the corpus",
    "problems": "40 problems in one run: memory, start and pace against one",
    "multi_worker": "two workers with a core each: against one, and what limits them",
    "start": "start: mm-list, --help, a config error, the first training step",
    "serving": "mm-serve: many clients against the model's own batches, versions, ends, memory",
    "evaluation": "a full evaluation of 1,000 sentences",
}


def main() -> int:
    """Returns 0, or 1 where a benchmark failed as a whole."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--list", action="store_true", help="say what there is")
    options.add_flags(parser)
    parsed = parser.parse_args()
    if parsed.list:
        for name, what in NAMES.items():
            print(f"{name:12s} {what}")
        return 0
    wrong = [name for name in parsed.names if name not in NAMES]
    if wrong:
        parser.error(f"there is no benchmark {wrong[0]!r}: choose from {', '.join(NAMES)}")
    chosen = options.from_flags(parsed)
    failed = [name for name in parsed.names or NAMES if not _run(name, chosen)]
    write_table(chosen)
    if failed:
        print(f"failed: {', '.join(failed)}; see {chosen.output_dir / 'logs'}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, chosen: options.Options) -> bool:
    """Runs one benchmark in a process of its own; returns whether it ended well."""
    began, about = time.perf_counter(), machine.describe()
    command = [sys.executable, "-m", f"benchmarks.{name}", *chosen.arguments()]
    code = subprocess.run(command, cwd=processes.REPOSITORY, check=False).returncode
    taken = time.perf_counter() - began
    print(f"{name}: {taken / 60:.1f} minutes", file=sys.stderr, flush=True)
    about |= {"minutes": round(taken / 60, 2), "command": _command(name, chosen)}
    place = chosen.output_dir / "rows" / f"{name}.machine.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(about), encoding="utf-8")
    return code == 0


def _command(name: str, chosen: options.Options) -> str:
    """Returns the command that does this again, without folders that are nobody else's."""
    kept = [flag for flag in chosen.arguments() if "/" not in flag]
    return " ".join(["python -m benchmarks", name, *kept])


def write_table(chosen: options.Options) -> None:
    """Writes table.md and table.json of all rows that there are, of this run or before."""
    held = []
    text = ["# Measured", ""]
    for name in NAMES:
        found = rows.read(chosen.output_dir / "rows" / f"{name}.jsonl")
        about = chosen.output_dir / "rows" / f"{name}.machine.json"
        if not found or not about.is_file():
            continue
        described = json.loads(about.read_text(encoding="utf-8"))
        text += [f"## {name}", "", machine.in_words(described) + ".", ""]
        text += [f"`{described['command']}`, {described['minutes']} minutes", ""]
        if chosen.quick:
            text += ["**Quick: tiny sizes, one short turn. The figures mean nothing.**", ""]
        text += [rows.markdown(found)]
        held.append({"name": name, "machine": described, "rows": [row.as_json() for row in found]})
    (chosen.output_dir / "table.json").write_text(json.dumps(held, indent=1), encoding="utf-8")
    (chosen.output_dir / "table.md").write_text("\n".join(text), encoding="utf-8")
    print(f"table: {chosen.output_dir / 'table.md'}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
