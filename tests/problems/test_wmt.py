import collections
import gzip

import pytest

from t2t_mm import errors, problem, registry, testing
from t2t_mm.corpus import raw
from t2t_mm.data import manifest
from t2t_mm.datagen import generate
from t2t_mm.problems.sample_world import corpora, scene

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


DIRECTIONS = {
    "ende": ("en", "de", "to-german"),
    "deen": ("de", "en", "to-english"),
    "enfr": ("en", "fr", "to-french"),
    "fren": ("fr", "en", "to-english"),
    "defr": ("de", "fr", "to-french"),
    "frde": ("fr", "de", "to-german"),
}


class SampleWmtTest(testing.ProblemTestCase):
    problem = "wmt_ende"
    expected_examples = {"train": 40, "validation": 200, "test": 200}


class SampleFrenchWmtTest(SampleWmtTest):
    problem = "wmt_fren"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_sample_of_every_direction(tmp_path, direction, monkeypatch):
    monkeypatch.setattr(corpora, "_SMALLEST_TEST", 5)
    source, target, command = DIRECTIONS[direction]
    made = registry.problems.get(f"wmt_{direction}")
    assert made.command == command
    back = registry.problems.get(f"wmt_{direction[2:]}{direction[:2]}")
    made().make_sample(tmp_path, seed=3, size=10)
    for split, count in {"train": 10, "validation": 5, "test": 5}.items():
        found = testing.generated(made.name, split, tmp_path)
        scenes = [scene.draw(3, split, number) for number in range(count)]
        assert [example for _, example in found] == [
            {"inputs": corpora.LANGUAGES[source](what), "targets": corpora.LANGUAGES[target](what)}
            for what in scenes
        ]
        # The folder is that of the other direction too, with the same keys.
        assert testing.generated(back.name, split, tmp_path) == [
            (key, {"inputs": example["targets"], "targets": example["inputs"]})
            for key, example in found
        ]


LONG = "wort " * 149 + "wort"  # 150 words, 749 characters
FILTERED = [
    # source, target, why the pair is left out
    ("A dog.", "Ein Hund.", None),
    ("", "Ein Hund.", "empty on one side"),
    ("A dog.", " \t", "empty on one side"),
    ("A dog.", "\u200b", "empty on one side"),
    (LONG, LONG, None),
    (LONG + " wort", LONG, "of more than 150 words"),
    (LONG, LONG + "\u00a0wort", "of more than 150 words"),
    ("x" * 1000, "y" * 1000, None),
    ("x" * 1001, "y" * 1000, "of more than 1,000 characters"),
    ("Yes.", "Ja, so ist es auch.", None),  # short
    ("0123456789", "0123456789" * 3, None),
    ("0123456789", "0123456789" * 3 + "!", "of which one side is more than 3 times the other"),
    ("a\x1b[31m dog", "Ein Hund", "with control characters"),
    ("A dog", "Ein\0Hund", "with control characters"),
]


@pytest.mark.parametrize("direction", ["ende", "deen"])
def test_filters_of_training_text(tmp_path, direction):
    training = {"a.de-en.en": text(row[0] for row in FILTERED),
                "a.de-en.de": text(row[1] for row in FILTERED)}  # fmt: skip
    testing.write_files(tmp_path, training)
    files = raw.RawFiles(tmp_path)
    made = registry.problems.get(f"wmt_{direction}")()
    kept = [int(key.rpartition("/")[2]) for key, _ in made.generate_examples("train", files)]
    assert kept == [number for number, row in enumerate(FILTERED) if row[2] is None]
    assert files.skipped == dict(collections.Counter(row[2] for row in FILTERED if row[2]))


