"""Options of data generation, and whether existing data fits them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.corpus import raw
from t2t_mm.data import manifest
from t2t_mm.datagen import sources


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a call that decide the content of data, for all its problems."""

    seed: int
    max_examples: int | None
    max_bad_examples: int
    follow_links: bool = False


def settings(problem: Any, source: sources.Source, options: Options) -> dict[str, Any]:
    """Returns the request as the manifest keeps it, besides source and seed."""
    declaration = problem.declaration_digest()
    return {
        "max_examples": options.max_examples,
        "sample_size": source.sample_size,
        "features": {name: m.kind for name, m in features(problem).items()},
        **({"declaration": declaration} if declaration else {}),
    }


def features(problem: Any) -> dict[str, Any]:
    """Returns the modalities of inputs and targets by their names in the records."""
    return {**problem.inputs, "targets": problem.targets}


def check_fits(
    existing: manifest.Manifest,
    problem: Any,
    source: sources.Source,
    options: Options,
    *,
    manual: bool,
) -> None:
    """Compares existing data with the current request.

    Args:
      existing: the manifest of the data.
      problem: as declared now.
      source: of the raw files.
      options: of the current call.
      manual: whether the raw files exist, to be compared too.

    Raises:
      DataError: naming the differences.
    """
    asked = {"source": source.name, "seed": options.seed, **settings(problem, source, options)}
    was = {"source": existing.source, "seed": existing.seed, **existing.details}
    again = "--overwrite makes it anew, another --data_dir keeps both"
    recorded: Any = was.get("features")
    current: Any = asked.pop("features")
    if recorded == current:
        recorded, current = list(existing.splits), list(problem.expected_splits(existing.splits))
    if recorded != current:
        raise errors.DataError(
            f"The declaration of {problem.name} has changed since its data was made, but not "
            f"its version {problem.version}",
            received=f"{recorded} in {existing.folder}",
            expected=current,
            hint="Raise the version in the problem, or use --overwrite",
        )
    if {asked["source"], was["source"]} <= set(sources.OF_FILES):
        asked["source"] = was["source"]  # the same files, whoever has brought them
    differing = [name for name, value in asked.items() if was.get(name) != value]
    if differing:
        raise errors.DataError(
            f"The data of {problem.name} in {existing.folder} was made with "
            + _named(was, differing),
            received=_named(asked, differing),
            hint=again,
        )
    if manual and source.name in sources.OF_FILES:
        files = raw.RawFiles.of(source.root, problem.corpus)
        for name, size in was.get("raw_files", {}).items():
            now = (files.root / name).stat().st_size if files.exists(name) else None
            if now is not None and now != size:
                raise errors.DataError(
                    f"{files.root / name} has changed since the data of {problem.name} was made",
                    received=f"{now:,} bytes",
                    expected=f"{size:,} bytes",
                    hint=again,
                )


def _named(values: Mapping[str, Any], names: Sequence[str]) -> str:
    pairs = [(name, values.get(name)) for name in names]
    return ", ".join(f"no {n}" if value is None else f"{n}={value}" for n, value in pairs)
