"""A training step: against the operations it needs, Tensor2Tensor, PyTorch, Keras Hub, JoeyNMT."""

from __future__ import annotations

import dataclasses
import functools
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import context, models, peers, processes, rows, turns

_STEP = "64 x (32 + 32) tokens"
_TRANSFORMER = {"gin_file": "transformer_small", "length": 32}


@dataclasses.dataclass(frozen=True)
class T2TCase:
    """A training that Tensor2Tensor's script knows, and ours of the same shape.

    Args:
      name: there.
      gin_file: of our model.
      rows: examples in a batch.
      pictures: their size; 0 for text.
      weights: of Tensor2Tensor's model; 0 where they are not to be compared.
    """

    name: str
    gin_file: str
    rows: int
    pictures: int = 0
    weights: float = 0


_T2T_CASES = (
    T2TCase("tiny_text", models.T2T_TINY, 16, weights=28.0e6),
    T2TCase("mid_text", models.T2T_MID, 16, weights=95.4e6),
    T2TCase("tiny_img", models.T2T_TINY, 8, pictures=32),
    T2TCase("mid_img", models.T2T_MID, 2, pictures=32),
)
_MORE_THAN_T2T = {"float32": 3.0, "bfloat16": 5.0}


def measure(here: context.Context) -> None:
    """Measures all cases."""
    for precision in here.precisions:
        _floor(here, "transformer", "transformer_small", precision, 0.8)
        _floor(here, "multi_model base", "multi_model_base", precision, 0.6)
    for one in _T2T_CASES:
        here.case(f"t2t {one.name}", functools.partial(_against_t2t, here, one))
    _against_today(here)
    here.case("multi30k tokens against joeynmt", lambda: _multi30k(here))


def _floor(here: context.Context, name: str, gin_file: str, precision: str, goal: float) -> None:
    """Compares a step with the time that its products take at the machine's best rate."""
    case = f"{name} step against floor, {precision}"

    def run() -> Sequence[rows.Row]:
        found = here.worker(
            "step",
            gin_file="transformer_tiny" if here.options.quick else gin_file,
            rows=4 if here.options.quick else 64,
            precision=precision,
            seconds=here.options.seconds,
            rounds=here.options.rounds,
            floor=True,
        )
        done = [pace * found["operations"] / 1e9 for pace in found["steps_per_s"]]
        pace = statistics.median(found["steps_per_s"])
        by_kind = {k: round(n / found["operations"], 3) for k, n in _kinds(found).items()}
        return [
            here.row(
                case,
                "GFLOP/s",
                done,
                other=[rate / 1e9 for rate in found["product_per_s"]],
                versus="matrix product of 2,048 cubed",
                goal=goal,
                note=f"{_STEP}; {found['weights'] / 1e6:.1f} M weights; {pace:.2f} steps/s; "
                f"first step after {found['first_s']:.1f} s; operations {json.dumps(by_kind)}",
            )
        ]

    here.case(case, run)


def _kinds(found: dict[str, Any]) -> dict[str, int]:
    return dict(sorted(found["operations_by_kind"].items(), key=lambda item: -item[1]))


def _against_t2t(here: context.Context, one: T2TCase) -> Sequence[rows.Row]:
    """One run of theirs a turn, and one of ours in each arithmetic."""
    quick, weighed = here.options.quick, [0.0]

    def ours(precision: str) -> float:
        found = here.worker(
            "step",
            gin_file=models.T2T_TINY if quick else one.gin_file,
            rows=2 if quick else one.rows,
            pictures=one.pictures,
            precision=precision,
            seconds=here.options.seconds,
            rounds=1,
        )
        weighed[0] = found["weights"]
        return float(found["steps_per_s"][0])

    sides: dict[str, Callable[[], float]] = {
        "theirs": lambda: here.peers.t2t_train(one.name, 21 if quick else None)
    }
    for precision in here.precisions:
        sides[precision] = functools.partial(ours, precision)
    found = turns.alternate(sides, here.options.peer_rounds)
    if one.pictures:
        note = (
            f"batch {one.rows}; T2T's body sees 1,024 positions a picture of 32 x 32, ours 4 "
            "behind the paper's entry flow: not equal work"
        )
    else:
        ratio = f", {weighed[0] / one.weights:.3f} of T2T's" if not quick else ""
        note = f"{one.rows} x (32 + 32) tokens; {weighed[0] / 1e6:.1f} M weights{ratio}"
    return [
        here.row(
            f"t2t {one.name}, {precision}",
            "steps/s",
            found[precision],
            other=found["theirs"],
            versus=f"{peers.T2T} (float32)",
            goal=_MORE_THAN_T2T[precision],
            note=note,
        )
        for precision in here.precisions
    ]


