"""Hints for Tensor2Tensor's values of `--schedule`, which named the work to do."""

from __future__ import annotations

WORK = {
    "train": "mm-trainer trains, and evaluates every --eval_every steps",
    "train_and_evaluate": "mm-trainer trains, and evaluates every --eval_every steps",
    "continuous_train_and_eval": "mm-trainer trains, and evaluates every --eval_every steps",
    "train_eval_and_decode": "mm-trainer trains and evaluates; mm-decoder decodes a --split",
    "evaluate": "mm-eval measures a run",
    "continuous_eval": "mm-eval measures a run",
    "evaluate_on_train_data": "mm-eval measures a run, here with --split=train",
    "continuous_eval_on_train_data": "mm-eval measures a run, here with --split=train",
    "continuous_decode": "mm-decoder decodes a --split",
    "continuous_decode_on_eval_data": "mm-decoder decodes a --split",
    "continuous_decode_on_train_data": "mm-decoder decodes a --split, here train",
    "run_std_server": "mm-trainer --strategy=multi_worker, with TF_CONFIG, is every worker",
}


def hint(name: str) -> str | None:
    """Returns the command that replaces a `--schedule` of Tensor2Tensor, or None."""
    if name not in WORK:
        return None
    return (
        f"In Tensor2Tensor {name!r} said what to run; here {WORK[name]}, and --schedule "
        "says how steps are shared out among problems: leave it out"
    )
