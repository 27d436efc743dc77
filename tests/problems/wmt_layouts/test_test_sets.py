"""Test sets are found by the names that WMT gave them, in SGML and in plain text."""

import gzip
import html

import pytest

from t2t_mm import errors, testing
from t2t_mm.corpus import raw
from t2t_mm.problems.wmt_layouts import test_sets


def sgml(segments, kind="srcset"):
    body = "".join(f'<seg id="{n}"> {text} </seg>\n' for n, text in enumerate(segments, 1))
    return f'<{kind} setid="x" srclang="any">\n<doc docid="1">\n{body}</doc>\n</{kind}>\n'


def text(lines):
    return "".join(f"{line}\n" for line in lines)


def xml(languages, documents):
    """Documents of a source and two references, the second of which is to be left alone."""

    def side(kind, language, lines, more=""):
        body = "".join(f'<seg id="{n}">{html.escape(line)}</seg>' for n, line in enumerate(lines))
        return f'<{kind} lang="{language}"{more}><p>{body}</p></{kind}>'

    source, target = languages
    held = "".join(
        f'<doc id="{number}" origlang="{source}">{side("src", source, first)}'
        + side("ref", target, second, ' translator="A"')
        + side("ref", target, ["another"] * len(second), ' translator="B"')
        + "</doc>\n"
        for number, (first, second) in enumerate(documents)
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<dataset id="x">\n{held}</dataset>\n'


DE, EN, OTHER = ["Eins & zwei.", "Drei."], ["One & two.", "Three."], ["Not", "this", "one."]
SGML = {"de": sgml(["Eins &amp; zwei.", "Drei."]), "en": sgml(["One &amp; two.", "Three."])}
PLAIN = {"de": text(DE), "en": text(EN)}

LAYOUTS = {
    "2013 in SGML": ("newstest2013", {
        "dev/newstest2013-src.de.sgm": SGML["de"], "dev/newstest2013-ref.en.sgm": SGML["en"],
        "dev/newstest2013-src.en.sgm": SGML["en"], "dev/newstest2013-ref.de.sgm": SGML["de"]}),
    "2013 in plain text": ("newstest2013", {
        "dev/newstest2013.de": PLAIN["de"], "dev/newstest2013.en": PLAIN["en"]}),
    "2013 as downloaded": ("newstest2013", {
        "dev.tgz": testing.tar({
            "dev/newstest2012.de": "x\n", "dev/newstest2012.en": "x\n",
            "dev/newstest2013-src.de.sgm": SGML["de"], "dev/newstest2013-src.en.sgm": SGML["en"],
            "dev/newstest2013-ref.de.sgm": SGML["de"], "dev/newstest2013-ref.en.sgm": SGML["en"],
        }, packing="gz")}),
    "2014": ("newstest2014", {
        "test-full/newstest2014-deen-src.de.sgm": SGML["de"],
        "test-full/newstest2014-deen-ref.en.sgm": SGML["en"],
        "test-full/newstest2014-deen-src.en.sgm": SGML["en"],
        "test-full/newstest2014-deen-ref.de.sgm": SGML["de"],
        "test-full/newstest2014-fren-src.en.sgm": sgml(OTHER)}),
    "2014, one direction alone": ("newstest2014", {
        "test/newstest2014-deen-src.de.sgm": SGML["de"],
        "test/newstest2014-deen-ref.en.sgm": SGML["en"]}),
    "2014 beside its filtered part": ("newstest2014", {
        "test-filtered/newstest2014-deen-src.de.sgm": sgml(DE[:1]),
        "test-filtered/newstest2014-deen-ref.en.sgm": sgml(EN[:1]),
        "test-full/newstest2014-deen-src.de.sgm": SGML["de"],
        "test-full/newstest2014-deen-ref.en.sgm": SGML["en"]}),
    "2014, gzipped": ("newstest2014", {
        "newstest2014-deen-src.de.sgm.gz": gzip.compress(SGML["de"].encode()),
        "newstest2014-deen-ref.en.sgm.gz": gzip.compress(SGML["en"].encode())}),
    "2014 in plain text": ("newstest2014", {
        "newstest2014.de": PLAIN["de"], "newstest2014.en": PLAIN["en"]}),
    "2019": ("newstest2019", {
        "sgm/newstest2019-deen-src.de.sgm": SGML["de"],
        "sgm/newstest2019-deen-ref.en.sgm": SGML["en"],
        "sgm/newstest2019-ende-src.en.sgm": sgml(OTHER),
        "sgm/newstest2019-ende-ref.de.sgm": sgml(OTHER)}),
    "2021": ("newstest2021", {
        "newstest2021/newstest2021.de-en.src.de": PLAIN["de"],
        "newstest2021/newstest2021.de-en.ref.A.en": PLAIN["en"],
        "newstest2021/newstest2021.de-en.ref.B.en": text(OTHER),
        "newstest2021/newstest2021.en-de.src.en": text(OTHER),
        "newstest2021/newstest2021.en-de.ref.A.de": text(OTHER)}),
    "2021 in XML": ("newstest2021", {
        "test/newstest2021.de-en.xml": xml(("de", "en"), [(DE[:1], EN[:1]), (DE[1:], EN[1:])]),
        "test/newstest2021.en-de.xml": xml(("en", "de"), [(OTHER, OTHER)])}),
    "a development set of 2019": ("euelections_dev2019", {
        "dev/euelections_dev2019.de-en.src.de": PLAIN["de"],
        "dev/euelections_dev2019.de-en.tgt.en": PLAIN["en"]}),
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    return raw.RawFiles(tmp_path, layout="the layout")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(files, layout):
    name, content = LAYOUTS[layout]
    testing.write_files(files.root, content)
    assert list(test_sets.pairs(name, "de", "en", files)) == [
        (f"{name}/0", DE[0], EN[0]),
        (f"{name}/1", DE[1], EN[1]),
    ]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name.startswith(("2013", "2014"))])
