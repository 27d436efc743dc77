"""Data generation: against Tensor2Tensor, by each runner, and with ten times the corpus."""

from __future__ import annotations

import functools
import hashlib
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

from benchmarks import context, corpus, peers, processes, rows

_PAIRS, _TINY = 20_000, 200
_FULL = 5  # times so many pairs have more text than a vocabulary is built from
_RUNNERS = {
    "1 worker": (1, ""),
    "2 workers": (2, ""),
    "4 workers": (4, ""),
    "Beam, DirectRunner in memory": (2, "runner=DirectRunner"),
    "Beam, DirectRunner multi_processing": (
        2,
        "runner=DirectRunner direct_running_mode=multi_processing",
    ),
    "Beam, PortableRunner LOOPBACK": (
        2,
        "runner=PortableRunner job_endpoint=embed environment_type=LOOPBACK",
    ),
    "Beam, DaskRunner": (2, "runner=apache_beam.runners.dask.dask_runner.DaskRunner"),
}
_USR_DIR = pathlib.Path(__file__).resolve().parent / "usr"


def measure(here: context.Context) -> None:
    """Measures all cases."""
    here.case("20,000 pairs against t2t", lambda: _against_t2t(here))
    here.case("two workers", lambda: _workers(here))
    here.case("ten times the corpus", lambda: _ten_times(here))
    for problem in ("multi30k_ende", "tiny_imagenet", "fsdd"):
        here.case(f"runners: {problem}", functools.partial(_runners, here, problem))


def _pairs(here: context.Context, times: int = 1) -> pathlib.Path:
    pairs = (_TINY if here.options.quick else _PAIRS) * times
    return corpus.write(here.options.output_dir / f"pairs_{pairs}", pairs)


def _generate(here: context.Context, raw: pathlib.Path, workers: int = 1) -> dict[str, Any]:
    place = here.options.output_dir / "pairs_data"
    shutil.rmtree(place, ignore_errors=True)
    return here.worker("datagen", raw=raw, data_dir=place, usr_dir=_USR_DIR, workers=workers)


def _against_t2t(here: context.Context) -> Sequence[rows.Row]:
    """The same files, records and an 8k vocabulary; whole processes, start-up included."""
    raw = here.peers.t2t_raw()
    pairs = 20_000
    ours, theirs, details = [], [], {}
    for _ in range(here.options.peer_rounds):
        theirs.append(pairs / here.peers.t2t_datagen())
        details = _generate(here, raw, workers=2)
        ours.append(pairs / (details["seconds"] + details["start_s"]))
    return [
        here.row(
            "20,000 pairs against t2t",
            "pairs/s",
            ours,
            other=theirs,
            versus=peers.T2T,
            goal=10.0,
            note=f"with a vocabulary of {details['tokens']:,} tokens; two workers",
        )
    ]


def _workers(here: context.Context) -> Sequence[rows.Row]:
    raw = _pairs(here, 10)
    one, two = [], []
    for _ in range(here.options.peer_rounds):
        one.append(_generate(here, raw, 1))
        two.append(_generate(here, raw, 2))
    count = one[0]["examples"]
    return [
        here.row(
            "two workers",
            "pairs/s",
            [count / done["seconds"] for done in two],
            other=[count / done["seconds"] for done in one],
            versus="one worker",
            note=f"{count:,} pairs, vocabulary included (whose building is one process's work)",
        )
    ]


def _ten_times(here: context.Context) -> Sequence[rows.Row]:
    small, large = (_generate(here, _pairs(here, times)) for times in (_FULL, 10 * _FULL))
    return [
        here.row(
            "ten times the corpus: peak memory",
            "MB",
            [large["peak_bytes"] / 1e6],
            other=[small["peak_bytes"] / 1e6],
            versus="the corpus once",
            goal=1.25,
            at_least=False,
            note=f"{small['examples']:,} and {large['examples']:,} pairs, one process; "
            "both have more text than the vocabulary's sample of 16 MB",
        ),
        here.row(
            "ten times the corpus: pace",
            "pairs/s",
            [large["examples"] / large["seconds"]],
            other=[small["examples"] / small["seconds"]],
            versus="the corpus once",
        ),
    ]


def _runners(here: context.Context, problem: str) -> Sequence[rows.Row]:
    """A corpus of --manual_dir by each runner, with the same bytes; start-up left out."""
    if here.options.manual_dir is None:
        raise peers.MissingError("--manual_dir names no folder of corpora")
    found, hashes = {}, {}
    for name, (workers, beam) in _RUNNERS.items():
        place = here.options.output_dir / "runners_data"
        shutil.rmtree(place, ignore_errors=True)
        made = here.worker(
            "datagen",
            raw=here.options.manual_dir,
            data_dir=place,
            usr_dir=_USR_DIR,
            workers=workers,
            problem=problem,
            runner="beam" if beam else "local",
            beam_options=beam,
        )
        found[name] = made["bytes"] / made["seconds"] / 1e6
        hashes[name] = [
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(place.rglob("*"))
            if path.is_file()
        ]
        if hashes[name] != next(iter(hashes.values())):
            raise processes.FailedError(f"{problem}: {name} made other bytes")
    first = next(iter(found))
    return [
        here.row(
            f"runners: {problem}: {name}",
            "MB/s",
            [rate],
            other=[found[first]] if name != first else [],
            versus=first,
            note="bytes of records; the same bytes by all",
        )
        for name, rate in found.items()
    ]


if __name__ == "__main__":
    context.main("datagen", measure, __doc__ or "")
