"""mm-datagen: raw files to records, and vocabularies from their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import cli, vocabulary
from t2t_mm.datagen import generate, progress, sources
from t2t_mm.process import command_output
from t2t_mm.runs import folders

_COMMAND = cli.Command(
    "mm-datagen",
    "Makes the records of some problems, and the vocabularies that these share. The problems are "
    "those of --problems, or of a --gin_file such as mixtures/paper_8. Data that is there already "
    "is left alone; raw files of your own are read from --manual_dir/CORPUS (mm-list names the "
    "corpus and its layout), where --source=download brings those that are free.",
    example="mm-datagen --problem=wmt_ende,imagenet --source=sample",
)
_COMMAND.problems(required=False, shown="those of a --gin_file")
_GIN_FILES, _GIN_PARAMS = _COMMAND.gin()
_DATA_DIR = _COMMAND.path("data_dir", None, "where the data goes", shown=folders.DATA_DEFAULT)
_SOURCE = _COMMAND.choice(
    "source",
    None,
    sources.NAMES,
    "where raw files come from; made-up ones only when sample is asked for",
    shown="manual where there are raw files, else that of the data that is there, or tfds",
)
_MANUAL_DIR = _COMMAND.path(
    "manual_dir",
    None,
    "a folder of corpora, or of this one's raw files",
    shown=folders.MANUAL_DEFAULT,
)
_OFFLINE = _COMMAND.boolean(
    "offline", False, "open no connection; of --source=download, list what to place where"
)
_UNVERIFIED = _COMMAND.boolean(
    "allow_unverified", False, "download files, too, of which no hash is published"
)
_WORKERS = _COMMAND.integer("workers", None, "processes", least=1, shown="one a processor")
_RUNNER = _COMMAND.choice(
    "runner",
    generate.LOCAL,
    generate.RUNNERS,
    "processes of this machine, or an Apache Beam pipeline, whose workers all see the folders",
)
_BEAM_OPTIONS = _COMMAND.multi(
    "beam_option", "an option of Beam, such as runner=DirectRunner; repeatable"
)
_MAX_EXAMPLES = _COMMAND.integer(
    "max_examples", None, "at most so many of each split", least=1, shown="all"
)
_MAX_BAD = _COMMAND.integer("max_bad_examples", 0, "leave out so many bad examples of a problem")
_FOLLOW_LINKS = _COMMAND.boolean(
    "follow_links", False, "read what symbolic links in a corpus lead to outside of it, too"
)
_SAMPLE_SIZE = _COMMAND.integer(
    "sample_size",
    None,
    "training examples of --source=sample",
    least=1,
    shown="as the problem says",
)
_SEED = _COMMAND.integer("seed", 0, "of the order of records, and of samples")
_OVERWRITE = _COMMAND.boolean("overwrite", False, "make data anew that is there")
_VERIFY = _COMMAND.boolean("verify", False, "only compare what is there with its manifests")
_VOCABULARY_SIZE = _COMMAND.integer(
    "vocabulary_size",
    None,
    "tokens at most of a new vocabulary",
    least=300,
    shown=f"{vocabulary.SIZE}",
)
_REBUILD = _COMMAND.boolean(
    "rebuild_vocabulary", False, "build vocabularies that are there anew, from these problems"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    return _COMMAND.run(_generate, argv)


def _generate() -> dict[str, Any]:
    from t2t_mm import config
    from t2t_mm.mixture import mixture

    config.load(_GIN_FILES.value, _GIN_PARAMS.value)
    answer = generate.generate(
        mixture.problem_names(_COMMAND.problem_patterns()),
        _DATA_DIR.value,
        source=_SOURCE.value,
        manual_dir=_MANUAL_DIR.value,
        workers=_WORKERS.value,
        max_examples=_MAX_EXAMPLES.value,
        max_bad_examples=_MAX_BAD.value,
        follow_links=_FOLLOW_LINKS.value,
        sample_size=_SAMPLE_SIZE.value,
        seed=_SEED.value,
        overwrite=_OVERWRITE.value,
        verify=_VERIFY.value,
        vocabulary_size=_VOCABULARY_SIZE.value,
        rebuild_vocabulary=_REBUILD.value,
        offline=_OFFLINE.value,
        allow_unverified=_UNVERIFIED.value,
        runner=_RUNNER.value,
        beam_options=_BEAM_OPTIONS.value,
        progress=progress.for_terminal(),
    )
    _show(answer)
    return answer


def _show(answer: Mapping[str, Any]) -> None:
    """Prints a table of what was made, or lines where a terminal is too narrow for its names."""
    from rich import table

    shown = table.Table(box=None)
    for heading in ("problem", "status", "split"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("examples", "shards", "MB", "seconds"):
        shown.add_column(heading, justify="right", no_wrap=True)
    lines: list[str] = []
    for name, done in answer["problems"].items():
        first = [name, done["status"]]
        lines.append(f"{name}: {done['status']}, {done['seconds']:.1f} s")
        for split, c in done["splits"].items():
            held = f" in {c['records']:,} records" if "records" in c else ""
            counts = [f"{c['examples']:,}", f"{c['shards']:,}", f"{c['bytes'] / 1e6:,.1f}"]
            lines.append(
                "  {}: {} examples{held}, {} shards, {} MB".format(split, *counts, held=held)
            )
            counts[0] += held
            shown.add_row(*first, split, *counts, f"{done['seconds']:.1f}" if first[0] else "")
            first = ["", ""]
    for name, about in answer["vocabularies"].items():
        shown.add_row(name, "vocabulary", "", f"{about['size']:,}", "", "", "")
        lines.append(f"{name}: vocabulary, {about['size']:,} tokens")
    screen = cli.console(stderr=True)
    if command_output.fits(shown, screen):
        screen.print(shown)
    else:
        screen.print("\n".join(lines), markup=False, soft_wrap=True)


if __name__ == "__main__":
    raise SystemExit(main())
