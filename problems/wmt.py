"""WMT: news translation between English, German and French.

Both directions of a pair are trained on the same texts: all parallel texts in the folder of
the corpus, in the layouts of 2013 to 2021 (`wmt_layouts`). So a folder with the downloads of
one year gives that year's task. Validation is newstest2013, which has the same sentences in
all three languages. The test set is newstest2014 for pairs with English, and newstest2021,
with separate sentences for each direction, between German and French.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora_translation
from t2t_mm.problems.wmt_layouts import published, test_sets, training

_SHORT = 20


def _layout(training_text: str, both: str, test: str) -> str:
    return (
        f"training corpora such as {training_text}, plain, packed, or in the .tgz or .tar as "
        f"downloaded; dev/newstest2013-{{src,ref}}.{both}.sgm or newstest2013.{both}; {test}"
    )


class Wmt(problem.Problem):
    """The base of a direction.

    A pair is left out of training, and counted in the manifest, if a side is empty, has more
    than `max_characters` or `max_words` (the two sides would be truncated at different
    places), or has control characters; or if the longer side has more than `max_ratio` times
    the characters of the shorter one (and more than 20), so that they are hardly translations.
    In test sets only pairs with an empty side are left out.

    Attributes:
      source: the language to translate from.
      target: the language to translate into.
      test_sets: of validation and test, by the names that WMT gave them.
      max_words: of a side.
      max_characters: of a side.
      max_ratio: of the longer side's characters to the shorter's.
    """

    version = "1.1.0"
    corpus = "wmt"
    inputs = {"inputs": language.Language(vocab="mm_8k")}
    targets = language.Language(vocab="mm_8k")
    metrics = ("bleu", "log_perplexity")
    sources = ("manual", "sample")
    sample_size = 20_000

    source = ""
    target = ""
    test_sets: ClassVar[Mapping[str, str]] = {"validation": "newstest2013", "test": "newstest2014"}
    max_words = 150
    max_characters = 1_000
    max_ratio = 3.0

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        if split in self.test_sets:
            pairs = test_sets.pairs(self.test_sets[split], self.source, self.target, files)
        else:
            pairs = training.pairs(self.source, self.target, files)
        for key, source, target in pairs:
            source, target = source.strip(), target.strip()
            reason = self.reason_to_skip(source, target, split)
            if reason is None:
                yield key, {"inputs": source, "targets": target}
            else:
                files.skip(reason)

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        if split in self.test_sets:
            return super().parts(split, files)
        corpora = training.corpora(self.source, self.target, files)
        return parts_lib.of_texts(files, [corpus.names for corpus in corpora])

    def reason_to_skip(self, source: str, target: str, split: str) -> str | None:
        """Returns why a pair is left out, the same for both directions, or None.

        Subclasses may override it. A reason continues "a pair": "of more than 150 words".
        """
        shorter, longer = sorted((len(source), len(target)))
        if language.is_blank(source) or language.is_blank(target):
            return "empty on one side"
        if split in self.test_sets:
            return None
        if longer > self.max_characters:
            return f"of more than {self.max_characters:,} characters"
        if longer > self.max_words and self.max_words < max(
            len(source.split()), len(target.split())
        ):
            return f"of more than {self.max_words:,} words"
        if longer > max(self.max_ratio * shorter, _SHORT):
            return f"of which one side is more than {self.max_ratio:g} times the other"
        if any(map(language.CONTROL_CHARACTERS.search, (source, target))):
            return "with control characters"
        return None

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_translation.write_wmt(folder, self.source, self.target, seed=seed, size=size)


class WmtGermanEnglish(Wmt):
    """German and English: Europarl, Common Crawl, News Commentary and more."""

    downloads = (
        published.EUROPARL,
        published.COMMON_CRAWL,
        published.NEWS_COMMENTARY,
        published.TEST_SETS,
    )
    layout = _layout(
        "training/europarl-v7.de-en.{de,en} or news-commentary-v16.de-en.tsv.gz",
        "{de,en}",
        "test-full/newstest2014-deen-{src,ref}.{de,en}.sgm or newstest2014.{de,en}",
    )


class WmtFrenchEnglish(Wmt):
    """French and English: Europarl, Common Crawl, UN, the Giga corpus and more."""

    downloads = (
        published.EUROPARL,
        published.COMMON_CRAWL,
        published.NEWS_COMMENTARY,
        published.UN,
        published.GIGA,
        published.TEST_SETS,
    )
    layout = _layout(
        "training/europarl-v7.fr-en.{fr,en} or giga-fren.release2.fixed.{fr,en}.gz",
        "{fr,en}",
        "test-full/newstest2014-fren-{src,ref}.{fr,en}.sgm or newstest2014.{fr,en}",
    )


class WmtGermanFrench(Wmt):
    """German and French, a task of 2019 to 2021."""

    downloads = (
        *published.BITEXTS,
        published.NEWS_COMMENTARY_DE_FR,
        published.TEST_SETS,
        published.NEWSTEST_2021,
    )
    layout = _layout(
        "fr-de/bitexts/europarl-v7.{de,fr}.gz or news-commentary-v16.de-fr.tsv.gz",
        "{de,fr}",
        "newstest2021.{de-fr.src.de,de-fr.ref.A.fr,fr-de.src.fr,fr-de.ref.A.de} or "
        "newstest2021.{de-fr,fr-de}.xml",
    )
    test_sets = {"validation": "newstest2013", "test": "newstest2021"}


@problem.register_problem("wmt_ende")
class WmtEnDe(WmtGermanEnglish):
    source, target, command = "en", "de", "to-german"


@problem.register_problem("wmt_deen")
class WmtDeEn(WmtGermanEnglish):
    source, target, command = "de", "en", "to-english"


@problem.register_problem("wmt_enfr")
class WmtEnFr(WmtFrenchEnglish):
    source, target, command = "en", "fr", "to-french"


@problem.register_problem("wmt_fren")
class WmtFrEn(WmtFrenchEnglish):
    source, target, command = "fr", "en", "to-english"


@problem.register_problem("wmt_defr")
class WmtDeFr(WmtGermanFrench):
    source, target, command = "de", "fr", "to-french"


@problem.register_problem("wmt_frde")
class WmtFrDe(WmtGermanFrench):
    source, target, command = "fr", "de", "to-german"