def test_until_2014_both_directions_have_the_same_sentences(files, layout):
    name, content = LAYOUTS[layout]
    testing.write_files(files.root, content)
    assert list(test_sets.pairs(name, "en", "de", files)) == [
        (f"{name}/0", EN[0], DE[0]),
        (f"{name}/1", EN[1], DE[1]),
    ]


@pytest.mark.parametrize("layout", ["2019", "2021", "2021 in XML"])
def test_later_each_direction_has_its_own(files, layout):
    name, content = LAYOUTS[layout]
    testing.write_files(files.root, content)
    assert [source for _, source, _ in test_sets.pairs(name, "en", "de", files)] == OTHER
    for path in files.root.rglob("*en*de*"):
        if "ende" in path.name or "en-de" in path.name:
            path.unlink()
    again = raw.RawFiles(files.root, layout="the layout")
    with pytest.raises(
        errors.DataError, match=rf"no {name} from en to de.*Received: .*{name}.*the"
    ):
        list(test_sets.pairs(name, "en", "de", again))


def test_what_is_unpacked_comes_before_archives(files):
    packed = {"dev/newstest2013.de": text(OTHER), "dev/newstest2013.en": text(OTHER)}
    testing.write_files(files.root, LAYOUTS["2013 in plain text"][1])
    testing.write_files(files.root, {"a/test.tar": testing.tar(packed)})
    assert len(list(test_sets.pairs("newstest2013", "de", "en", files))) == 2


def test_sides_of_different_lengths(files):
    testing.write_files(files.root, {"newstest2013.de": "a\nb\n", "newstest2013.en": "a\n"})
    with pytest.raises(errors.DataError, match=r"newstest2013\.de 2 segments.*\.en 1 segments"):
        list(test_sets.pairs("newstest2013", "de", "en", files))


def test_xml_that_is_not_what_it_should_be(files):
    (files.root / "newstest2021.de-en.xml").write_text("<dataset></dataset>")
    with pytest.raises(errors.DataError, match=r"de-en\.xml has no <doc> elements"):
        list(test_sets.pairs("newstest2021", "de", "en", files))
    cut = xml(("de", "en"), [(DE, EN[:1])])
    (files.root / "newstest2021.de-en.xml").write_text(cut)
    with pytest.raises(errors.DataError, match=r"de-en\.xml 2 segments, .*de-en\.xml 1 segments"):
        list(test_sets.pairs("newstest2021", "de", "en", files))


def test_a_test_set_that_is_missing(files):
    (files.root / "newstest2012.de").touch()
    with pytest.raises(errors.DataError, match=r"matches 'newstest2013\*'.*Expected: the layout"):
        list(test_sets.pairs("newstest2013", "de", "en", files))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "source", "target", "count"),
    [
        ("newstest2014", "de", "en", 1_934),
        ("newstest2014", "en", "de", 1_934),
        ("newstest2014", "fr", "en", 1_908),
        ("newstest2014", "en", "fr", 1_908),
        ("newstest2021", "de", "en", 1_000),
        ("newstest2021", "en", "de", 1_002),
        ("newstest2021", "de", "fr", 1_000),
        ("newstest2021", "fr", "de", 1_026),
    ],
)
def test_real_test_sets(real_data, name, source, target, count):
    files = raw.RawFiles.of(real_data("wmt"), "wmt")
    pairs = list(test_sets.pairs(name, source, target, files))
    assert len({key: first for key, first, _ in pairs}) == count
    assert all(first.strip() and second.strip() for _, first, second in pairs)
