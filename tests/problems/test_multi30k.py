import gzip

import pytest

from t2t_mm import errors, registry, testing

TEXTS = {
    "en": "A dog runs.\nTwo men eat.\n",
    "de": "Ein Hund rennt.\nZwei Männer essen.\n",
    "fr": "Un chien court.\nDeux hommes mangent.\n",
}
RAW = "data/task1/raw"


def raw_files():
    return {
        f"multi30k/{RAW}/{split}.{language}.gz": gzip.compress((text * copies).encode())
        for split, copies in (("train", 3), ("val", 1), ("test_2016_flickr", 2))
        for language, text in TEXTS.items()
    }


class SampleMulti30kTest(testing.ProblemTestCase):
    problem = "multi30k_defr"
    expected_examples = {"train": 40, "validation": 200, "test": 200}


@pytest.mark.parametrize(
    ("direction", "source", "target", "command"),
    [
        ("ende", "en", "de", "to-german"),
        ("deen", "de", "en", "to-english"),
        ("enfr", "en", "fr", "to-french"),
        ("fren", "fr", "en", "to-english"),
        ("defr", "de", "fr", "to-french"),
        ("frde", "fr", "de", "to-german"),
    ],
)
def test_each_direction_reads_its_two_languages(tmp_path, direction, source, target, command):
    testing.write_files(tmp_path, raw_files())
    name = f"multi30k_{direction}"
    pairs = testing.generated(name, "validation", tmp_path)
    assert pairs == [
        (f"validation/{n}", {"inputs": s, "targets": t})
        for n, (s, t) in enumerate(
            zip(TEXTS[source].splitlines(), TEXTS[target].splitlines(), strict=True)
        )
    ]
    assert registry.problems.get(name).command == command
    assert len(testing.generated(name, "train", tmp_path)) == 6


def test_a_language_model_has_the_english_side_alone(tmp_path):
    english = {name: text for name, text in raw_files().items() if name.endswith(".en.gz")}
    testing.write_files(tmp_path, english)
    found = testing.generated("multi30k_lm_en", "validation", tmp_path)
    assert found == [
        ("validation/0", {"targets": "A dog runs."}),
        ("validation/1", {"targets": "Two men eat."}),
    ]
    declared = registry.problems.get("multi30k_lm_en")
    assert (declared.inputs, declared.command) == ({}, "to-english")


def test_missing_files_say_the_layout(tmp_path):
    with pytest.raises(errors.DataError, match=r"data/task1/raw/\{train,val,test_2016_flickr\}"):
        testing.generated("multi30k_ende", "train", tmp_path)


def test_different_lengths_give_both_counts(tmp_path):
    testing.write_files(tmp_path, raw_files())
    path = tmp_path / "multi30k" / RAW / "val.de.gz"
    path.write_bytes(gzip.compress(b"Ein Hund rennt.\n"))
    with pytest.raises(errors.DataError, match=r"val\.en 2 lines.*val\.de 1 lines"):
        testing.generated("multi30k_ende", "validation", tmp_path)


@pytest.mark.real_data
def test_the_real_corpus(real_data):
    root = real_data("multi30k")
    for split, count in (("train", 29_000), ("validation", 1_014), ("test", 1_000)):
        pairs = testing.generated("multi30k_ende", split, root)
        assert len(dict(pairs)) == count
        assert all(pair["inputs"] and pair["targets"] for _, pair in pairs)
    assert pairs[0][1] == {
        "inputs": "A man in an orange hat starring at something.",
        "targets": "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt.",
    }
