"""Schema of `checksums.json`, beside the files of a corpus that were downloaded."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from t2t_mm.schemas import values


class DownloadedFile(TypedDict):
    """What is known of a file that was downloaded."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    size: values.Count
    sha256: values.Sha256
    url: values.Text
    verified: bool  # whether the problem declares a hash, and it is this one's
    mtime_ns: NotRequired[int]  # of the file when its hash was last computed


class Checksums(TypedDict):
    """`MANUAL_DIR/CORPUS/checksums.json`: files by their path below that folder."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    files: dict[str, DownloadedFile]


class Partial(TypedDict):
    """`.NAME.part.json`: where the bytes of an unfinished download come from."""

    __pydantic_config__ = values.WHOLE  # type: ignore[misc]

    url: values.Text
    validator: str
