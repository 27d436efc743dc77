"""Opens prepared data sets of TFDS, and reads them in a fixed order."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from t2t_mm import errors
from t2t_mm.corpus import links
from t2t_mm.problem_bases.tfds import features

_ID = "tfds_id"


def open_data(name: str, folder: pathlib.Path) -> Any:
    """Returns the builder of a data set.

    Args:
      name: with config and version.
      folder: of prepared data sets.

    Raises:
      DataError: for an unknown data set, config or version.
    """
    try:
        return tfds.builder(name, data_dir=str(folder))
    except tfds.core.DatasetNotFoundError as error:
        known = tfds.list_builders(with_community_datasets=False)
        base = name.partition("/")[0].partition(":")[0]
        raise errors.DataError(
            f"TFDS knows no data set {base!r}",
            received=repr(name),
            expected=f"one of its {len(known)}, or one that is prepared in {folder}",
            hint=errors.did_you_mean(base, known),
        ) from error
    except Exception as error:  # TFDS raises various errors for configs and versions
        raise errors.DataError(
            f"TFDS cannot open the data set {name!r}", received=_said(error)
        ) from error


def check_links(data: Any, *, follow: bool) -> None:
    """Raises for files of a prepared data set that are links out of its folder.

    Args:
      data: the builder of a data set.
      follow: whether links may lead out of it.
    """
    folder = pathlib.Path(data.data_path)
    boundary = links.Boundary(folder, follow=follow)
    for path in folder.iterdir() if folder.is_dir() else ():
        boundary.check(path)


def examples(
    data: Any, split: str, fields: Mapping[str, features.Field]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the key and the values of every example, in the order of the files.

    Pictures, and sounds stored as files, stay encoded: all workers read every example, but
    only one decodes it.

    Args:
      data: the builder of a data set.
      split: as TFDS takes it ("train[:90%]").
      fields: the features to be read.

    Raises:
      DataError: when there is no such split, or the data is not prepared or damaged.
    """
    _check_split(data, split)
    decoders, read_config = _decoders(data, fields), _in_order()
    try:
        dataset = data.as_dataset(
            split=split, shuffle_files=False, decoders=decoders, read_config=read_config
        )
    except Exception as error:  # as above; the likeliest reasons first
        if not data.data_path.exists():
            raise _not_prepared(data) from error
        raise errors.DataError(
            f"TFDS cannot read the split {split!r} of {data.info.full_name}", received=_said(error)
        ) from error
    try:
        for example in tfds.as_numpy(dataset):
            yield example[_ID].decode("utf-8"), example
    except tf.errors.OpError as error:
        raise errors.DataError(
            f"The data set {data.info.full_name} cannot be read in {data.data_path}",
            received=_said(error),
            hint="Delete that folder and prepare it again",
        ) from error


def _in_order() -> Any:
    """Returns the read options of TFDS: file by file, one thread, with ids of examples."""
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False  # see t2t_mm.data.batches
    options.threading.private_threadpool_size = 1  # each processor has a worker already
    return tfds.ReadConfig(
        options=options,
        add_tfds_id=True,
        try_autocache=False,
        interleave_cycle_length=1,
        num_parallel_calls_for_decode=1,
        num_parallel_calls_for_interleave_files=1,
    )


def _decoders(data: Any, fields: Mapping[str, features.Field]) -> Any:
    """Returns the decoders of TFDS: which features to read, and which to leave encoded."""
    skipped: dict[str, Any] = {}
    for field in fields.values():
        if field.keep_encoded:
            _put(skipped, field.names, tfds.decode.SkipDecoding())
    if type(data.info.features) is not tfds.features.FeaturesDict:
        return skipped or None  # TFDS cannot read a part of such a feature (a translation)
    only: dict[str, Any] = {}
    for field in fields.values():
        _put(only, _selectable(data, field.names), True)
    return tfds.decode.PartialDecoding(only, decoders=skipped or None)


def _selectable(data: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the prefix of a path whose feature TFDS reads as a whole."""
    feature = data.info.features
    for depth, name in enumerate(names):
        if type(feature) is tfds.features.Sequence:
            feature = feature.feature
        if type(feature) is not tfds.features.FeaturesDict:
            return names[:depth]
        feature = feature[name]
    return names


def _put(tree: dict[str, Any], names: tuple[str, ...], leaf: Any) -> None:
    """Sets a leaf of nested dicts, unless a whole branch is set already."""
    *outer, last = names
    for name in outer:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            return
    tree[last] = leaf


def _check_split(data: Any, split: str) -> None:
    """Raises for an unknown split, if TFDS knows the splits."""
    known = list(data.info.splits or ())
    for part in split.split("+"):
        name = part.partition("[")[0].strip()
        if known and name not in (*known, "all"):
            raise errors.DataError(
                f"The TFDS data set {data.info.full_name} has no split {name!r}",
                received=repr(split),
                expected=f"one of {', '.join(known)}",
                hint=errors.did_you_mean(name, known),
            )


def _not_prepared(data: Any) -> errors.DataError:
    folder = pathlib.Path(data.data_dir_root)
    name = data.info.full_name
    base, _, version = name.rpartition("/")
    return errors.DataError(
        f"The TFDS data set {name} is not prepared",
        expected=f"{data.data_path}",
        hint=f"`tfds build {base}:{version} --data_dir={folder}` prepares it, and downloads what "
        "that takes; another folder is named by --manual_dir",
    )


def _said(error: BaseException) -> str:
    """Returns the type of an error and the first line of its message."""
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0]}"
