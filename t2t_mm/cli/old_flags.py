"""The flags of Tensor2Tensor's commands, with their replacements here, for errors.

Flags that a command here has too (`--data_dir`, `--train_steps`) cause no error.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Sequence

from t2t_mm import errors

_DEVICES = (
    "all GPUs that can be seen are used; CUDA_VISIBLE_DEVICES picks some, --strategy of "
    "mm-trainer says how they share the work"
)
_WORKERS = "several machines are told by TF_CONFIG, with --strategy=multi_worker of mm-trainer"
_NO_TPU = "there is no TPU support; leave it out"
_SIZES = "sizes and rates are set by --gin_file=models/NAME of mm-trainer, as in"
_BINDINGS = (
    "single values are set by --gin_param='CLASS.FIELD = VALUE', repeatable; "
    "docs/gin_parameters.md lists them"
)
_SEARCH = (
    "give the settings as flags of mm-decoder or mm-eval: --beam_size=4 --alpha=0.6 "
    "--n_best --temperature --top_k --max_length"
)
_RAW_FILES = (
    "raw files are read where they lie: --manual_dir=FOLDER of mm-datagen; "
    "--source=sample makes some up"
)
_EVERY = "--eval_every=STEPS and --save_every=STEPS of mm-trainer"
_STOP = (
    "--gin_param='TrainSettings.patience = EVALUATIONS' of mm-trainer, with "
    "TrainSettings.best_metric = 'PROBLEM/METRIC'"
)
_KEEP = "--gin_param='TrainSettings.keep_checkpoints = N' of mm-trainer"
_LEAVE_OUT = "it has no counterpart; leave it out"
_LISTS = "mm-list shows all that is registered"
_CHECKPOINT = "--checkpoint=latest|best|STEP of mm-decoder and mm-eval, with --output_dir"
_PRECISION = '--gin_param=\'TrainSettings.precision = "float32"\' or "bfloat16" of mm-trainer'

REPLACEMENTS: dict[str, str] = {
    # all commands
    "t2t_usr_dir": "--usr_dir=FOLDER",
    "registry_help": _LISTS,
    "only_list": _LISTS,
    "random_seed": "--seed=N of mm-trainer and mm-datagen",
    "tmp_dir": _RAW_FILES,
    # t2t-trainer
    "hparams_set": _SIZES,
    "hparams": _BINDINGS,
    "hparams_range": "--experiment=tune of mm-experiment searches, in TuneSettings.space",
    "generate_data": "generate data first, by mm-datagen --problem=NAME",
    "eval_steps": "--gin_param='TrainSettings.eval_examples = N' of mm-trainer counts examples, "
    "not batches; mm-eval has --max_examples",
    "local_eval_frequency": _EVERY,
    "min_eval_frequency": _EVERY,
    "eval_throttle_seconds": _EVERY,
    "save_checkpoints_secs": "--save_every=STEPS of mm-trainer counts steps",
    "save_checkpoints_steps": "--save_every=STEPS of mm-trainer",
    "keep_checkpoint_max": _KEEP,
    "keep_checkpoint_every_n_hours": _KEEP,
    "log_step_count_steps": "--gin_param='TrainSettings.log_every = STEPS' of mm-trainer",
    "warm_start_from": "--warm_start=RUN of mm-trainer",
    "eval_early_stopping_metric": _STOP,
    "eval_early_stopping_metric_delta": _STOP,
    "eval_early_stopping_metric_minimize": _STOP,
    "eval_early_stopping_steps": _STOP,
    "eval_timeout_mins": _LEAVE_OUT,
    "eval_use_test_set": "--split=test of mm-eval and mm-decoder",
    "eval_run_autoregressive": "mm-eval decodes so whenever a metric asks for text",
    "export_saved_model": _LEAVE_OUT,
    "profile": _LEAVE_OUT,
    "dbgprofile": _LEAVE_OUT,
    "tfdbg": "--debug shows the traceback of an error",
    "enable_graph_rewriter": _LEAVE_OUT,
    "disable_grappler_optimizations": _LEAVE_OUT,
    "log_device_placement": _LEAVE_OUT,
    "xla_compile": _LEAVE_OUT,
    "xla_jit_level": _LEAVE_OUT,
    "inter_op_parallelism_threads": "set TF_NUM_INTEROP_THREADS in the environment",
    "intra_op_parallelism_threads": "set TF_NUM_INTRAOP_THREADS in the environment",
    # devices and machines
    "worker_gpu": _DEVICES,
    "gpu_order": _DEVICES,
    "worker_gpu_memory_fraction": "memory of GPUs is taken as it is needed; "
    "TF_FORCE_GPU_ALLOW_GROWTH=false in the environment takes all of it",
    "locally_shard_to_cpu": _DEVICES,
    "optionally_use_dist_strat": _DEVICES,
    "worker_replicas": _WORKERS,
    "worker_id": _WORKERS,
    "worker_job": _WORKERS,
    "ps_replicas": _WORKERS,
    "ps_gpu": _WORKERS,
    "ps_job": _WORKERS,
    "sync": _WORKERS,
    "master": _WORKERS,
    "std_server_protocol": _WORKERS,
    "use_tpu": _NO_TPU,
    "use_tpu_estimator": _NO_TPU,
    "tpu_num_shards": _NO_TPU,
    "tpu_infeed_sleep_secs": _NO_TPU,
    "cloud_tpu_name": _NO_TPU,
    "cloud_tpu": _NO_TPU,
    "cloud_mlengine": _NO_TPU,
    "iterations_per_loop": _NO_TPU,
    "activation_dtype": _PRECISION,
    "weight_dtype": _PRECISION,
    # t2t-datagen
    "num_shards": "the number of files follows from their size; leave it out",
    "max_cases": "--max_examples=N of mm-datagen",
    "exclude_problems": "--problems=NAMES takes a comma list with globs such as 'wmt_*'",
    "num_concurrent_processes": "--workers=N of mm-datagen",
    "task_id": "--workers=N of mm-datagen shares out the work by itself",
    "task_id_start": "--workers=N of mm-datagen shares out the work by itself",
    "task_id_end": "--workers=N of mm-datagen shares out the work by itself",
    # t2t-decoder
    "decode_from_file": "--input=FILE of mm-decoder (- is standard input)",
    "decode_to_file": "--output=FILE of mm-decoder",
    "decode_interactive": "mm-decoder asks at the terminal where neither --input nor --split is "
    "given",
    "decode_hparams": _SEARCH,
    "decode_shards": _LEAVE_OUT,
    "decode_in_memory": _LEAVE_OUT,
    "decode_num_samples": "--max_examples=N of mm-decoder, with --split",
    "score_file": "mm-eval gives log_perplexity of a split's targets; each output of mm-decoder "
    "has its score under --json",
    "checkpoint_path": _CHECKPOINT,
    "keep_timestamp": _LEAVE_OUT,
    # t2t-avg-all, avg_checkpoints
    "model_dir": "--output_dir=RUN",
    "num_last_checkpoints": "--checkpoints=N of mm-avg",
    "n": "--checkpoints=N of mm-avg",
    "output_path": "--to=FOLDER of mm-avg",
    "prefix": "--output_dir=RUN of mm-avg",
    "min_steps": _LEAVE_OUT,
    "wait_minutes": _LEAVE_OUT,
    # t2t-bleu, t2t-translate-all
    "translation": "mm-eval measures BLEU of the run itself",
    "translations_dir": "mm-eval measures BLEU of the run itself",
    "reference": "mm-eval measures against the references of a --split",
    "source_dir": "--input=FILE of mm-decoder",
    # t2t-exporter, t2t-query-server
    "export_dir": "no command exports yet; --warm_start and mm-decoder read a run as it is",
    "servable_name": _LEAVE_OUT,
    "server": _LEAVE_OUT,
    "timeout_secs": _LEAVE_OUT,
}


def error(arguments: Sequence[str], known: Container[str]) -> errors.ConfigError | None:
    """Returns the error for arguments among which are flags of Tensor2Tensor, or None.

    All of them are told at once, so that a command need not be typed once for each.

    Args:
      arguments: of a command, as typed.
      known: names of the flags that the command has.
    """
    replaced: dict[str, str] = {}
    for position, argument in enumerate(arguments):
        name, _, value = argument.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if name not in REPLACEMENTS:
            name = name.removeprefix("no")
        if not argument.startswith("-") or name in known or name not in REPLACEMENTS:
            continue
        following = arguments[position + 1] if position + 1 < len(arguments) else ""
        replaced.setdefault(name, _replacement(name, value or following))
    if not replaced:
        return None
    if len(replaced) == 1:
        ((name, hint),) = replaced.items()
        what = f"Unknown flag --{name}, which is Tensor2Tensor's"
        return errors.ConfigError(what, hint=f"Here {hint}")
    listed = ", ".join(f"--{name}" for name in replaced)
    hints = [f"For --{name}: {hint}" for name, hint in replaced.items()]
    return errors.ConfigError(
        f"Unknown flags {listed}, which are Tensor2Tensor's", hint=". ".join(hints)
    )


def _replacement(name: str, value: str) -> str:
    if name != "hparams_set":
        return REPLACEMENTS[name]
    from t2t_mm.config import gin_files  # with gin, which no other flag needs

    sizes = [n for n in gin_files.names() if n.startswith("models/")]
    near = difflib.get_close_matches(f"models/{value}", sizes, n=1, cutoff=0.0)
    return f"{REPLACEMENTS[name]} --gin_file={near[0] if near else 'models/multi_model_small'}"
