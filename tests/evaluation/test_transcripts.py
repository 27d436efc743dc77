import pytest

from t2t_mm.evaluation import transcripts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("THE CAT SAT", "the cat sat"),
        ("Don't! It's o'clock.", "don't it's o'clock"),
        ("Don\N{RIGHT SINGLE QUOTATION MARK}t", "don't"),
        ("'tis the dogs' 'quoted' ''", "tis the dogs quoted"),
        ("a one-stop shop, U.S.A.; 3,000/4", "a one stop shop u s a 3 000 4"),
        ("  two\t lines\n\nof\u00a0text ", "two lines of text"),
        ("Größe cafe\u0301 №", "größe café no"),
        ("हिन्दी under_score", "हिन्दी under score"),
        ("...", ""),
        ("", ""),
    ],
)
def test_only_words_are_left(text, words):
    assert transcripts.normalize(text) == words
    assert transcripts.normalize(words) == words
