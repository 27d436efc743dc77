"""What a run of the benchmarks may be told: durations, folders, peers."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib

ROUNDS, PEER_ROUNDS, SECONDS = 3, 2, 6.0
REQUESTS, CLIENTS, CHANGES, SOAK_S = 10_000, 32, 20, 1800.0


@dataclasses.dataclass(frozen=True)
class Options:
    """How long and against whom to measure.

    Args:
      output_dir: gets the table, logs and data; data is kept and used again.
      rounds: turns of ours and floor within one process.
      peer_rounds: turns of ours and of another program; each starts anew.
      seconds: of measuring, for each side and turn.
      only: parts of names of cases; empty for all.
      quick: tiny sizes and one turn: it shows that all runs, its figures mean nothing.
      precisions: of arithmetic; "auto" takes those that this processor computes.
      peers: a folder with the peers' environments: `t2t` (T2T_HOME), `tf`, `torch`, `joey`.
      peer_scripts: a folder with `t2t/` and `today/`, the scripts that run them.
      manual_dir: a folder of corpora, with `multi30k` in it.
      transformer_run: a finished training of `transformer` on multi30k_ende.
      multi_model_run: the same of `multi_model`.
      export_dir: exports to serve; hardly trained ones are made where it is left out.
      requests: that are sent to a server.
      clients: that send them at the same time.
      changes: of versions, and ends of servers, under load.
      soak_s: seconds for which memory is watched.
    """

    output_dir: pathlib.Path
    rounds: int = ROUNDS
    peer_rounds: int = PEER_ROUNDS
    seconds: float = SECONDS
    only: tuple[str, ...] = ()
    quick: bool = False
    precisions: str = "auto"
    peers: pathlib.Path | None = None
    peer_scripts: pathlib.Path | None = None
    manual_dir: pathlib.Path | None = None
    transformer_run: pathlib.Path | None = None
    multi_model_run: pathlib.Path | None = None
    export_dir: pathlib.Path | None = None
    requests: int = REQUESTS
    clients: int = CLIENTS
    changes: int = CHANGES
    soak_s: float = SOAK_S

    def wants(self, case: str) -> bool:
        """Returns whether a case is among those asked for."""
        return not self.only or any(part in case for part in self.only)

    def arguments(self) -> list[str]:
        """Returns the flags that give a child process the same options."""
        found = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "quick":
                found += ["--quick"] if value else []
            elif field.name == "only":
                found += [f"--only={','.join(value)}"] if value else []
            elif value is not None:
                found.append(f"--{field.name}={value}")
        return found


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Defines a flag for each field of `Options`."""

    def folder(text: str) -> pathlib.Path:
        return pathlib.Path(text).expanduser().absolute()

    add = parser.add_argument
    add("--output_dir", type=folder, default=folder("runs/benchmarks"), help="table, logs, data")
    add("--rounds", type=int, default=ROUNDS, help="turns of ours and floor")
    add("--peer_rounds", type=int, default=PEER_ROUNDS, help="turns of ours and a peer")
    add("--seconds", type=float, default=SECONDS, help="measured a side and turn")
    add("--only", default="", help="parts of names of cases, with commas")
    add("--quick", action="store_true", help="tiny sizes, one turn: does it run at all?")
    add("--precisions", default="auto", help="auto, float32, bfloat16 or float32,bfloat16")
    add("--requests", type=int, default=REQUESTS, help="sent to a server")
    add("--clients", type=int, default=CLIENTS, help="that send them at the same time")
    add("--changes", type=int, default=CHANGES, help="of versions, ends of servers, under load")
    add("--soak_s", type=float, default=SOAK_S, help="for which a server's memory is watched")
    for name, text in (
        ("peers", "environments of the peers: t2t, tf, torch, joey"),
        ("peer_scripts", "scripts that run the peers: t2t, today"),
        ("manual_dir", "corpora, with multi30k"),
        ("transformer_run", "a finished transformer on multi30k_ende"),
        ("multi_model_run", "a finished multi_model on multi30k_ende"),
        ("export_dir", "exports to serve"),
    ):
        add(f"--{name}", type=folder, default=None, help=text)


def from_flags(parsed: argparse.Namespace) -> Options:
    """Returns the options of a command line; `--quick` takes one short turn of all."""
    values = {f.name: getattr(parsed, f.name) for f in dataclasses.fields(Options)}
    values["only"] = tuple(part for part in parsed.only.split(",") if part)
    if parsed.quick:
        values |= {"rounds": 1, "peer_rounds": 1, "seconds": min(parsed.seconds, 0.5)}
        values |= {"requests": min(parsed.requests, 200), "changes": min(parsed.changes, 2)}
        values |= {"soak_s": min(parsed.soak_s, 5.0)}
    return Options(**values)
