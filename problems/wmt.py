"""WMT: news translation, in the layout of the shared task of 2014."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator

from t2t_mm import errors, problem
from t2t_mm.data import raw
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora


class Wmt(problem.Problem):
    """The base of a direction: parallel text for training, news test sets for the rest.

    Attributes:
      source: the language to translate from.
      target: the language to translate into.
      pair: how the names of parallel files tell the two ("de-en").
      test_sets: of validation and test, by the names that WMT gave them.
    """

    version = "1.0.0"
    corpus = "wmt"
    inputs = {"inputs": language.Language(vocab="mm_8k")}
    targets = language.Language(vocab="mm_8k")
    metrics = ("bleu", "log_perplexity")
    sources = ("manual", "sample")
    sample_size = 20_000

    source = ""
    target = ""
    pair = ""
    test_sets = {"validation": "newstest2013", "test": "newstest2014"}

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        if split == "train":
            pairs = self._training(files)
        else:
            pairs = self._test_set(self.test_sets[split], files)
        for key, source, target in pairs:
            # Parallel corpora hold lines that are empty on one side.
            if source.strip() and target.strip():
                yield key, {"inputs": source.strip(), "targets": target.strip()}

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora.write_wmt(
            folder, source=self.source, target=self.target, pair=self.pair, seed=seed, size=size
        )

    def _training(self, files: raw.RawFiles) -> Iterator[tuple[str, str, str]]:
        """Yields every pair of every `*.PAIR.{SOURCE,TARGET}`, wherever it lies."""
        pattern = f"**/*.{self.pair}.{self.source}"
        found = files.glob(f"{pattern}.gz", optional=True)
        found += files.glob(pattern, optional=bool(found))
        stems = {str(p.relative_to(files.root)).removesuffix(".gz") for p in found}
        for stem in sorted(stem.removesuffix(f".{self.source}") for stem in stems):
            texts = files.parallel(f"{stem}.{self.source}", f"{stem}.{self.target}")
            for number, (source, target) in enumerate(texts):
                yield f"{stem}/{number}", source, target

    def _test_set(self, name: str, files: raw.RawFiles) -> Iterator[tuple[str, str, str]]:
        """Yields a test set out of two SGML files, or else out of two plain ones."""
        for stem in (f"{name}-{self.pair.replace('-', '')}", name):
            sources = files.glob(f"**/{stem}-src.{self.source}.sgm", optional=True)
            targets = files.glob(f"**/{stem}-ref.{self.target}.sgm", optional=True)
            if sources and targets:
                names = [str(p.relative_to(files.root)) for p in (sources[0], targets[0])]
                texts = [list(files.sgml_segments(text)) for text in names]
                break
        else:
            names = [
                str(files.glob(f"**/{name}.{side}")[0].relative_to(files.root))
                for side in (self.source, self.target)
            ]
            texts = [list(files.lines(text)) for text in names]
        if len(texts[0]) != len(texts[1]):
            raise errors.DataError(
                f"The two sides of {name} in {files.root} are of different lengths",
                received=", ".join(
                    f"{text} {len(segments):,} segments"
                    for text, segments in zip(names, texts, strict=True)
                ),
                expected="segment n of one to be the translation of segment n of the other",
            )
        for number, source, target in zip(itertools.count(), *texts, strict=False):
            yield f"{name}/{number}", source, target


@problem.register_problem("wmt_ende")
class WmtEnDe(Wmt):
    """English to German: Europarl v7, Common Crawl and News Commentary v9, as of WMT 2014."""

    source, target, command, pair = "en", "de", "to-german", "de-en"
    layout = (
        "training corpora such as training/europarl-v7.de-en.{de,en}; "
        "dev/newstest2013-{src.en,ref.de}.sgm or newstest2013.{en,de}; "
        "test-full/newstest2014-deen-{src.en,ref.de}.sgm or newstest2014.{en,de}"
    )