def _against_today(here: context.Context) -> None:
    """The same step of a Transformer in the libraries of today."""
    steps = "2" if here.options.quick else str(max(4, round(here.options.seconds * 1.5)))
    others = (
        ("pytorch", "joey", "step_torch.py", ["float32", "0", steps], peers.TORCH, 1.25),
        ("keras hub", "tf", "step_keras.py", ["float32", "False", steps], peers.KERAS, 2.0),
        ("joeynmt", "joey", "step_joey.py", ["float32", "0.0", steps], peers.JOEY, None),
    )
    for name, environment, script, arguments, versus, goal in others:
        case = f"transformer step against {name}"

        def run(
            environment: str = environment,
            script: str = script,
            arguments: list[str] = arguments,
            versus: str = versus,
            goal: float | None = goal,
            case: str = case,
        ) -> Sequence[rows.Row]:
            first: dict[str, float] = {}

            def theirs() -> float:
                found = here.peers.script(environment, script, *arguments)
                first["theirs"] = found["first3_s"]
                return float(found["tokens_s_src_trg"])

            def ours() -> float:
                found = here.worker(
                    "step",
                    **_TRANSFORMER,
                    param="TransformerConfig.label_smoothing = 0.0",
                    rows=64,
                    seconds=here.options.seconds,
                    rounds=1,
                )
                first["ours"] = found["first_s"]
                return float(found["steps_per_s"][0]) * 64 * 2 * 32

            found = _turns(here, ours, theirs)
            return [
                here.row(
                    case,
                    "tokens/s",
                    found["ours"],
                    other=found["theirs"],
                    versus=versus,
                    goal=goal,
                    note=f"{_STEP}, float32; our first step after {first['ours']:.1f} s, "
                    f"its first three take {first['theirs']:.1f} s",
                )
            ]

        here.case(case, run)


def _turns(here: context.Context, ours: Any, theirs: Any) -> dict[str, list[float]]:
    return turns.alternate({"theirs": theirs, "ours": ours}, here.options.peer_rounds)


def _multi30k(here: context.Context) -> Sequence[rows.Row]:
    """Whole trainings on Multi30k, each with its own batching: target tokens without padding."""
    raw = peers.multi30k_raw(here.options)
    folder = here.peers.joey_folder(here.options.output_dir / "joey", raw)
    problem = "multi30k_ende"
    command = [sys.executable, "-m", "t2t_mm.bin.datagen", f"--problem={problem}"]
    where = [f"--data_dir={here.data_dir}"]
    manual = [f"--manual_dir={here.options.manual_dir}", "--source=manual"]
    processes.run([*command, *where, *manual], log=here.log)
    seconds = 2 if here.options.quick else round(here.options.seconds * 4)

    def ours() -> float:
        run = here.options.output_dir / "multi30k_run"
        processes.run(["rm", "-rf", run])
        arguments = [f"--output_dir={run}", *where, f"--problems={problem}"]
        gin = ["--gin_file=multi30k_transformer", "--gin_param=TrainSettings.log_every = 20"]
        limits = [f"--train_seconds={seconds + 10}", "--gin_param=TrainSettings.eval_examples = 10"]
        program = [sys.executable, "-m", "t2t_mm.bin.trainer", *arguments, *gin, *limits]
        processes.run(program, log=here.log)
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        logged = [json.loads(text) for text in lines]
        readings = [
            entry["metrics"]["tokens_per_s"]
            for entry in logged
            if entry["split"] == "train" and "tokens_per_s" in entry["metrics"]
        ]
        if not readings:
            raise processes.FailedError("the training logged no pace: it was too short")
        return float(statistics.median(readings[1:] or readings))

    def theirs() -> float:
        return here.peers.joey_train(folder, 1 if here.options.quick else 3)

    found = _turns(here, ours, theirs)
    return [
        here.row(
            "multi30k tokens against joeynmt",
            "target tokens/s",
            found["ours"],
            other=found["theirs"],
            versus=peers.JOEY,
            goal=2.0,
            note="real tokens, each program's own batching and vocabulary",
        )
    ]


if __name__ == "__main__":
    context.main("training", measure, __doc__ or "")
