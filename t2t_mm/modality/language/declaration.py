"""Language: UTF-8 text."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from t2t_mm import errors
from t2t_mm.config import ranges
from t2t_mm.modality import base, corruption

MAX_CHARACTERS = 50_000
"""A longer text is refused: for a model of some hundred tokens it is no single text."""

_LENGTHS = ranges.numbers(2, words="2 or more: a token and the end token")

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
"""ASCII control characters, except white space: tabs, line and page ends, separators."""


_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs without a visible form: fillers and joiners."""


def is_blank(text: str) -> bool:
    """Says whether a text has no visible character."""
    return all(
        sign.isspace() or unicodedata.category(sign) == "Cf" or sign in _UNSEEN for sign in text
    )


@dataclasses.dataclass(frozen=True)
class Language(base.Modality):
    """Text, tokenized by a vocabulary.

    Args:
      vocab: name of the vocabulary; problems that name the same one share it.
      max_length: tokens at most, end token included; None for `Batching.max_length`. A
        longer text is truncated and then has no end token.
      words_of: of targets, the name of an input, a text, whose words (separated by spaces) the
        output goes through in their order, as tags and trees do: the decoder is then given the
        next word (`t2t_mm.models.following`).
      leaves: of targets with `words_of`, the symbols that stand for one word each; by default
        every word of the output stands for one.
    """

    kind: ClassVar[str] = "language"
    features_class: ClassVar[str] = "t2t_mm.modality.language.features:LanguageFeatures"
    check_class: ClassVar[str] = "t2t_mm.modality.language.check:LanguageCheck"
    net_class: ClassVar[str] = "t2t_mm.modality.language.net:LanguageNet"
    view_class: ClassVar[str] = "t2t_mm.modality.language.view:LanguageView"
    raw_form: ClassVar[base.RawForm] = "text"
    autoregressive: ClassVar[bool] = True
    unit: ClassVar[str] = "tokens"
    can_be_target: ClassVar[bool] = True

    vocab: str = "mm_8k"
    max_length: int | None = None
    words_of: str = ""
    leaves: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_length is not None:
            ranges.require("Language.max_length", self.max_length, _LENGTHS)

    def wrong_target_of(self, inputs: Mapping[str, base.Modality]) -> str | None:
        if isinstance(self.leaves, str):
            return f"targets has leaves as a string; write ({self.leaves!r},)"
        if self.leaves and not self.words_of:
            return "targets has leaves without words_of, the input whose words they stand for"
        if self.words_of and not isinstance(inputs.get(self.words_of), Language):
            texts = [name for name, declared in inputs.items() if isinstance(declared, Language)]
            hint = errors.did_you_mean(self.words_of, texts) or ""
            known = ", ".join(texts) or "none"
            return (
                f"targets has words_of={self.words_of!r}, and the inputs that are texts are "
                f"{known}. {hint}".rstrip()
            )
        return None

    def corruptions(self) -> tuple[corruption.Corruption, ...]:
        from t2t_mm.modality.language import corruptions

        return corruptions.corruptions()

    def augmentations(self) -> tuple[str, ...]:
        return "typos", "homoglyphs", "case", "dropped_words"

    def encode(self, value: Any) -> bytes:
        """Encodes a `str` as UTF-8, unchanged, with all white space and line ends.

        Control characters other than white space, lone surrogates, and more than
        `MAX_CHARACTERS` are refused.
        """
        if not isinstance(value, str):
            raise errors.BadExampleError(
                "A text is not a string", received=type(value).__name__, expected="str"
            )
        if len(value) > MAX_CHARACTERS:
            raise errors.BadExampleError(
                "A text is too long",
                received=f"{len(value):,} characters, from {value[:40]!r} on",
                expected=f"at most {MAX_CHARACTERS:,}",
                hint="Are its line ends lost?",
            )
        if value.isprintable():  # the quick check, which most text passes
            return value.encode("utf-8")
        if wrong := CONTROL_CHARACTERS.search(value):
            raise errors.BadExampleError(
                "A text holds a control character",
                received=f"U+{ord(wrong[0]):04X} at character {wrong.start() + 1:,} of "
                f"{value[:40]!r}",
                hint="Is it text in UTF-16, or no text?" if wrong[0] == "\0" else None,
            )
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise errors.BadExampleError(
                "A text is not valid Unicode",
                received=f"a lone surrogate at character {error.start + 1:,} of {value[:40]!r}",
                expected="text that was decoded from UTF-8, or from what its file is in",
            ) from None

    def amount(self, features: Any) -> float:
        """Returns the number of tokens in a batch, end tokens included.

        Args:
          features: int32 `[B, S]`, padded with 0.
        """
        import numpy as np

        return float(np.count_nonzero(np.asarray(features)))

    def is_cut(self, features: Any) -> Any:
        """Returns which texts of a batch have no end token: bool `[B]`.

        Args:
          features: int32 `[B, S]`, padded with 0; not of prefixes.
        """
        import numpy as np

        from t2t_mm import vocabulary

        ids = np.asarray(features)
        lengths = np.count_nonzero(ids, axis=1)
        last = ids[np.arange(len(ids)), np.maximum(lengths - 1, 0)]
        return (lengths > 0) & (last != vocabulary.EOS_ID)

    def describe(self) -> dict[str, Any]:
        described = super().describe()
        if not self.words_of:
            del described["words_of"], described["leaves"]
        return described

    def prefix(self) -> Prefix:
        return Prefix(self.vocab, self.max_length, net=self.net)

    def net_name(self, problem: str) -> str:
        del problem
        return self.with_net(f"{self.kind}_{self.vocab}")

    def row_names(self, vocabularies: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(vocabularies[self.vocab].pieces)


@dataclasses.dataclass(frozen=True)
class Prefix(Language):
    """The prefix of a text: tokens without an end token, possibly none."""

    features_class: ClassVar[str] = "t2t_mm.modality.language.features:PrefixFeatures"
    check_class: ClassVar[str] = "t2t_mm.modality.language.check:PrefixCheck"
