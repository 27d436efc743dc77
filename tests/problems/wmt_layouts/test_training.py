"""Every layout in which WMT has published parallel text is found and read."""

import gzip

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import raw
from t2t_mm.problems.wmt_layouts import training

DE, EN, FR = "Eins.\nZwei.\n", "One.\nTwo.\n", "Un.\nDeux.\n"
NC = "training/news-commentary-v9.de-en"


def gz(text):
    return gzip.compress(text.encode())


LAYOUTS = {
    "plain": ("de-en", "training/europarl-v7.de-en", {
        "training/europarl-v7.de-en.de": DE, "training/europarl-v7.de-en.en": EN}),
    "the other order of the name": ("de-en", "rapid2016.en-de", {
        "rapid2016.en-de.de": DE, "rapid2016.en-de.en": EN}),
    "gzipped": ("de-en", "commoncrawl.de-en", {
        "commoncrawl.de-en.de.gz": gz(DE), "commoncrawl.de-en.en.gz": gz(EN),
        "commoncrawl.de-en.annotation.gz": gz("x\nx\n")}),
    "one side gzipped": ("fr-en", "un/undoc.2000.fr-en", {
        "un/undoc.2000.fr-en.fr": FR, "un/undoc.2000.fr-en.en.gz": gz(EN)}),
    "the Giga corpus": ("fr-en", "giga-fren.release2.fixed", {
        "giga-fren.release2.fixed.fr.gz": gz(FR), "giga-fren.release2.fixed.en.gz": gz(EN)}),
    "the Giga corpus as downloaded": ("fr-en", "giga-fren.release2.fixed", {
        "training-giga-fren.tar": testing.tar({
            "giga-fren.release2.fixed.fr.gz": gz(FR),
            "giga-fren.release2.fixed.en.gz": gz(EN)})}),
    "a .tgz as downloaded": ("de-en", "training/europarl-v7.de-en", {
        "training-parallel-europarl-v7.tgz": testing.tar({
            "training/europarl-v7.cs-en.cs": "x\n", "training/europarl-v7.cs-en.en": "x\n",
            "training/europarl-v7.de-en.de": DE, "training/europarl-v7.de-en.en": EN,
        }, packing="gz")}),
    "a .tgz in a folder": ("fr-en", "downloads/commoncrawl.fr-en", {
        "downloads/training-parallel-commoncrawl.tgz": testing.tar(
            {"commoncrawl.fr-en.en": EN, "commoncrawl.fr-en.fr": FR}, packing="gz")}),
    "a table": ("de-en", "news-commentary-v16.de-en", {
        "news-commentary-v16.de-en.tsv.gz": gz("Eins.\tOne.\nZwei.\tTwo.\n")}),
    "a table, unpacked": ("de-fr", "news-commentary-v16.de-fr", {
        "news-commentary-v16.de-fr.tsv": "Eins.\tUn.\nZwei.\tDeux.\n"}),
    "a table the other way round": ("de-fr", "wikititles-v3.fr-de", {
        "wikititles-v3.fr-de.tsv.gz": gz("Un.\tEins.\nDeux.\tZwei.\n")}),
    "a table with more columns": ("fr-en", "europarl-v10.fr-en", {
        "europarl-v10.fr-en.tsv.gz": gz("Un.\tOne.\tep-01\t3\nDeux.\tTwo.\tep-01\t4\n")}),
    "a table in a tar": ("de-en", "wikititles-v1.de-en", {
        "tables.tar": testing.tar(
            {"wikititles-v1.de-en.tsv.gz": gz("Eins.\tOne.\nZwei.\tTwo.\n")})}),
    "bitexts of 2019": ("de-fr", "fr-de/bitexts/de-fr.bicleaner07", {
        "fr-de/bitexts/de-fr.bicleaner07.de.gz": gz(DE),
        "fr-de/bitexts/de-fr.bicleaner07.fr.gz": gz(FR),
        "fr-de/bitexts/dev08_14.de.gz": gz(DE), "fr-de/bitexts/dev08_14.fr.gz": gz(FR)}),
}  # fmt: skip
TEXTS = {"de": DE.split(), "en": EN.split(), "fr": FR.split()}


