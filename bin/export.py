"""mm-export: SavedModels of a trained run, to be served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2t_mm import cli
from t2t_mm.cli import decoding_flags, export_dir, without_effect
from t2t_mm.exporting import export
from t2t_mm.files import content
from t2t_mm.runs import folders, opened_run

_COMMAND = cli.Command(
    "mm-export",
    "Exports problems of a trained run as SavedModels, which mm-serve, TensorFlow Serving and any "
    "program with tensorflow and tensorflow-text load: raw inputs in, texts or classes out, with "
    "the vocabulary and the search inside. EXPORT_DIR/PROBLEM/VERSION is of one problem, "
    "EXPORT_DIR/multi_model/VERSION of all of them with one copy of the weights; each call makes a "
    "new version.",
    example="mm-export --output_dir=runs/demo --export_dir=exports --beam_size=4 --alpha=0.6",
)
_OUTPUT_DIR = _COMMAND.path(
    "output_dir", None, "folder of the training", shown=folders.OUTPUT_DEFAULT
)
_COMMAND.problems(required=False, shown="all of the run")
_EXPORT_DIR = _COMMAND.path("export_dir", None, "folder of exports", shown=export_dir.DEFAULT)
_CHECKPOINT = _COMMAND.string("checkpoint", "latest", decoding_flags.CHECKPOINT)
_PRECISION = _COMMAND.choice(
    "precision", "float32", export.PRECISIONS, "to compute in, whatever the training did"
)
_CHECKPOINT_ONLY = _COMMAND.boolean(
    "checkpoint_only",
    False,
    "write EXPORT_DIR/weights instead: a run folder with the weights alone, to be shipped",
)
_EXAMPLES = _COMMAND.integer(
    "examples", export.EXAMPLES, "of each problem's data, kept for pages; 0 is none"
)
_DATA_DIR = _COMMAND.path(
    "data_dir", None, "folder of generated data", shown=folders.DATA_OF_RUN_DEFAULT
)
_decoding = decoding_flags.define(_COMMAND)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_export, argv)


def _export() -> dict[str, Any]:
    given = _decoding()
    names = _COMMAND.problem_patterns()
    if _CHECKPOINT_ONLY.value:
        without_effect.beside(
            _COMMAND,
            "--checkpoint_only",
            used=("output_dir", "export_dir", "checkpoint", "data_dir", "problems", "problem"),
        )
    folder = folders.trained_run(_OUTPUT_DIR.value, problems=names, say=_COMMAND.say)
    run = opened_run.open_run(folder, data_dir=folders.known_data_dir(_DATA_DIR.value))
    settings = decoding_flags.settings(run, given, names)
    answer = export.export(
        run,
        _EXPORT_DIR.value,
        problems=names,
        checkpoint=_CHECKPOINT.value,
        precision=_PRECISION.value,
        settings=settings,
        examples=_EXAMPLES.value,
        checkpoint_only=_CHECKPOINT_ONLY.value,
        warn=_COMMAND.say,
    )
    if not _COMMAND.json:
        size = f" ({content.mebibytes(answer['bytes'])})" if "bytes" in answer else ""
        for name, path in answer["exports"].items():
            print(f"{name} is in {path}{size}")
    return answer


if __name__ == "__main__":
    raise SystemExit(main())
