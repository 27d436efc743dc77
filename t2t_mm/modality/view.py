"""The contract of a view: how values of a modality are measured and shown to people.

A view takes values as records hold them. mm-inspect, in the terminal and as a page, TensorBoard
and the demo show whatever a view says, and know of no modality by name. Free of TensorFlow.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from t2t_mm import errors

if TYPE_CHECKING:
    import numpy as np
    from rich import text

    from t2t_mm import vocabulary

_TEXT_SHOWN = 600


class Board(Protocol):
    """A place in TensorBoard for one value."""

    def picture(self, pixels: np.ndarray) -> None:
        """Shows a picture: uint8 `[height, width, channels]`, of 1, 3 or 4 channels."""

    def sound(self, samples: np.ndarray, rate: int) -> None:
        """Plays a sound: float32 `[samples, channels]` of -1 to 1, `rate` samples a second."""


class View:
    """Shows the values of one modality; of this one, no more than that they are bytes.

    Args:
      declaration: the modality, as the problem declares it.
      vocabularies: by name, those that there are.

    Attributes:
      unit: of what `size` returns, as in "pixels".
      limit: features cut what is of a larger size; None for no limit, or an unknown one.
    """

    decimals: ClassVar[int] = 0
    """Places of a size after the point: `size` counts the last one, so 142 may be 1.42."""
    is_class: ClassVar[bool] = False
    """Is a value a name, so that it is counted how often each occurs, and not how large it is?"""
    is_picture: ClassVar[bool] = False
    """Is it looked at, so that its `drawing` stands over an answer, and not its `summary`?"""

    unit: str = "bytes"
    limit: int | None = None

    def __init__(
        self, declaration: Any, vocabularies: Mapping[str, vocabulary.Vocabulary] | None = None
    ) -> None:
        self.declaration = declaration
        self.vocabularies = vocabularies or {}

    def size(self, data: bytes) -> int:
        """Returns how long or large a value is, in `unit`; of what is no class."""
        return len(data)

    def describe(self, data: bytes) -> Any:
        """Returns a value, or what is to be said of it, as JSON values; of a class its name."""
        return {"bytes": len(data)}

    def summary(self, data: bytes) -> str:
        """Returns what is to be said of a value in a line of printable characters."""
        return f"{len(data):,} bytes"

    def drawing(self, data: bytes, *, columns: int, colour: bool) -> text.Text | None:
        """Returns a drawing for the terminal, lines of `rich.text.Text`; None for no drawing.

        Args:
          data: the value.
          columns: that a line may take.
          colour: whether the terminal has colours.
        """
        del data, columns, colour
        return None

    def suffix(self, data: bytes) -> str:
        """Returns what the name of a file of the value ends with, such as ".png"."""
        del data
        return ".bin"

    def page(self, data: bytes) -> str:
        """Returns the value as HTML that needs no other file; all that is data is escaped."""
        return f'<span class="quiet">{html.escape(self.summary(data))}</span>'

    def compact(self, data: bytes, *, most_bytes: int) -> str:
        """Returns the value as `page` does, in about so many bytes at most.

        A picture gets smaller, a sound is compressed; of what does not fit there is its summary.
        """
        whole = self.page(data)
        if len(whole.encode("utf-8")) <= most_bytes:
            return whole
        return View.page(self, data)

    def to_board(self, data: bytes, board: Board) -> None:
        """Shows the value in TensorBoard, where its `summary` does not say all of it."""


class TextView(View):
    """Shows what records keep as UTF-8."""

    def describe(self, data: bytes) -> str:
        return data.decode("utf-8", "replace")

    def summary(self, data: bytes) -> str:
        shown = errors.printable(self.describe(data))
        if len(shown) <= _TEXT_SHOWN:
            return shown
        return f"{shown[:_TEXT_SHOWN]}… ({len(shown):,} characters)"

    def suffix(self, data: bytes) -> str:
        del data
        return ".txt"

    def page(self, data: bytes) -> str:
        return html.escape(self.describe(data))
