"""mm-experiment: many runs by one file, their tables and one report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from t2t_mm import cli, errors
from t2t_mm.runs import folders

_COMMAND = cli.Command(
    "mm-experiment",
    "Trains and measures the runs of an experiment: problems together and alone, variations of "
    "the configuration, some seeds, as its gin file says. Each is an ordinary run folder in "
    "OUTPUT_DIR/runs. What came of them is in tables/*.csv and report.html: means, spread, paired "
    "differences with their intervals. Given again, the command goes on: runs that are done are "
    "not carried out again. One that ends badly is told, and the others go on; the exit code is "
    "2 then.",
    example="mm-experiment --experiment=joint_vs_alone --data_dir=data --output_dir=runs/company",
)
_EXPERIMENT = _COMMAND.string(
    "experiment", None, "a gin file, or a name under gin/experiments/", required=True
)
_DATA_DIR = _COMMAND.path(
    "data_dir", None, "where mm-datagen has put the data", shown=folders.DATA_DEFAULT
)
_OUTPUT_DIR = _COMMAND.path(
    "output_dir",
    None,
    "folder of the experiment",
    shown=f"${folders.OUTPUT_VARIABLE}, or {folders.RUNS}/EXPERIMENT",
)
_SEEDS = _COMMAND.string(
    "seeds",
    None,
    "how many (3: seeds 0, 1 and 2), or which, as a comma list",
    shown="those of the experiment",
)
_JOBS = _COMMAND.integer(
    "jobs", 1, "runs at a time, among which the processors are divided", least=1
)
_EXECUTOR = _COMMAND.choice(
    "executor", "local", ("local", "slurm"), "where runs are carried out [SlurmSettings]"
)
_GIN_FILES, _GIN_PARAMS = _COMMAND.gin()
_DRY_RUN = _COMMAND.boolean("dry_run", False, "show the runs and their commands only")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_experiment, argv)


def _experiment() -> dict[str, Any] | None:
    from t2t_mm.experiments import experiment, seeds

    answer = experiment.experiment(
        _EXPERIMENT.value,
        data_dir=_DATA_DIR.value,
        output_dir=_OUTPUT_DIR.value,
        seeds=None if _SEEDS.value is None else seeds.parse(_SEEDS.value),
        jobs=_JOBS.value,
        executor=_EXECUTOR.value,
        gin_files=_GIN_FILES.value,
        gin_params=_GIN_PARAMS.value,
        usr_dirs=_COMMAND.flags["usr_dir"].value,
        dry_run=_DRY_RUN.value,
        say=_COMMAND.say,
    )
    if _DRY_RUN.value:
        for run in answer["runs"]:
            if not _COMMAND.json:
                print(f"{run['name']}, seed {run['seed']}: {shlex.join(run['command'])}")
        return answer
    if not _COMMAND.json:
        print("\n".join([*answer["tables"].values(), answer["report"]]))
    bad = experiment.ended_badly(answer)
    if not bad:
        return answer
    if _COMMAND.json:
        _COMMAND.emit(answer)
    raise errors.UserError(
        f"{len(bad)} of {len(answer['runs'])} runs are not done",
        received=errors.first_few(bad, between="; "),
        hint="Their logs say why; the same command tries these runs again",
    )


if __name__ == "__main__":
    raise SystemExit(main())
