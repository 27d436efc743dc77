"""Manifest: the shards of one problem's generated data, with sizes and hashes.

`manifest.json` is written last, so a folder without one holds no finished data. Its
counts and hashes detect what the record format cannot: a file truncated at the end of a
record is still valid, only shorter.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from t2t_mm import errors
from t2t_mm.data import records
from t2t_mm.files import atomic, content, mirrors

FILE = "manifest.json"


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file of records.

    Attributes:
      file: its name.
      examples: that it holds.
      bytes: its size.
      sha256: its hash, in hex.
      records: that hold the examples; None where each example is one.
    """

    file: str
    examples: int
    bytes: int
    sha256: str
    records: int | None = None

    @property
    def count(self) -> int:
        """The number of records."""
        return self.examples if self.records is None else self.records

    def describe(self) -> dict[str, Any]:
        """Returns the entry of `manifest.json`."""
        return {k: v for k, v in dataclasses.asdict(self).items() if v is not None}


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The generated data of one problem.

    Attributes:
      folder: `DATA_DIR/PROBLEM/VERSION`.
      problem: its name.
      version: its version.
      source: where the raw files came from (`sample`, `manual`, ...).
      seed: of the order of examples, and of sample data.
      shards: by split, in the order of the records.
      details: all other keys of `manifest.json`.
    """

    folder: pathlib.Path
    problem: str
    version: str
    source: str
    seed: int
    shards: Mapping[str, tuple[Shard, ...]]
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def load(cls, data_dir: str | os.PathLike[str], problem: str, version: str) -> Manifest:
        """Reads the manifest of one problem.

        Raises:
          DataError: when the data has not been generated yet, or the file is damaged.
        """
        place = folder(data_dir, problem, version)
        path = place / FILE
        again = f"Run: mm-datagen --problem={problem} --data_dir={data_dir}"
        from t2t_mm.schemas import data as data_schemas
        from t2t_mm.schemas import json_files

        try:
            values = json_files.read(
                path, data_schemas.Manifest, error=errors.DataError, hint=f"{again} --overwrite"
            )
        except (FileNotFoundError, NotADirectoryError):
            others = _other_versions(place)
            raise errors.DataError(
                f"The data of {problem} {version} has not been generated in {data_dir}",
                received=f"version {', '.join(others)}" if others else None,
                hint=f"{again}; or give the --data_dir where it lies",
            ) from None
        for field, expected in (("problem", problem), ("version", version)):
            if values[field] != expected:  # type: ignore[literal-required]
                raise errors.DataError(
                    f"{path} is of other data: {field}",
                    received=values[field],  # type: ignore[literal-required]
                    expected=expected,
                    hint=f"{again} --overwrite",
                )
        return cls._from_json(place, dict(values))

    @classmethod
    def _from_json(cls, place: pathlib.Path, value: dict[str, Any]) -> Manifest:
        fields = [field.name for field in dataclasses.fields(Shard)]
        shards = {
            split: tuple(
                Shard(**{name: shard.get(name) for name in fields}) for shard in of["shards"]
            )
            for split, of in value.pop("splits").items()
        }
        named = {key: value.pop(key) for key in ("problem", "version", "source", "seed")}
        return cls(place, shards=shards, details=value, **named)

    def save(self) -> None:
        """Writes `manifest.json` into the folder."""
        splits = {
            split: {
                "examples": self.examples(split),
                "bytes": self.bytes(split),
                "shards": [shard.describe() for shard in shards],
            }
            for split, shards in self.shards.items()
        }
        named = {key: getattr(self, key) for key in ("problem", "version", "source", "seed")}
        atomic.write_json(self.folder / FILE, {**named, "splits": splits, **self.details})

    @property
    def command(self) -> str:
        """The command that generates this data, for hints."""
        data_dir = self.folder.parent.parent
        words = [f"--problem={self.problem}", f"--data_dir={data_dir}", f"--source={self.source}"]
        raw = " --manual_dir=RAW_FILES" if self.source == "manual" else ""
        return shlex.join(["mm-datagen", *words]) + raw

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits in the order in which the problem names them."""
        return tuple(self.shards)

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """The class names found, by feature, where the problem declares none."""
        return {k: tuple(v) for k, v in self.details.get("classes", {}).items()}

    @property
    def answers(self) -> tuple[str, ...]:
        """The most frequent targets of training, where the problem keeps them."""
        return tuple(self.details.get("answers", ()))

    @property
    def shared_inputs(self) -> tuple[str, ...]:
        """The inputs that the examples of a record share."""
        return tuple(self.details.get("shared_inputs", ()))

    def files(self, split: str) -> list[pathlib.Path]:
        """Returns the record files of a split, in order.

        Raises:
          ConfigError: for a split that was not generated.
        """
        return [self.folder / shard.file for shard in self._split(split)]

    def examples(self, split: str) -> int:
        """Returns how many examples a split has."""
        return sum(shard.examples for shard in self._split(split))

    def records(self, split: str) -> int:
        """Returns how many records hold the examples of a split: fewer, where they share some."""
        return sum(shard.count for shard in self._split(split))

    def bytes(self, split: str) -> int:
        """Returns how many bytes a split's files have."""
        return sum(shard.bytes for shard in self._split(split))

    def split_digest(self, split: str) -> str:
        """Returns a hash of the content of a split, without reading its files."""
        return hashlib.sha256(" ".join(s.sha256 for s in self._split(split)).encode()).hexdigest()

    def check_sizes(
        self, split: str | None = None, files: Collection[str | os.PathLike[str]] | None = None
    ) -> None:
        """Checks the sizes of files, which is cheap.

        Args:
          split: of the files; None for all splits.
          files: the paths to check; None for all.

        Raises:
          DataError: naming a file that is missing or of another size.
        """
        for shard in self._chosen(split, files):
            self._fail_if(self._wrong_size(shard))

    def verify(
        self,
        split: str | None = None,
        files: Collection[str | os.PathLike[str]] | None = None,
        *,
        workers: int = 1,
    ) -> None:
        """Checks sizes, hashes and numbers of examples of files.

        Args:
          split: of the files; None for all splits.
          files: the paths to check; None for all.
          workers: files checked in parallel.

        Raises:
          DataError: naming the files that have changed.
        """
        shards = self._chosen(split, files)
        with concurrent.futures.ThreadPoolExecutor(max(workers, 1)) as pool:
            wrong = [message for message in pool.map(self._wrong_content, shards) if message]
        if wrong:
            self._fail_if("; ".join(wrong))

    def _chosen(
        self, split: str | None, files: Collection[str | os.PathLike[str]] | None
    ) -> list[Shard]:
        names = None if files is None else {pathlib.Path(file).name for file in files}
        return [
            shard
            for name in (self.splits if split is None else (split,))
            for shard in self._split(name)
            if names is None or shard.file in names
        ]

    def _split(self, split: str) -> tuple[Shard, ...]:
        if split not in self.shards:
            raise errors.ConfigError(
                f"The data of {self.problem} has no split {split!r}",
                expected=f"one of {', '.join(self.shards)}",
                hint=errors.did_you_mean(split, self.shards),
            )
        return self.shards[split]

    def _wrong_size(self, shard: Shard) -> str:
        return content.damage(self.folder / shard.file, shard.bytes)

    def _wrong_content(self, shard: Shard) -> str:
        path = self.folder / shard.file
        wrong = content.damage(path, shard.bytes, shard.sha256)
        if not path.is_file():
            return wrong
        whole = 0
        try:
            for _ in records.read_records(path):
                whole += 1
        except errors.DataError as error:
            wrong = wrong or str(error)
        if not wrong and whole == shard.count:
            return ""
        wrong = wrong or f"{path} does not hold what its manifest says"
        noun = "examples" if shard.records is None else "records"
        return f"{wrong}; {whole:,} of {shard.count:,} {noun} read"

    def _fail_if(self, wrong: str | None) -> None:
        if wrong:
            raise errors.DataError(
                f"The data of {self.problem} is damaged: {wrong}",
                hint=f"Run: {self.command} --overwrite",
            )


def folder(data_dir: str | os.PathLike[str], problem: str, version: str) -> pathlib.Path:
    """Returns the folder of a problem's data, after fetching what is at its URL if it has one."""
    place = pathlib.Path(data_dir) / problem / version
    mirrors.fetch(place)
    return place


def is_there(data_dir: str | os.PathLike[str], problem: str) -> bool:
    """Says whether any version of a problem's data has been generated."""
    mirrors.fetch(pathlib.Path(data_dir) / problem)
    return any((pathlib.Path(data_dir) / problem).glob(f"[!.]*/{FILE}"))


def source_of(data_dir: str | os.PathLike[str], problem: str, version: str) -> str | None:
    """Returns the source of existing data, such as "manual"; None without complete data."""
    try:
        return Manifest.load(data_dir, problem, version).source
    except errors.DataError:
        return None


def _other_versions(place: pathlib.Path) -> list[str]:
    return sorted(path.parent.name for path in place.parent.glob(f"[!.]*/{FILE}"))
