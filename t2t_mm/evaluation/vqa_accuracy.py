"""VQA accuracy: how far an answer is that of ten people.

Goyal et al. 2017. An answer that three of nine people gave is right, one that fewer gave
is right in part; as ten people were asked, it is the mean over the ten groups of nine:

    accuracy = mean over k of min(1, people other than k who gave it / 3)

Answers are compared after the normalisation of the published evaluation: lower case, no
articles, number words up to ten as digits, no punctuation. It differs from that code in
three points. Apostrophes are left out, so that "dont" is "don't", where that code has a
list of contractions and tears "don't" in two. What people said is normalised exactly as
the answer is, always; that code leaves articles in it, and all of it as it is where the
ten agree. And a sign always parts words; there it joins them where another of its kind
stands beside a space, or a comma between digits. Of answers in scripts that write no spaces,
such as Chinese, neither spaces between letters nor their own punctuation counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm.evaluation import base, breakdown
from t2t_mm.modality.language import words

_ENOUGH = 3
"""People who must have given an answer for it to be wholly right."""

_ARTICLES = frozenset(("a", "an", "the"))
_DIGITS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
_NOTHING = re.compile(r"['\u2019`]|(?<=\d),(?=\d)|\.(?!\d)")
"""What is left out: apostrophes, commas within numbers, periods that are no decimal points."""

_GAP = re.compile(r"[;:/\[\]\"()=+\\_<>@,?]")
"""What parts words."""

_OF_EAST_ASIA = str.maketrans(dict.fromkeys("。，、；：？！「」『』（）《》〈〉【】・", " "))  # noqa: RUF001


class VqaAccuracy(base.Metric):
    """Mean VQA accuracy, 0 to 1."""

    name = "vqa_accuracy"
    higher_is_better = True
    needs = "decodes"

    def __init__(self, task: Any = None) -> None:
        super().__init__(task)
        self._sum = 0.0
        self._examples = 0

    def update(self, given: base.Decodes) -> None:
        for value in self.statistics(given)[:, 0].tolist():
            self._sum += value
            self._examples += 1

    def result(self) -> dict[str, float]:
        return {self.name: base.ratio(self._sum, self._examples)}

    def statistics(self, decodes: base.Decodes) -> np.ndarray:
        """Returns accuracy and 1 of each example, float [N, 2]."""
        pairs = zip(decodes.outputs, decodes.references, strict=True)
        return base.counted(accuracy(output, answers) for output, answers in pairs)

    def breakdowns(self, decodes: base.Decodes) -> list[breakdown.Breakdown]:
        """Returns the accuracy by the answer that most people gave, of the most frequent ones."""
        values = self.statistics(decodes)[:, 0]
        wanted = [Counter(map(normalise, own)).most_common(1)[0][0] for own in decodes.references]
        rows = [
            (answer, float(values[[own == answer for own in wanted]].mean()), count)
            for answer, count in Counter(wanted).most_common(breakdown.MOST_ROWS)
        ]
        columns = ("answer", self.name, "examples")
        title = "VQA accuracy by answer"
        note = f"the {len(rows)} most frequent of {len(set(wanted)):,} answers"
        return [breakdown.Breakdown(title, columns, tuple(rows), note, shown_as="bars")]

    def notes(self) -> dict[str, str]:
        """Returns how answers are compared."""
        return {self.name: "mean of min(1, people / 3) over groups of nine, answers normalised"}


def accuracy(answer: str, answers: Sequence[str]) -> float:
    """Returns how right an answer is, 0 to 1.

    Args:
      answer: of the model.
      answers: of people, ten in VQA. A single one is simply the right one.
    """
    given = normalise(answer)
    same = [normalise(other) == given for other in answers]
    if len(same) == 1:
        return float(same[0])
    count = sum(same)
    return sum(min(1.0, (count - own) / _ENOUGH) for own in same) / len(same)


def normalise(answer: str) -> str:
    """Returns an answer in the form in which answers are compared."""
    text = _GAP.sub(" ", _NOTHING.sub("", answer.lower().translate(_OF_EAST_ASIA)))
    found = [_DIGITS.get(word, word) for word in text.split()]
    return words.close_gaps(" ".join(word for word in found if word not in _ARTICLES))
