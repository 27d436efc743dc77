"""Language: UTF-8 text."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from t2t_mm import errors
from t2t_mm.modality import base


@dataclasses.dataclass(frozen=True)
class Language(base.Modality):
    """Text, cut into the pieces of a vocabulary.

    Args:
      vocab: name of the vocabulary; problems that name the same one share it.
      max_length: pieces at most, end token included; longer text is cut.
    """

    kind: ClassVar[str] = "language"
    features_class: ClassVar[str] = "t2t_mm.modality.language.features:LanguageFeatures"
    net_class: ClassVar[str] = "t2t_mm.modality.language.net:LanguageNet"
    autoregressive: ClassVar[bool] = True

    vocab: str = "mm_8k"
    max_length: int = 256

    def __post_init__(self) -> None:
        if self.max_length < 2:
            raise errors.ConfigError(
                "The maximal length of a text is out of range",
                received=f"Language(max_length={self.max_length})",
                expected="2 or more: a piece and the end token",
            )

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise errors.BadExampleError(
                "A text is not a string", received=type(value).__name__, expected="str"
            )
        return value.encode("utf-8")

    def net_name(self, problem: str) -> str:
        del problem
        return f"{self.kind}_{self.vocab}"
