"""Vocabularies: fixed ids, any text there and back, the same ids in the graph."""

import os
import pathlib

import pytest

from t2t_mm import errors, vocabulary
from t2t_mm.corpus import raw

TEXTS = [f"The number {n} is written as a word, a height of {n * 7} metres." for n in range(60)]
STRANGE = ["Grüße, Čeština", "日本語", "😀 ½ …", "tab\there", "line\nend", "a\u00a0b", "<unk> </s>"]


@pytest.fixture(scope="module")
def small():
    return vocabulary.build("small", TEXTS)


def test_fixed_ids(small):
    assert (vocabulary.PAD_ID, vocabulary.EOS_ID, vocabulary.UNK_ID) == (0, 1, 2)
    assert small.pieces[:4] == ["<pad>", "</s>", "<unk>", "<0x00>"]
    assert small.pieces[258] == "<0xFF>"


def test_a_small_corpus_gives_a_smaller_vocabulary_and_says_so(small):
    assert 259 < small.size < 1000
    assert small.size == len(small.pieces)


@pytest.mark.parametrize("text", [*TEXTS[:3], *STRANGE, ""])
def test_any_text_comes_back(small, text):
    ids = small.encode(text)
    assert small.decode(ids) == text
    assert vocabulary.UNK_ID not in ids
    assert vocabulary.EOS_ID not in ids


def test_only_spaces_are_changed(small):
    assert small.decode(small.encode("  two  spaces ")) == "two spaces"


def test_decoding_ends_at_the_end_token_and_skips_padding(small):
    ids = small.encode("a height")
    assert small.decode([0, *ids, 1, *ids]) == "a height"
    with pytest.raises(ValueError, match=f"id {small.size} is not in"):
        small.decode([small.size])


def test_the_same_text_gives_the_same_bytes(small):
    assert vocabulary.build("small", TEXTS).sha256 == small.sha256
    assert vocabulary.build("small", TEXTS[:-1]).sha256 != small.sha256


def test_saved_and_loaded(small, tmp_path):
    small.save(tmp_path / "v", problems=["a"])
    loaded = vocabulary.Vocabulary.load(tmp_path / "v")
    assert (loaded.name, loaded.size, loaded.sha256) == ("small", small.size, small.sha256)
    about = vocabulary.read_json(tmp_path / "v")
    assert about["problems"] == ["a"]
    assert sorted(p.name for p in (tmp_path / "v").iterdir()) == [
        "sentencepiece.model",
        "vocabulary.json",
    ]


def test_damage_is_noticed(small, tmp_path):
    with pytest.raises(errors.DataError, match="There is no vocabulary in"):
        vocabulary.Vocabulary.load(tmp_path)
    small.save(tmp_path)
    other = vocabulary.build("small", TEXTS[:20])
    (tmp_path / "sentencepiece.model").write_bytes(other.model)
    with pytest.raises(errors.DataError, match="is damaged"):
        vocabulary.Vocabulary.load(tmp_path)
    with pytest.raises(errors.DataError, match="is not a SentencePiece model"):
        vocabulary.Vocabulary("small", b"no model")
    (tmp_path / "vocabulary.json").write_text("{")
    with pytest.raises(errors.DataError, match=r"vocabulary\.json is damaged"):
        vocabulary.Vocabulary.load(tmp_path)


def test_a_model_is_compared_with_its_hash_before_it_is_parsed(small, tmp_path, monkeypatch):
    import sentencepiece

    small.save(tmp_path)
    (tmp_path / "sentencepiece.model").write_bytes(small.model[:-7])
    monkeypatch.delattr(sentencepiece, "SentencePieceProcessor")
    with pytest.raises(errors.DataError, match="is damaged. Received: sha256"):
        vocabulary.Vocabulary.load(tmp_path)


def test_symbols_get_a_piece_each_however_rare(small):
    symbols = ["(NP", ")NP", "PRP$", "WHADJP", "SYM", "``"]
    made = vocabulary.build("trees", TEXTS, symbols=symbols)
    text = "The number (NP PRP$ SYM )NP WHADJP `` 7"
    assert [made.pieces[i] for i in made.encode(text) if made.pieces[i][1:] in symbols] == [
        "\u2581(NP", "\u2581PRP$", "\u2581SYM", "\u2581)NP", "\u2581WHADJP", "\u2581``",
    ]  # fmt: skip
    assert made.decode(made.encode(text)) == text
    assert len(made.encode("PRP$ (NP SYM")) == 3
    assert len(small.encode("PRP$ (NP SYM")) > 6
    # Letters alone are no reason to cut a longer word where they end.
    assert "\u2581SYM" in [made.pieces[i] for i in made.encode("SYM")]
    assert made.model == vocabulary.build("trees", TEXTS, symbols=symbols).model


def test_no_text_and_no_room():
    with pytest.raises(errors.DataError, match="no text to build the vocabulary 'x'"):
        vocabulary.build("x", ["", " \n "])
    with pytest.raises(errors.ConfigError, match="of 200 tokens cannot be built"):
        vocabulary.build("x", TEXTS, size=200)


def test_the_text_read_is_bounded(monkeypatch):
    monkeypatch.setattr(vocabulary, "MAX_SENTENCES", 30)
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield TEXTS[taken % len(TEXTS)]

    assert vocabulary.build("x", endless()).size > 259
    assert taken == 31


def test_the_graph_gives_the_same_ids(small):
    text = pytest.importorskip("tensorflow_text")
    tokenizer = text.SentencepieceTokenizer(model=small.model, out_type="int32")
    lines = [*TEXTS, *STRANGE, "  two  spaces "]
    assert tokenizer.tokenize(lines).to_list() == [small.encode(line) for line in lines]
    back = tokenizer.detokenize([small.encode(line) for line in lines[:1]])
    assert back.numpy()[0].decode() == lines[0]


def test_real_text_comes_back():
    default = pathlib.Path(__file__).parents[3] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("T2T_MM_REAL_DATA", default))
    if not (folder / "multi30k").is_dir():
        pytest.skip(f"no multi30k in {folder} ($T2T_MM_REAL_DATA)")
    files = raw.RawFiles.of(folder, "multi30k")
    lines = []
    for language in ("en", "de", "fr"):
        lines += list(files.lines(f"data/task1/raw/val.{language}"))
    built = vocabulary.build("mm_8k", lines)
    assert built.size == 8192
    for line in lines:
        assert built.decode(built.encode(line)) == " ".join(line.split(" ")).strip(" ").replace(
            "  ", " "
        )