def test_filters_are_attributes_of_the_problem(tmp_path, registries):
    @problem.register_problem("wmt_strict")
    class Strict(registry.problems.get("wmt_ende")):
        max_words, max_characters, max_ratio = 3, 30, 1.5

    rows = [("one two three", "eins zwei drei"), ("one two three four", "eins zwei drei"),
            ("a" * 30, "b" * 30), ("a" * 31, "b" * 30), ("a" * 30, "b" * 19)]  # fmt: skip
    training = {"a.de-en.en": text(r[0] for r in rows), "a.de-en.de": text(r[1] for r in rows)}
    testing.write_files(tmp_path, training)
    files = raw.RawFiles(tmp_path)
    found = [key for key, _ in Strict().generate_examples("train", files)]
    assert found == ["a.de-en/0", "a.de-en/2"]
    assert sum(files.skipped.values()) == 3


def test_test_sets_are_not_filtered(tmp_path):
    rows = {
        "newstest2013.en": text([LONG * 3, "", "A."]),
        "newstest2013.de": text(["B.", "", "C" * 99]),
    }
    testing.write_files(tmp_path, rows)
    files = raw.RawFiles(tmp_path)
    made = registry.problems.get("wmt_ende")()
    keys = [key for key, _ in made.generate_examples("validation", files)]
    assert keys == ["newstest2013/0", "newstest2013/2"]
    assert files.skipped == {"empty on one side": 1}


def test_what_was_left_out_is_in_the_manifest(tmp_path):
    held = {
        f"wmt/a.de-en.{side}": text(row[side == "de"] for row in FILTERED) for side in ("en", "de")
    }
    testing.write_files(
        tmp_path, {name: content for name, content in RAW.items() if "training" not in name}
    )
    testing.write_files(tmp_path, held)
    generate.generate("wmt_ende", tmp_path / "data", manual_dir=tmp_path, workers=1)
    loaded = manifest.Manifest.load(
        tmp_path / "data", "wmt_ende", registry.problems.get("wmt_ende").version
    )
    assert loaded.details["filtered"] == {
        "train": {
            "empty on one side": 3,
            "of more than 1,000 characters": 1,
            "of more than 150 words": 2,
            "of which one side is more than 3 times the other": 1,
            "with control characters": 2,
        },
        "validation": {"empty on one side": 1},
        "test": {"empty on one side": 1},
    }
    assert loaded.examples("train") == 6


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
        ("train", "training/europarl-v7.de-en.de", "Eins.\n", r"de 1 lines.*en 3 lines"),
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
@pytest.mark.parametrize(
    ("direction", "count"),
    [("ende", 1_934), ("deen", 1_934), ("enfr", 1_908), ("fren", 1_908), ("defr", 1_000),
     ("frde", 1_026)],
)  # fmt: skip
def test_the_real_test_sets(real_data, direction, count):
    pairs = testing.generated(f"wmt_{direction}", "test", real_data("wmt"))
    assert len(dict(pairs)) == count
    if direction == "ende":
        assert pairs[0][1] == {
            "inputs": "Gutach: Increased safety for pedestrians",
            "targets": "Gutach: Noch mehr Sicherheit für Fußgänger",
        }


@pytest.mark.real_data
def test_real_texts_become_records(real_data, tmp_path):
    """Multi30k's text as training text, and the real test set, under the names of WMT."""
    captions = real_data("multi30k") / "multi30k" / "data" / "task1" / "raw"
    news = real_data("wmt") / "wmt"
    corpus = tmp_path / "raw" / "wmt"
    corpus.mkdir(parents=True)
    for side in ("de", "en"):
        (corpus / f"captions.de-en.{side}.gz").symlink_to(captions / f"val.{side}.gz")
        (corpus / f"newstest2013.{side}").write_text("x\n")
    (corpus / "test-full").symlink_to(news / "test-full")
    answer = generate.generate(
        "wmt_deen",
        tmp_path / "data",
        manual_dir=tmp_path / "raw",
        workers=1,
        follow_links=True,
    )
    counts = {s: c["examples"] for s, c in answer["problems"]["wmt_deen"]["splits"].items()}
    assert counts == {"train": 1_014, "validation": 1, "test": 1_934}
