"""WSJ parsing: sentences of the Wall Street Journal to their trees, of the Penn Treebank."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from t2t_mm import errors, problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora_parsing
from t2t_mm.trees import linear_trees, penn

if TYPE_CHECKING:
    from t2t_mm.constraints import brackets

_TRAINING = range(2, 22)
_VALIDATION, _TEST = 22, 23
_LISTS = {"train": "*train.trees", "validation": "*dev.trees", "test": "*test.trees"}


@problem.register_problem("wsj_parsing")
class WsjParsing(problem.Problem):
    """Words, separated by spaces, to their linearised tree.

    Sections 02 to 21 are for training, 22 for validation and 23 for test. Without any of 02
    to 21, files named `*train.trees`, `*dev.trees` and `*test.trees` are the splits, or else
    all other sections are for training. A missing section 22 is replaced by the ninth of
    every ten training files, and 23 by the tenth. So no tree of 22 or 23 is ever trained on.
    """

    version = "1.0.0"
    corpus = "treebank"
    layout = (
        "parsed/mrg/wsj/SS/wsj_SSNN.mrg as in the Penn Treebank 3 (LDC99T42, unpacked), or "
        "wsj/SS/...; "
        "sections 02-21, 22 and 23, or others, of which every ninth and tenth file is held out; "
        "or *train.trees, *dev.trees and *test.trees"
    )
    inputs = {"inputs": language.Language(vocab="mm_8k", max_length=256)}
    targets = language.Language(
        vocab="mm_8k", max_length=512, words_of="inputs", leaves=tuple(penn.TAGS)
    )
    symbols = linear_trees.SYMBOLS
    command = "to-parse-tree"
    metrics = ("bracket_f1", "exact_match", "log_perplexity")
    optional_splits = ("test",)
    sources = ("manual", "sample")
    licensed = "https://catalog.ldc.upenn.edu/LDC99T42 (Treebank-3, by the LDC)"
    sample_size = 10_000
    simple_answer_name = "right-branching tree"

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        for name in files.share(_files(split, files)):
            stem = pathlib.PurePosixPath(name).with_suffix("")
            for number, tree in enumerate(penn.read(files.text(name), name), start=1):
                yield f"{stem}/{number}", _features(tree, f"tree {number:,} of {name}")

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_units(len(_files(split, files)))

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_parsing.write_treebank(folder, seed=seed, size=size)

    def constraint(self, task: Any) -> brackets.LabelledBrackets:
        """Trees over the words of the sentence, of known labels and tags."""
        from t2t_mm.constraints import brackets

        return brackets.LabelledBrackets(
            task.vocabulary,
            opening=[symbol for symbol in self.symbols if symbol[0] == "("],
            closing=[symbol for symbol in self.symbols if symbol[0] == ")"],
            leaves=[symbol for symbol in self.symbols if symbol[0] not in "()"],
            words_of="inputs",
            deepest=penn.DEEPEST - 1,
        )

    def simple_answer(self, inputs: Mapping[str, bytes]) -> str:
        """A right-branching tree: a verb phrase at every word, final punctuation outside."""
        words = inputs["inputs"].decode("utf-8").split()
        leaves = [penn.Tree(penn.usual_tag(word), word=word) for word in words]
        closing = leaves[-1:] if len(leaves) > 1 and leaves[-1].label == "." else []
        inside = leaves[: len(leaves) - len(closing)]
        deep, flat = inside[: penn.DEEPEST // 2], inside[penn.DEEPEST // 2 :]
        branch: tuple[penn.Tree, ...] = tuple(flat)
        for leaf in reversed(deep[1:]):
            branch = (penn.Tree("VP", (leaf, *branch)),)
        return linear_trees.write(penn.Tree("S", (deep[0], *branch, *closing)))


def _features(
    tree: penn.Tree | errors.BadExampleError, name: str
) -> dict[str, str | errors.BadExampleError]:
    """Returns words and linear tree; for a tree that is of no use, what is wrong with it."""
    cleaned = tree if isinstance(tree, errors.BadExampleError) else penn.clean(tree)
    if cleaned is None:
        cleaned = errors.BadExampleError(f"A tree has no words: {name}")
    if isinstance(cleaned, errors.BadExampleError):
        return {"inputs": cleaned, "targets": cleaned}
    return {"inputs": " ".join(cleaned.words), "targets": linear_trees.write(cleaned)}


def _files(split: str, files: raw.RawFiles) -> list[str]:
    """Returns the names of the files of a split, as the class says."""
    sections = _sections(files)
    lists = {name: files.names(pattern, packed=False) for name, pattern in _LISTS.items()}
    standard = any(number in sections for number in _TRAINING)
    if not standard and lists["train"] and lists["validation"]:
        return lists[split]
    numbers = _TRAINING if standard else sorted(set(sections) - {_VALIDATION, _TEST})
    pool = [name for number in numbers for name in sections.get(number, [])]
    if not pool:
        files.missing("SS/wsj_SSNN.mrg")
    held = {
        "validation": sections.get(_VALIDATION) or pool[8::10],
        "test": sections.get(_TEST) or pool[9::10],
    }
    if split in held:
        return held[split]
    return [name for name in pool if name not in {*held["validation"], *held["test"]}]


def _sections(files: raw.RawFiles) -> dict[int, list[str]]:
    """Returns the files of each section, from the one treebank that is there."""
    sections: dict[int, list[str]] = {}
    tops = set()
    # A thousand files out of a compressed tar would take hours: it has to be unpacked.
    for name in files.names("[0-9][0-9]/wsj_*.mrg", packed=False):
        place = pathlib.PurePosixPath(name)
        sections.setdefault(int(place.parent.name), []).append(name)
        tops.add(place.parent.parent)
    if len(tops) > 1:
        raise errors.DataError(
            f"There is more than one treebank in {files.root}",
            received=" and ".join(sorted(map(str, tops))),
            expected="one of them",
        )
    return sections
