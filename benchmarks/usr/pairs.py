"""Made-up pairs of sentences, for measuring data generation: given with --usr_dir."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from t2t_mm import Problem, register_problem
from t2t_mm.modality import Language


@register_problem("bench_pairs")
class BenchPairs(Problem):
    """Lines of one file to the lines of another."""

    version = "1.0.0"
    corpus = "pairs"
    layout = "{train,dev}.{src,tgt}: one sentence a line"
    inputs: ClassVar[Mapping[str, Language]] = {"inputs": Language(vocab="pairs_8k")}
    targets = Language(vocab="pairs_8k")
    command = "to-other"
    metrics = ("bleu",)
    splits = ("train", "dev")

    def generate_examples(self, split: str, files: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the pairs of a split."""
        sides = zip(files.lines(f"{split}.src"), files.lines(f"{split}.tgt"), strict=True)
        for number, (source, target) in enumerate(sides):
            yield f"{split}/{number}", {"inputs": source, "targets": target}
