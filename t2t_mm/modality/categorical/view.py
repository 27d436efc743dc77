"""How classes are shown: by name, and how often each occurs."""

from __future__ import annotations

from t2t_mm.modality import view


class CategoricalView(view.TextView):
    """Shows the names of classes."""

    is_class = True

    def page(self, data: bytes) -> str:
        return f'<span class="pill">{super().page(data)}</span>'
