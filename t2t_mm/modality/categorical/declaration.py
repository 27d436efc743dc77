"""Categorical: a class name out of a label set."""

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from t2t_mm import errors
from t2t_mm.modality import base


@dataclasses.dataclass(frozen=True)
class Categorical(base.Modality):
    """One class out of a set; only as targets.

    Names are compared after stripping white space and Unicode normalisation (NFC), so a
    stray space or another encoding of an accent makes no new class.

    Args:
      classes: the class names in the order of their ids. Left empty, they are
        the sorted names found in the training split, kept in the manifest.
      labels: name of the label set; problems that name the same one share a head.
        Left empty, the head is the problem's own.
      allow_unseen: if `classes` is empty, whether other splits may have classes that
        training has not (rare answers to questions, say). Such an example is kept and
        counts as wrong. Otherwise it is an error, usually a mistake in the files.
    """

    kind: ClassVar[str] = "categorical"
    features_class: ClassVar[str] = "t2t_mm.modality.categorical.features:CategoricalFeatures"
    net_class: ClassVar[str] = "t2t_mm.modality.categorical.net:CategoricalNet"
    view_class: ClassVar[str] = "t2t_mm.modality.categorical.view:CategoricalView"
    raw_form: ClassVar[base.RawForm] = "text"
    can_be_input: ClassVar[bool] = False
    can_be_target: ClassVar[bool] = True

    classes: tuple[str, ...] = ()
    labels: str = ""
    allow_unseen: bool = False

    def __post_init__(self) -> None:
        names = [normal(name) for name in self.classes]
        twice = [name for name, n in collections.Counter(names).items() if n > 1]
        if not all(names) or twice:
            raise errors.ConfigError(
                "A class has no name"
                if not all(names)
                else f"The class {twice[0]!r} is named twice",
                received=f"Categorical(classes=) with {len(self.classes):,} names",
                expected="a name of its own for each class",
            )

    def label(self) -> str:
        return f"{self.kind} {len(self.classes) or self.labels}".rstrip()

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str) or not value:
            raise errors.BadExampleError(
                "A class name is not a non-empty string", received=repr(value)
            )
        name = normal(value)
        if not self.classes:
            return name.encode("utf-8")
        declared = _spellings(self.classes).get(name)
        if declared is None:
            raise errors.BadExampleError(
                f"Unknown class {value!r}",
                expected=f"one of the {len(self.classes)} declared",
                hint=errors.did_you_mean(name, self.classes),
            )
        return declared.encode("utf-8")

    def net_name(self, problem: str) -> str:
        return f"{self.kind}_{self.labels or problem}"

    def row_names(self, vocabularies: Mapping[str, Any]) -> tuple[str, ...]:
        del vocabularies
        return self.classes

    def with_classes(self, classes: tuple[str, ...]) -> Categorical:
        """Returns the declaration with the class names of the data, unchanged."""
        declaration = copy.copy(self)
        object.__setattr__(declaration, "classes", classes)  # records may be older than `normal`
        return declaration


def normal(name: str) -> str:
    """Returns the normal form of a class name: stripped, in NFC."""
    return unicodedata.normalize("NFC", name).strip()


@functools.lru_cache(maxsize=8)
def _spellings(classes: tuple[str, ...]) -> dict[str, str]:
    """Returns the declared spelling of each class by its normal form."""
    return {normal(name): name for name in classes}
