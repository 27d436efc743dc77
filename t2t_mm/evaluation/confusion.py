"""Which class is taken for which: F1 by label, and the confusion matrix."""

from __future__ import annotations

from collections import Counter

from t2t_mm.evaluation import base, breakdown

_MATRIX = 16
"""Classes of a confusion matrix, at most; a wider one is not read."""


def breakdowns(decodes: base.Decodes) -> list[breakdown.Breakdown]:
    """Returns precision, recall and F1 by label, and which label is taken for which.

    Args:
      decodes: class names, with one reference each.
    """
    pairs = Counter(
        (own[0], said) for said, own in zip(decodes.outputs, decodes.references, strict=True)
    )
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for (label, said), count in pairs.items():
        wanted[label] += count
        given[said] += count
    # By frequency, and of equally frequent ones by name.
    labels = sorted(wanted | given, key=lambda label: (-wanted[label], label))
    return [_by_label(pairs, wanted, given, labels), _matrix(pairs, wanted, labels)]


def f1(hits: float, wanted: float, given: float) -> float:
    """Returns the harmonic mean of precision and recall; NaN where neither side has any."""
    return base.ratio(2 * hits, wanted + given)


def _by_label(
    pairs: Counter[tuple[str, str]], wanted: Counter[str], given: Counter[str], labels: list[str]
) -> breakdown.Breakdown:
    rows = []
    for label in labels[: breakdown.MOST_ROWS]:
        hits = pairs[label, label]
        precision, recall = base.ratio(hits, given[label]), base.ratio(hits, wanted[label])
        rows.append(
            (label, f1(hits, wanted[label], given[label]), precision, recall, wanted[label])
        )
    return breakdown.Breakdown(
        "F1 by label",
        ("label", "F1", "precision", "recall", "examples"),
        tuple(rows),
        _few(len(rows), len(labels)),
        shown_as="bars",
    )


def _matrix(
    pairs: Counter[tuple[str, str]], wanted: Counter[str], labels: list[str]
) -> breakdown.Breakdown:
    """Returns a row for each of the most frequent classes, or the most frequent confusions."""
    if len(labels) <= _MATRIX:
        return breakdown.Breakdown(
            "Confusion matrix",
            ("true class", *labels),
            tuple((label, *(pairs[label, said] for said in labels)) for label in labels),
            "a row is a true class, a column what was answered",
            shown_as="matrix",
        )
    wrong = [(own, said, count) for (own, said), count in pairs.items() if own != said]
    wrong.sort(key=lambda row: (-row[2], row[0], row[1]))
    return breakdown.Breakdown(
        "Most frequent confusions",
        ("true class", "examples", "answer", "share of the class"),
        tuple(
            (own, count, said, count / max(wanted[own], 1))
            for own, said, count in wrong[: breakdown.MOST_ROWS]
        ),
        _few(min(len(wrong), breakdown.MOST_ROWS), len(wrong)),
        shown_as="bars",
    )


def _few(shown: int, every: int) -> str:
    return "" if shown == every else f"the {shown} most frequent of {every:,}"
