import gzip

import pytest

from t2t_mm import errors, testing

SOURCES = ["Hello & goodbye.", "Two.", ""]
TARGETS = ["Hallo & tschüss.", "Zwei.", "Drei."]


def sgml(segments, kind):
    body = "".join(
        f'<seg id="{n}"> {text.replace("&", "&amp;")} </seg>\n'
        for n, text in enumerate(segments, 1)
    )
    return f'<{kind} setid="x" srclang="any">\n<doc docid="1">\n{body}</doc>\n</{kind}>\n'


def text(lines):
    return "".join(f"{line}\n" for line in lines)


RAW = {
    "wmt/training/europarl-v7.de-en.en": text(SOURCES),
    "wmt/training/europarl-v7.de-en.de": text(TARGETS),
    "wmt/commoncrawl.de-en.en.gz": gzip.compress(b"Four.\n"),
    "wmt/commoncrawl.de-en.de.gz": gzip.compress(b"Vier.\n"),
    "wmt/commoncrawl.de-en.annotation": "x\n",
    "wmt/training/europarl-v7.fr-en.en": "Not this one.\n",
    "wmt/dev/newstest2013.en": text(SOURCES),
    "wmt/dev/newstest2013.de": text(TARGETS),
    "wmt/test-full/newstest2014-deen-src.en.sgm": sgml(SOURCES, "srcset"),
    "wmt/test-full/newstest2014-deen-ref.de.sgm": sgml(TARGETS, "refset"),
    "wmt/test-full/newstest2014-fren-src.en.sgm": sgml(["Other."], "srcset"),
}


class SampleWmtTest(testing.ProblemTestCase):
    problem = "wmt_ende"
    expected_examples = {"train": 40, "validation": 200, "test": 200}


def test_every_training_corpus_of_the_pair_is_read(tmp_path):
    testing.write_files(tmp_path, RAW)
    assert testing.generated("wmt_ende", "train", tmp_path) == [
        ("commoncrawl.de-en/0", {"inputs": "Four.", "targets": "Vier."}),
        ("training/europarl-v7.de-en/0", {"inputs": SOURCES[0], "targets": TARGETS[0]}),
        ("training/europarl-v7.de-en/1", {"inputs": "Two.", "targets": "Zwei."}),
    ]


@pytest.mark.parametrize(
    ("split", "name"), [("validation", "newstest2013"), ("test", "newstest2014")]
)
def test_plain_and_sgml_test_sets(tmp_path, split, name):
    testing.write_files(tmp_path, RAW)
    assert testing.generated("wmt_ende", split, tmp_path) == [
        (f"{name}/0", {"inputs": SOURCES[0], "targets": TARGETS[0]}),
        (f"{name}/1", {"inputs": "Two.", "targets": "Zwei."}),
    ]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_missing_files_say_the_layout(tmp_path, split):
    with pytest.raises(errors.DataError, match=r"Expected: training corpora such as .*europarl"):
        testing.generated("wmt_ende", split, tmp_path)


@pytest.mark.parametrize(
    ("split", "name", "content", "counts"),
    [
        ("train", "training/europarl-v7.de-en.de", "Eins.\n", r"en 3 lines.*de 1 lines"),
        ("validation", "dev/newstest2013.de", "Eins.\n", r"en 3 segments.*de 1 segments"),
        (
            "test", "test-full/newstest2014-deen-ref.de.sgm", sgml(["Eins."], "refset"),
            r"en\.sgm 3 segments.*de\.sgm 1 segments",
        ),
    ],
)  # fmt: skip
def test_different_lengths_give_both_counts(tmp_path, split, name, content, counts):
    testing.write_files(tmp_path, RAW | {f"wmt/{name}": content})
    with pytest.raises(errors.DataError, match=counts):
        testing.generated("wmt_ende", split, tmp_path)


@pytest.mark.real_data
def test_the_real_test_set(real_data):
    pairs = testing.generated("wmt_ende", "test", real_data("wmt"))
    assert len(dict(pairs)) == 1_934
    assert pairs[0][1] == {
        "inputs": "Gutach: Increased safety for pedestrians",
        "targets": "Gutach: Noch mehr Sicherheit für Fußgänger",
    }