@pytest.fixture
def files(tmp_path):
    return raw.RawFiles(tmp_path, layout="the layout")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(files, name, turned):
    pair, stem, content = LAYOUTS[name]
    source, target = pair.split("-")[:: -1 if turned else 1]
    testing.write_files(files.root, content)
    assert list(training.pairs(source, target, files)) == [
        (f"{stem}/0", TEXTS[source][0], TEXTS[target][0]),
        (f"{stem}/1", TEXTS[source][1], TEXTS[target][1]),
    ]
    # The sizes of what was read, archives included, tell a later run what has changed.
    assert {files.root / used for used in files.used} == {
        path
        for path in files.root.rglob("*")
        if path.is_file() and "dev08" not in path.name and "annotation" not in path.name
    }


def test_all_corpora_of_a_pair_and_of_no_other(files):
    content = {}
    for name in ("plain", "the other order of the name", "gzipped", "a table"):
        content |= LAYOUTS[name][2]
    others = ("one side gzipped", "the Giga corpus", "a table, unpacked", "bitexts of 2019")
    for name in others:
        content |= LAYOUTS[name][2]
    testing.write_files(files.root, content)
    stems = [corpus.stem for corpus in training.corpora("en", "de", files)]
    assert stems == [
        "commoncrawl.de-en",
        "news-commentary-v16.de-en",
        "rapid2016.en-de",
        "training/europarl-v7.de-en",
    ]
    assert training.corpora("de", "en", files) == training.corpora("en", "de", files)
    stems = [corpus.stem for corpus in training.corpora("fr", "en", files)]
    assert stems == ["giga-fren.release2.fixed", "un/undoc.2000.fr-en"]
    stems = [corpus.stem for corpus in training.corpora("fr", "de", files)]
    assert stems == ["fr-de/bitexts/de-fr.bicleaner07", "news-commentary-v16.de-fr"]


@pytest.mark.parametrize("place", ["", "unpacked/"])
def test_a_corpus_beside_its_archive_is_read_once(files, place):
    texts = {f"{NC}.de": DE, f"{NC}.en": EN}
    both = {"nc.tgz": testing.tar({"README": "", **texts}, packing="gz")}
    testing.write_files(files.root, both | {place + name: text for name, text in texts.items()})
    (corpus,) = training.corpora("de", "en", files)
    assert corpus.stem == place + NC
    assert len(list(training.pairs("de", "en", files))) == 2
    assert set(files.used) == {f"{place}{NC}.de", f"{place}{NC}.en"}


def test_test_sets_are_no_training_text(files):
    testing.write_files(files.root, LAYOUTS["plain"][2])
    for name in (
        "newstest2019", "newsdev2016", "newsdiscussdev2015", "news-test2008", "newssyscomb2009",
        "euelections_dev2019",
    ):  # fmt: skip
        for ending, content in (("de", DE), ("en", EN), ("tsv", "x\tx\n")):
            testing.write_files(files.root, {f"{name}.de-en.{ending}": content})
    assert len(training.corpora("de", "en", files)) == 1


def test_lines_of_a_table_without_a_second_column_are_counted(files):
    testing.write_files(files.root, {"t.de-en.tsv": "Eins.\tOne.\nno tab\n\nVier.\tFour.\t\t\n"})
    assert list(training.pairs("en", "de", files)) == [
        ("t.de-en/0", "One.", "Eins."),
        ("t.de-en/3", "Four.", "Vier."),
    ]
    assert files.skipped == {"lines of a table without a second column": 2}


def test_a_side_that_is_missing(files):
    testing.write_files(files.root, {"training/europarl-v7.de-en.de": DE})
    with pytest.raises(errors.DataError, match=r"is named 'training/europarl-v7\.de-en\.en'"):
        list(training.pairs("de", "en", files))


def test_sides_of_different_lengths(files):
    testing.write_files(
        files.root, {"a.tgz": testing.tar({"x.de-en.de": DE, "x.de-en.en": "One.\n"})}
    )
    with pytest.raises(errors.DataError, match=r"x\.de-en\.de 2 lines, x\.de-en\.en 1 lines"):
        list(training.pairs("en", "de", files))


def test_no_training_text(files):
    testing.write_files(files.root, LAYOUTS["one side gzipped"][2])
    with pytest.raises(errors.DataError, match=r"matches '\*\.de-en\.en'.*Expected: the layout"):
        list(training.pairs("en", "de", files))


def test_an_archive_that_is_cut_short_is_told(files):
    content = LAYOUTS["a .tgz as downloaded"][2]["training-parallel-europarl-v7.tgz"]
    (files.root / "cut.tgz").write_bytes(content[: len(content) // 2])
    with pytest.raises(errors.DataError, match=r"cut\.tgz is not a whole tar archive"):
        list(training.pairs("en", "de", files))
