"""Serving: many clients against the model's own batches, changes and ends under load, memory."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import pathlib
import shutil
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks import context, http_clients, processes, rows
from benchmarks import server as server_lib

_PROBLEMS = ("wmt_ende", "coco_caption", "imagenet")
_BATCH, _BAD = 32, 0.1
_GOAL = 0.8
_PATIENCE_S = 120.0
_START_S = 300.0


def measure(here: context.Context) -> None:
    """Measures all cases."""
    cases = {
        "mixed requests": _mixed,
        "own batches": _own_batches,
        "versions": _versions,
        "ends": _ends,
        "memory": _memory,
    }
    for case, function in cases.items():
        here.case(case, functools.partial(function, here))


def _mixed(here: context.Context) -> Sequence[rows.Row]:
    """All requests at once, then some of them one at a time."""
    options = here.options
    requests = http_clients.drawn(_pool(here), options.requests, bad_share=_BAD)
    with _server(here, _exports(here)) as server:
        told = server.send(requests, clients=options.clients)
        alone = server.send(requests[: max(10, options.requests // 20)], clients=1)
    note = f"{options.requests:,} requests, {_BAD:.0%} wrong, {options.clients} clients"
    return [
        _none(here, "mixed requests: wrong answers", len(told.wrong), note, told.wrong),
        _none(here, "mixed requests: without an answer", told.lost, note),
        here.row(
            "mixed requests: a second",
            "1/s",
            [len(told.seconds) / told.wall_s],
            other=[len(alone.seconds) / alone.wall_s],
            versus="one at a time",
            note=note,
        ),
        *(
            here.row(
                f"mixed requests: p{100 * share:.0f}",
                "s",
                [told.quantile(share)],
                other=[alone.quantile(share)],
                versus="one at a time",
            )
            for share in (0.5, 0.99)
        ),
    ]


def _own_batches(here: context.Context) -> Sequence[rows.Row]:
    """Rows through the server, against the model called in full batches of the same rows.

    The processor time of a row, of server and clients, tells the same on a machine that is busy
    otherwise, or of which the model alone takes a part of the cores.
    """
    options, pool = here.options, _pool(here)
    own = json.loads(_measured(here).read_text(encoding="utf-8"))
    found = []
    with _server(here, _exports(here)) as server:
        for name in own["rows_per_s"]:
            model, signature = name.split("/")
            there = [row for row in pool if (row.model, row.signature) == (model, signature)]
            requests = http_clients.drawn(there, options.requests // 10, bad_share=0)
            count = sum(len(request.rows) for request in requests)
            rates, served, clients = [], [], []
            for _ in range(options.rounds):
                began = server.processor_s(), time.process_time()
                told = server.send(requests, clients=options.clients)
                served.append(1e3 * (server.processor_s() - began[0]) / count)
                clients.append(1e3 * (time.process_time() - began[1]) / count)
                if told.wrong or told.lost:
                    raise processes.FailedError(f"{name}: {told.lost} lost, {told.wrong[:1]}")
                rates.append(count / told.wall_s)
            found.append(
                here.row(
                    f"own batches: {name}",
                    "rows/s",
                    rates,
                    other=own["rows_per_s"][name],
                    versus=f"batches of {_BATCH}",
                    goal=_GOAL,
                )
            )
            found.append(
                here.row(
                    f"own batches: {name}: processor time",
                    "ms/row",
                    [sum(each) for each in zip(served, clients, strict=True)],
                    other=own["processor_ms"][name],
                    versus=f"batches of {_BATCH}",
                    goal=1 / _GOAL,
                    at_least=False,
                    note=f"clients {statistics.median(clients):.3f} of it",
                )
            )
    return found


def _versions(here: context.Context) -> Sequence[rows.Row]:
    """Puts a new version of each export in place, again and again, under load."""
    options = here.options
    folder = options.output_dir / "serving_versions"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_exports(here), folder)
    requests = http_clients.drawn(_pool(here), options.requests, bad_share=_BAD)
    with _server(here, folder) as server:
        resident = [server.resident()]

        async def change(done: asyncio.Event) -> None:
            for number in range(options.changes):
                names = await asyncio.to_thread(_next_versions, folder)
                await asyncio.to_thread(server.until_served, names)
                resident.append(server.resident())
                del number
            done.set()

        told = server.send_while(requests, change, clients=options.clients)
    note = f"{options.changes} changes, {len(told.seconds):,} requests"
    grown = [b / resident[1] for b in resident[-1:]]
    return [
        _none(here, "versions: wrong answers", len(told.wrong), note, told.wrong),
        _none(here, "versions: without an answer", told.lost + told.cut, note),
        here.row(
            "versions: resident memory at the end",
            "times that after the first change",
            grown,
            note=" ".join(f"{each / 2**20:,.0f}" for each in resident) + " MiB",
        ),
    ]


def _next_versions(folder: pathlib.Path) -> dict[str, int]:
    """Copies the newest version of each export to the next number; it appears at once."""
    made = {}
    for export in sorted(child for child in folder.iterdir() if child.is_dir()):
        newest = max(int(child.name) for child in export.iterdir() if child.name.isdecimal())
        shutil.copytree(export / f"{newest}", export / ".new")
        (export / ".new").rename(export / f"{newest + 1}")
        if newest > 1:
            shutil.rmtree(export / f"{newest - 1}")
        made[export.name] = newest + 1
    return made


def _ends(here: context.Context) -> Sequence[rows.Row]:
    """Ends the server by SIGTERM and starts another at the same port, under load."""
    options = here.options
    requests = http_clients.drawn(_pool(here), options.requests, bad_share=_BAD)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_server(here, _exports(here)))
        codes: list[int] = []

        async def end(done: asyncio.Event) -> None:
            nonlocal server
            for _ in range(options.changes):
                await asyncio.sleep(1)
                codes.append(await asyncio.to_thread(server.end))
                again = server_lib.Server(
                    here, _exports(here), max_batch_size=_BATCH, port=server.address[1]
                )
                server = stack.enter_context(await asyncio.to_thread(again.start))
            await asyncio.sleep(1)
            done.set()

        told = server.send_while(requests, end, clients=options.clients, patience_s=_PATIENCE_S)
    note = (
        f"{options.changes} SIGTERMs, {len(told.seconds):,} requests; {told.again:,} tries were "
        f"refused (503) or found no server, {told.cut} connections ended before their answer"
    )
    return [
        _none(here, "ends: wrong answers", len(told.wrong), note, told.wrong),
        _none(here, "ends: without an answer", told.lost, note),
        _none(here, "ends: other exit codes than 0", sum(code != 0 for code in codes), note),
    ]


def _memory(here: context.Context) -> Sequence[rows.Row]:
    """Resident memory after a time under load, against that after its first tenth."""
    options = here.options
    requests = http_clients.drawn(_pool(here), options.requests, bad_share=_BAD)
    with _server(here, _exports(here)) as server:
        resident: list[int] = []

        async def wait(done: asyncio.Event) -> None:
            for _ in range(10):
                await asyncio.sleep(options.soak_s / 10)
                resident.append(await asyncio.to_thread(server.resident))
            done.set()

        told = server.send_while(requests, wait, clients=options.clients)
    note = f"{options.soak_s / 60:.1f} minutes, {len(told.seconds):,} requests; "
    return [
        _none(here, "memory: wrong or without an answer", len(told.wrong) + told.lost, note),
        here.row(
            "memory: resident at the end",
            "MiB",
            [resident[-1] / 2**20],
            other=[resident[0] / 2**20],
            versus="after a tenth of the time",
            goal=1.05,
            at_least=False,
            note=note + " ".join(f"{each / 2**20:,.0f}" for each in resident) + " MiB",
        ),
    ]


def _none(
    here: context.Context, case: str, count: int, note: str, told: Sequence[str] = ()
) -> rows.Row:
    """Returns a row of something that must not be; the first of it goes to the log."""
    for line in told[:5]:
        with here.log.open("a", encoding="utf-8") as file:
            file.write(f"{case}: {line}\n")
    return here.row(case, "", [count], goal=0, at_least=False, note=note)


def _server(here: context.Context, folder: pathlib.Path, *, port: int = 0) -> server_lib.Server:
    return server_lib.Server(here, folder, max_batch_size=_BATCH, port=port)


def _exports(here: context.Context) -> pathlib.Path:
    """Returns a folder of exports: that of --export_dir, or some hardly trained problems."""
    if here.options.export_dir is not None:
        return here.options.export_dir
    folder = here.options.output_dir / "serving_exports"
    if folder.is_dir():
        return folder
    data_dir, run = here.options.output_dir / "serving_data", here.options.output_dir / "serving"
    problems = f"--problems={','.join(_PROBLEMS)}"
    where = [f"--data_dir={data_dir}", f"--output_dir={run}"]
    size = ["--gin_file=multi_model_tiny", "--gin_param=TrainSettings.eval_examples = 4"]
    module = [sys.executable, "-m"]
    for command in (
        ["t2t_mm.bin.datagen", problems, "--source=sample", "--sample_size=200", where[0]],
        ["t2t_mm.bin.trainer", problems, *where, *size, "--train_steps=20"],
        ["t2t_mm.bin.export", f"--export_dir={folder}", where[1]],
    ):
        processes.run([*module, *command], log=here.log)
    return folder


def _measured(here: context.Context) -> pathlib.Path:
    """Returns the file of what the model does by itself; beside it are rows with answers."""
    place = here.options.output_dir / "serving_own.json"
    exports = _exports(here)
    if not place.is_file() or place.stat().st_mtime < exports.stat().st_mtime:
        place.parent.mkdir(parents=True, exist_ok=True)
        found = here.worker(
            "export_rows",
            export_dir=exports,
            to=place.with_suffix(".jsonl"),
            batch=_BATCH,
            rows=20 if here.options.quick else 100,
            requests=here.options.requests // 10,
            seconds=here.options.seconds,
            rounds=here.options.rounds,
        )
        place.write_text(json.dumps(found), encoding="utf-8")
    return place


def _pool(here: context.Context) -> list[http_clients.Row]:
    lines = _measured(here).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    return [http_clients.Row(**json.loads(line)) for line in lines]


if __name__ == "__main__":
    context.main("serving", measure, __doc__ or "")
