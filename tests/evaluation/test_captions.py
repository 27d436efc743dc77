"""Words of captions, held against what PTBTokenizer of the COCO evaluation gives."""

import pytest

from t2t_mm.evaluation import captions


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A dog, a cat and an emu.", "a dog a cat and an emu"),
        ("It's a man's dog; isn't it?", "it 's a man 's dog is n't it"),
        ("They can't, won't and cannot!", "they ca n't wo n't and can not"),
        ("Two boys' bikes", "two boys bikes"),
        ("A t-shirt - black-and-white -- on sale", "a t-shirt black-and-white on sale"),
        ("A clock at 8:25, and 1,000 birds", "a clock at 8:25 and 1,000 birds"),
        ('The sign says "STOP" ...', "the sign says stop"),
        ("Salt & pepper for $5 (50%)", "salt & pepper for $ 5 -lrb- 50 % -rrb-"),
        ("A T.V. of Mr. Smith", "a t.v. of mr. smith"),
        ("The U.S.A flag. On W. 8th Ave.", "the u.s.a flag on w. 8th ave."),
        ("caf\u00e9 au lait", "caf\u00e9 au lait"),
        ("cafe\u0301 au lait", "caf\u00e9 au lait"),
        ("एक सफेद पिल्ला।", "एक सफेद पिल्ला"),
        ("the \u201cbig\u201d one\u2019s", "the big one 's"),
        ("one\ntwo\tthree", "one two three"),
        ("...", ""),
        ("", ""),
    ],
)
def test_words(caption, expected):
    assert captions.words(caption) == expected.split()


def test_ngrams_of_one_to_four_words():
    counts = captions.ngrams("a b a b c".split())
    assert sum(counts.values()) == 5 + 4 + 3 + 2
    assert counts[("a", "b")] == 2
    assert counts[("a", "b", "a", "b")] == 1
    assert captions.ngrams([]) == {}
