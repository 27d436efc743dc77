"""How texts are shown: as they are, measured in tokens where their vocabulary is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from t2t_mm.modality import view
from t2t_mm.modality.language import declaration as language

if TYPE_CHECKING:
    from t2t_mm import vocabulary


class LanguageView(view.TextView):
    """Shows texts."""

    def __init__(
        self,
        declaration: language.Language,
        vocabularies: Mapping[str, vocabulary.Vocabulary] | None = None,
    ) -> None:
        super().__init__(declaration, vocabularies)
        self._vocabulary = self.vocabularies.get(declaration.vocab)
        self.unit = "tokens" if self._vocabulary else "characters"
        self.limit = declaration.max_length if self._vocabulary else None

    def size(self, data: bytes) -> int:
        text = self.describe(data)
        # The end token counts: it takes a position too.
        return len(self._vocabulary.encode(text)) + 1 if self._vocabulary else len(text)
