"""Problem: a declaration of one data set and its task.

A problem is a class with a few attributes and one generator, which reads a corpus in its
published layout. The attributes declare the modalities of inputs and targets; records,
vocabularies, batches, nets and metrics follow from these.
"""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from t2t_mm import errors
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.downloads import declaration as downloading
from t2t_mm.modality import base as modality

if TYPE_CHECKING:
    from t2t_mm.constraints import base as constraint_base

Example = tuple[str, dict[str, Any]]


class Problem:
    """The base class of every problem.

    Attributes:
      name: the registered name.
      version: of the generated data, in letters, digits and dots; after a change the data
        must be generated again.
      corpus: folder under `--manual_dir` with the raw files.
      layout: the files expected there, in one or two lines; shown in errors.
      inputs: modalities by name (`{"image": Image(), "question": Language()}`); `{}`
        for an unconditional language model.
      targets: the modality to be predicted.
      shared_inputs: names of inputs that examples which follow each other may share, such as
        the picture of ten questions: records hold it once. Training draws one of these
        examples each time it comes to the record; all else sees each example.
      command: the token that tells the decoder which task to do ("to-german"); problems
        with the same task share it.
      metrics: names of registered metrics; the first one is the main metric.
      metric_tokenizer: the tokenizer of sacreBLEU that splits targets into words for
        metrics, such as "zh", "ja-mecab", "ko-mecab", "flores200" or "char". If empty, it is
        "13a", or for scripts without spaces one that splits them
        (`modality.language.words`).
      splits: the splits to generate, two or more; the first is for training, the second
        for evaluation during training.
      optional_splits: of `splits` after the second, those that some releases of the corpus
        lack; one without examples is left out.
      sources: where raw files can come from; "sample" is used only if asked for. One with
        `downloads` has "download", too.
      downloads: the files of the corpus that a server has, with sizes and hashes.
      licensed: of a corpus that no server gives to everyone: where it is to be had; shown in
        errors.
      sample_inputs: modalities that replace those of `inputs` for sample data, whose
        pictures, say, are smaller.
      sample_size: training examples of sample data, unless `--sample_size` is given.
      symbols: words that become one token each in the vocabularies of its texts, such as
        the labelled brackets of parse trees.
      answers: the only outputs there are, where targets are a closed set of texts: decoding
        writes no other.
      answers_of_training: the same of so many targets, the most frequent of training, which
        `mm-datagen` notes in the manifest.
      simple_answer_name: a short description of `simple_answer` ("copy the question").
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = "1.0.0"
    corpus: ClassVar[str] = ""
    layout: ClassVar[str] = ""
    inputs: ClassVar[Mapping[str, modality.Modality]] = {}
    targets: ClassVar[modality.Modality]
    shared_inputs: ClassVar[tuple[str, ...]] = ()
    command: ClassVar[str] = ""
    metrics: ClassVar[tuple[str, ...]] = ()
    metric_tokenizer: ClassVar[str] = ""
    splits: ClassVar[tuple[str, ...]] = ("train", "validation", "test")
    optional_splits: ClassVar[tuple[str, ...]] = ()
    sources: ClassVar[tuple[str, ...]] = ("manual",)
    downloads: ClassVar[tuple[downloading.Download, ...]] = ()
    licensed: ClassVar[str] = ""
    sample_inputs: ClassVar[Mapping[str, modality.Modality]] = {}
    sample_size: ClassVar[int] = 4_000
    symbols: ClassVar[tuple[str, ...]] = ()
    answers: ClassVar[tuple[str, ...]] = ()
    answers_of_training: ClassVar[int] = 0
    simple_answer_name: ClassVar[str] = ""

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[Example]:
        """Yields `(key, features)` for every example of `split`.

        Keys are unique within a split. Features hold one raw value for each name of
        `inputs` and one for `targets`: text as `str`, a picture as a path, as the member of
        an archive or as encoded bytes, a class as its name. With several references (five
        captions of a picture), `targets` is a tuple or list: training draws one text of
        them each time it comes to the example, by its seed and step; of classes it takes
        the first. Losses of evaluation use the first, metrics all of them. Values are
        checked and encoded by the modality's `encode`, in a worker. A value known to be
        unusable (a missing recording, say) is replaced by a `BadExampleError`. Examples
        skipped on purpose are counted by `files.skip(reason)`, for the manifest.
        """
        raise NotImplementedError(f"{type(self).__name__}.generate_examples")

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        """Returns the parts in which `split` can be read, so that workers share the reading.

        One by default: then every worker runs the whole generator, and encodes the examples
        of its turn. A corpus of lines returns `parts.of_texts(files, [names, ...])`, and its
        generator reads them by `files.numbered(*names)`; one of many files or folders returns
        `parts.of_units(len(names))`, and its generator goes through `files.share(names)`. It is
        asked of the class that has the generator, or of one below: a class with a generator of
        its own declares its parts too. Examples that share inputs must be of one part. The
        records are the same, however they are read.
        """
        del split, files
        return (parts_lib.Part(),)

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        """Writes a small synthetic corpus in the real one's layout (`--source=sample`).

        Args:
          folder: an empty folder, to be read like a `--manual_dir`.
          seed: of all random numbers.
          size: training examples; other splits are in proportion.
        """
        raise errors.ConfigError(
            f"The problem {self.name!r} has no sample data",
            expected=f"--source={'|'.join(self.sources)}",
        )

    def simple_answer(self, inputs: Mapping[str, bytes]) -> str | None:
        """Returns the output of a baseline that has learnt nothing.

        None, the default, chooses one by the problem's modalities: the most frequent class
        or text of training, or a copy of the source.

        Args:
          inputs: values by name, as in records.
        """
        del inputs
        return None

    def constraint(self, task: Any) -> constraint_base.Constraint | None:
        """Returns which outputs are well formed, for decoding; None for all.

        By default those are the `answers`, and all where there are none.

        Args:
          task: this problem, bound to its data, with the vocabulary of its targets
            (`data.task.Task`).
        """
        answers = task.answers or self.answers
        if not answers:
            return None
        from t2t_mm.constraints import closed_set

        return closed_set.ClosedSet(task.vocabulary, answers)

    @classmethod
    def declaration_digest(cls) -> str:
        """Returns a hash of other declarations that decide the data, such as columns.

        For problems that are declared, not programmed; `datagen.code` hashes the code.
        """
        return ""

    @classmethod
    def wrong_declaration(cls) -> str | None:
        """Returns an error in the attributes that your own base class adds, or None."""
        return None

    @classmethod
    def expected_splits(cls, held: Collection[str]) -> tuple[str, ...]:
        """Returns the splits that data must have: all but the optional ones not `held`."""
        return tuple(s for s in cls.splits if s in held or s not in cls.optional_splits)

    @classmethod
    def declared_inputs(cls, source: str) -> dict[str, modality.Modality]:
        """Returns the inputs as declared for data that came from `source`."""
        return {**cls.inputs, **(cls.sample_inputs if source == "sample" else {})}

    def describe(self) -> dict[str, Any]:
        """Returns the declaration as JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "inputs": {name: m.describe() for name, m in self.inputs.items()},
            "targets": self.targets.describe(),
            "command": self.command,
            "metrics": list(self.metrics),
            "metric_tokenizer": self.metric_tokenizer,
            "splits": list(self.splits),
            "sources": list(self.sources),
            "corpus": self.corpus,
            "layout": self.layout,
        }
