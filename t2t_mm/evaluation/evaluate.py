"""`t2t_mm.evaluate`: the metrics of a trained model on generated splits."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm.decoding import decode
from t2t_mm.evaluation.robustness import kinds
from t2t_mm.settings import decoding

ROBUSTNESS_EXAMPLES = 100
"""Of a split, by default: a model is measured on them some sixty times."""

if TYPE_CHECKING:
    from t2t_mm.data import task as task_lib
    from t2t_mm.runs import loaded_run


def evaluate(
    run: str | os.PathLike[str] | loaded_run.LoadedRun,
    *,
    problems: Sequence[str] | None = None,
    split: str | None = None,
    checkpoint: str | int = "latest",
    data_dir: str | os.PathLike[str] | None = None,
    settings: decoding.DecodeSettings | None = None,
    max_examples: int | None = None,
    baselines: bool = False,
    robustness: Sequence[str] = (),
    robustness_examples: int | None = ROBUSTNESS_EXAMPLES,
    robustness_seed: int = 0,
    progress: Callable[[str, int | str], None] | None = None,
    **search: Any,
) -> dict[str, Any]:
    """Measures a trained model on a split of each of its problems.

    Example:
        t2t_mm.evaluate("runs/ende", split="test")["results"]["multi30k_ende"]["bleu"]

    Args:
      run: an output folder of a training, or what `load_run` returned.
      problems: names or globs; when left out, all problems of the run whose data is
        there. Standard error tells of others.
      split: a generated split; when left out, each problem's second one, on which
        training evaluates too.
      checkpoint: "latest", "best" (by the run's `TrainSettings.best_metric`) or a step; of no
        effect on a loaded run.
      data_dir: of generated data, if it is not where the training read it.
      settings: of the search; those of the run's configuration when left out.
      max_examples: the first so many of each split only.
      baselines: measure the simplest answers to the same examples too.
      robustness: measure it, by these kinds of damage: names, families or globs, such as
        "blur" or "pgd"; "all" for all.
      robustness_examples: the first so many of a split; 0 for all. Each kind is measured at
        five strengths.
      robustness_seed: of the damage.
      progress: called with a problem's name and how many examples are done, or what of its
        robustness is measured next.
      **search: fields of `DecodeSettings` (`beam_size=4`), over those.

    Returns:
      `step`; `split`; `results` (values by problem and metric); `search` (the settings of the
      search, from `DecodeSettings.describe`; None for classes only); `notes` (by problem:
      information needed to compare the values, such as BLEU's signature); `decodes` (by
      problem: the file of decoded outputs, if a metric needs them and the split is whole);
      if requested, `baselines` (by problem: name and scores, see `evaluation.baselines`), and
      `robustness` (by problem: see `evaluation.robustness.result`), kept in the run's
      `robustness/` too;
      for the best checkpoint, `chosen_by` (the metric, and its problem, by which it is best).

    Raises:
      ConfigError: for invalid names or settings.
      DataError: for missing data.
      CheckpointError: for a checkpoint that is missing or damaged.
    """
    from t2t_mm.evaluation import baselines as baselines_lib
    from t2t_mm.evaluation import evaluator
    from t2t_mm.runs import loaded_run

    loaded = loaded_run.as_loaded(run, checkpoint=checkpoint, data_dir=data_dir)
    tasks = loaded.matching(problems)
    if not problems:
        tasks = _with_data(tasks)
    chosen = [(task, split or eval_split(task)) for task in tasks]
    used = (settings or loaded.decode_settings).override(search)
    for task, _ in chosen:
        used.check(task)
    damages = kinds.chosen([task for task, _ in chosen], robustness) if robustness else {}
    results: dict[str, dict[str, float]] = {}
    notes: dict[str, dict[str, str]] = {}
    files: dict[str, str] = {}
    for task, name in chosen:
        result = evaluator.run(
            loaded.model,
            task,
            name,
            loaded.batching,
            used,
            max_examples=max_examples,
            progress=None if progress is None else functools.partial(progress, task.name),
        )
        if result.cut:
            sys.stderr.write(
                f"Warning: {result.cut:,} of {len(result.references):,} examples of {task.name} "
                "have a text that is longer than its limit, and are measured as they were cut.\n"
            )
        results[task.name] = result.values
        notes[task.name] = result.notes
        if result.answers and decode.is_whole(task, name, len(result.answers)):
            files[task.name] = str(decode.keep(loaded, task, name, used, result.answers))
    writes = any(task.targets.autoregressive for task, _ in chosen)
    answer = {
        "step": loaded.step,
        "split": ",".join(dict.fromkeys(name for _, name in chosen)),
        "results": results,
        "search": used.describe() if writes else None,
        "notes": notes,
        "decodes": files,
    }
    if loaded.chosen_by:
        answer["chosen_by"] = loaded.chosen_by
    if baselines:
        simple = {
            task.name: baselines_lib.measure(
                task, name, max_examples=max_examples, max_length=loaded.batching.max_length
            )
            for task, name in chosen
        }
        answer["baselines"] = {name: b.describe() for name, b in simple.items() if b}
    if robustness:
        answer["robustness"] = _robustness(
            loaded,
            chosen,
            used,
            damages,
            max_examples=robustness_examples,
            seed=robustness_seed,
            progress=progress,
        )
    return answer


def _robustness(
    loaded: loaded_run.LoadedRun,
    chosen: Sequence[tuple[task_lib.Task, str]],
    settings: decoding.DecodeSettings,
    damages: Mapping[str, Sequence[kinds.Kind]],
    *,
    max_examples: int | None,
    seed: int,
    progress: Callable[[str, int | str], None] | None,
) -> dict[str, Any]:
    """Measures the robustness of problems on their splits, keeps it in the run, and returns it."""
    from t2t_mm.evaluation.robustness import kept, measure

    found: dict[str, Any] = {}
    for task, split in chosen:
        if not damages[task.name]:
            sys.stderr.write(
                f"Warning: the robustness of {task.name} is not measured: none of its inputs can "
                "be damaged so.\n"
            )
            continue
        found[task.name] = measure.measure(
            loaded.model,
            task,
            split,
            loaded.batching,
            settings,
            kinds=damages[task.name],
            step=loaded.step,
            max_examples=max_examples,
            seed=seed,
            progress=None if progress is None else functools.partial(progress, task.name),
        ).describe()
        kept.keep(loaded.folder, task.name, found[task.name])
    return found


def eval_split(task: task_lib.Task) -> str:
    """Returns the split that a problem is evaluated on while it trains."""
    return task.splits[1] if len(task.splits) > 1 else task.splits[0]


def _with_data(tasks: Sequence[task_lib.Task]) -> list[task_lib.Task]:
    """Returns the tasks whose data is in the data folder, all where it is of none.

    Where one problem is to be measured, the data of others need not be at hand.
    """
    there = [task for task in tasks if task.has_data()]
    if not there:
        return list(tasks)
    for task in tasks:
        if task not in there:
            sys.stderr.write(
                f"Warning: {task.name} is left out: its data is not in {task.data_dir}.\n"
            )
    return there
