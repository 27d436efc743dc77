"""mm-decoder: answers of a trained model to lines, files or a generated split."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from t2t_mm import cli, errors
from t2t_mm.cli import decoding_flags, stream
from t2t_mm.decoding import answers as answers_lib
from t2t_mm.decoding import input_lines, limits
from t2t_mm.runs import folders, opened_run

_COMMAND = cli.Command(
    "mm-decoder",
    "Answers every input, one a line: a text, or the path of a picture or a sound. For several "
    "inputs, or texts with line ends, --input is a .jsonl file of objects keyed by input name. To "
    "a language model, which has no inputs, each line is the beginning of a text. With neither "
    "--input nor --split it reads standard input, and asks where that is a terminal. A pipe is "
    "answered whenever it pauses. An input that cannot be used has an error for an answer (an "
    "empty line, where that is text), and the exit code is 2. How many texts were longer than what "
    "the model reads is told at the end.",
    example="echo 'A dog runs.' | mm-decoder --output_dir=runs/demo --problem=wmt_ende --input=-",
)
_OUTPUT_DIR = _COMMAND.path(
    "output_dir", None, "folder of the training", shown=folders.OUTPUT_DEFAULT
)
_DATA_DIR = _COMMAND.path(
    "data_dir", None, "folder of generated data", shown=folders.DATA_OF_RUN_DEFAULT
)
_COMMAND.problems(required=False, shown="the only one of the run")
_INPUT = _COMMAND.string("input", None, "file of inputs; - is standard input", shown="-")
_SPLIT = _COMMAND.string("split", None, "decode this generated split instead", shown="none")
_OUTPUT = _COMMAND.path(
    "output",
    None,
    "file for the answers, of JSON lines where it is called .jsonl",
    shown="standard output",
)
_CHECKPOINT = _COMMAND.string("checkpoint", "latest", decoding_flags.CHECKPOINT)
_MAX_EXAMPLES = _COMMAND.integer("max_examples", 0, "the first so many of the inputs; 0 is all")
_STRICT = _COMMAND.boolean("strict", False, "stop at the first input that cannot be used")
_decoding = decoding_flags.define(_COMMAND)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_decode, argv)


def _decode() -> None:
    given = _decoding()
    names = _COMMAND.problem_patterns()
    if len(names) > 1:
        raise errors.ConfigError("mm-decoder takes one problem", received=", ".join(names))
    if _SPLIT.value and _INPUT.value:
        raise errors.ConfigError("Give --input or --split, not both")
    folder = folders.trained_run(_OUTPUT_DIR.value, problems=names, say=_COMMAND.say)
    run = opened_run.open_run(folder, data_dir=folders.known_data_dir(_DATA_DIR.value))
    settings = decoding_flags.settings(run, given, names)
    task = run.task(names[0] if names else None)
    named = _INPUT.value or "-"
    asks = not _SPLIT.value and named == "-" and sys.stdin is not None and sys.stdin.isatty()
    lines: Iterable[list[input_lines.Line]] = ()
    if not (asks or _SPLIT.value):
        lines = stream.lines(task, named, most=_MAX_EXAMPLES.value, strict=_STRICT.value)
    from t2t_mm.cli import prompt
    from t2t_mm.decoding import decode
    from t2t_mm.runs import loaded_run

    loaded = loaded_run.restore(run, _CHECKPOINT.value)
    if loaded.chosen_by:
        _COMMAND.say(f"checkpoint best: {loaded.chosen_by}")
    if asks:
        prompt.talk(loaded, task, settings, emit=_COMMAND.emit if _COMMAND.json else None)
        return
    answers: Iterable[answers_lib.Answer]
    if _SPLIT.value:
        answers = kept = decode.decode(
            loaded,
            problem=task.name,
            split=_SPLIT.value,
            settings=settings,
            max_examples=_MAX_EXAMPLES.value,
        )
        if decode.is_whole(task, _SPLIT.value, len(kept)):
            cli.info(f"Kept in {decode.kept_path(loaded, task, _SPLIT.value, settings)}")
    else:
        answers = stream.answers(loaded, task, lines, settings, strict=_STRICT.value)
    stream.write(
        answers,
        _OUTPUT.value,
        emit=_COMMAND.emit if _COMMAND.json else None,
        limits=limits.of(task, loaded.batching, settings),
    )


if __name__ == "__main__":
    raise SystemExit(main())
