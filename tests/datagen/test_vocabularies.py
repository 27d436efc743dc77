"""Vocabularies: built once for all problems that share one, and kept."""

import pytest

from t2t_mm import errors, vocabulary
from t2t_mm.datagen import progress


def test_a_vocabulary_of_much_text_reads_as_much_of_each_problem(generate, data, monkeypatch):
    monkeypatch.setattr(vocabulary, "MAX_SENTENCES", 40)
    read = []
    build = vocabulary.build

    def spy(name, texts, **options):
        return build(name, (read.append(text) or text for text in texts), **options)

    monkeypatch.setattr(vocabulary, "build", spy)
    generate(["toy_text", "toy_slow"], max_examples=30)
    assert 40 <= len(read) <= 42
    assert len(set(read)) < 25  # both problems have the same texts


def test_one_vocabulary_for_all_problems_that_share_it(generate, data):
    both = generate(["toy_reversed", "toy_text"])
    about = vocabulary.read_json(data / "vocabularies" / "toy")
    assert about["problems"] == ["toy_reversed", "toy_text"]
    assert about["sentences"] == 200
    assert both["vocabularies"]["toy"]["sha256"] == about["sha256"]
    assert generate("toy_*ed", manual_dir=None)["vocabularies"] == both["vocabularies"]


def test_a_vocabulary_that_is_there_is_kept(generate, data):
    first = generate("toy_text")["vocabularies"]
    said = []

    class Said(progress.Progress):
        def say(self, text):
            said.append(text)

    assert generate("toy_reversed", progress=Said())["vocabularies"] == first
    assert any("without toy_reversed" in text for text in said)
    rebuilt = generate(["toy_text", "toy_reversed"], rebuild_vocabulary=True)["vocabularies"]
    assert vocabulary.read_json(data / "vocabularies" / "toy")["sentences"] == 200
    assert rebuilt["toy"]["sha256"] == vocabulary.Vocabulary.load(data / "vocabularies/toy").sha256


def test_a_vocabulary_of_a_run_serves_new_data(generate, data, tmp_path):
    """So a task can be added to a trained model: the tokens must be those it knows."""
    first = generate("toy_text")["vocabularies"]
    held = vocabulary.Vocabulary.load(data / "vocabularies" / "toy")
    other = tmp_path / "other"
    held.save(other / "vocabularies" / "toy")
    made = generate("toy_reversed", data_dir=other)
    assert made["vocabularies"] == first


def test_a_vocabulary_that_is_missing_is_built_from_the_records(generate, data):
    first = generate()["vocabularies"]
    (data / "vocabularies" / "toy" / "vocabulary.json").unlink()
    with pytest.raises(errors.DataError, match="There is no vocabulary"):
        generate(verify=True)
    again = generate()
    assert again["problems"]["toy_text"]["status"] == "unchanged"
    assert again["vocabularies"] == first


def test_a_vocabulary_follows_the_data_that_it_was_built_from(generate, data):
    first = generate(source="sample", sample_size=20)["vocabularies"]
    second = generate(overwrite=True)["vocabularies"]
    assert second != first


def test_the_size_of_a_vocabulary(generate):
    made = generate(vocabulary_size=300)["vocabularies"]["toy"]
    assert made["size"] <= 300
    assert generate()["vocabularies"]["toy"] == made
    with pytest.raises(errors.DataError, match="400 tokens.*300.*--rebuild_vocabulary"):
        generate(vocabulary_size=400)
