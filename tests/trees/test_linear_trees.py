import random

import pytest

from t2t_mm.trees import linear_trees, penn

WORDS = ["the", "dog", "barks", "."]
RIGHT = "(S (NP DT NN )NP (VP VBZ )VP . )S"
TREE = "(S (NP (DT the) (NN dog)) (VP (VBZ barks)) (. .))"


def mended(text, words=WORDS):
    tree, repairs = linear_trees.read(text, words)
    return penn.write(tree), dict(repairs)


def test_a_tree_comes_back_as_it_was():
    tree = penn.parse(TREE)
    assert linear_trees.write(tree) == RIGHT
    assert linear_trees.read(RIGHT, WORDS) == (tree, {})
    assert linear_trees.tags(RIGHT) == ["DT", "NN", "VBZ", "."]


def test_labels_beyond_the_penn_treebank_come_back_when_known():
    text = "(CS (NP-HD ART NN )NP-HD VVFIN )CS"
    tree, repairs = linear_trees.read(text, ["der", "Hund", "bellt"], known=text.split())
    assert penn.write(tree) == "(CS (NP-HD (ART der) (NN Hund)) (VVFIN bellt))"
    assert not repairs
    assert linear_trees.write(tree) == text


def test_symbols_are_words_of_their_own():
    assert len(set(linear_trees.SYMBOLS)) == len(linear_trees.SYMBOLS) < 100
    assert set(RIGHT.split()) <= set(linear_trees.SYMBOLS)


@pytest.mark.parametrize(
    ("text", "tree", "repairs"),
    [
        (
            "",
            "(S (NN the) (NN dog) (NN barks) (. .))",
            {"roots made": 1, "words added": 4},
        ),
        (
            "DT NN VBZ .",
            "(S (DT the) (NN dog) (VBZ barks) (. .))",
            {"roots made": 1},
        ),
        ("(S (NP DT NN )NP (VP VBZ", TREE, {"brackets added": 2, "words added": 1}),
        ("(S (NP DT NN )NP )S (VP VBZ )VP . )S", TREE, {"brackets dropped": 1}),
        ("(S (NP DT NN )NP )NP (VP VBZ )VP . )S", TREE, {"brackets dropped": 1}),
        ("(S (NP DT NN )NP (VP VBZ )VP . )S )S NN NN", TREE,
         {"brackets dropped": 1, "words dropped": 2}),
        (
            "(S (NP DT NN (VP VBZ )VP . )S",
            "(S (NP (DT the) (NN dog) (VP (VBZ barks)) (. .)))",
            {"brackets added": 1},
        ),
        ("(S (NP )NP (NP DT NN )NP (VP VBZ )VP . )S", TREE, {"empty phrases dropped": 1}),
        (
            "(S (NPX DT NN )NPX (VP Hund )VP . )S",
            "(S (DT the) (NN dog) (VP (NN barks)) (. .))",
            {"unknown symbols": 3},
        ),
        (
            "(S NP NN VBZ . )S",  # A label where a tag should be.
            "(S (NN the) (NN dog) (VBZ barks) (. .))",
            {"unknown symbols": 1},
        ),
        ("(S (NP DT NN )NP (VP VBZ )VP )S", TREE, {"words added": 1}),
    ],
)  # fmt: skip
def test_repairs(text, tree, repairs):
    assert mended(text) == (tree, repairs)


def test_a_loop_ends():
    tree, repairs = linear_trees.read("(S " * 5_000 + "NN " * 5_000, WORDS)
    assert tree.words == WORDS
    assert repairs["words dropped"] == 4_996
    assert repairs["brackets dropped"] + repairs["brackets added"] == 5_000


def test_whatever_was_written_becomes_a_tree_over_the_words():
    dice = random.Random(0)
    symbols = [*linear_trees.SYMBOLS, "(", ")", "(NPP", ")", "Hund", ")VP", ")NP", ")S", "(S"]
    for _ in range(500):
        text = " ".join(dice.choices(symbols, k=dice.randint(0, 40)))
        words = [str(number) for number in range(dice.randint(1, 12))]
        tree, _ = linear_trees.read(text, words)
        assert tree.words == words
        assert tree.word is None
        again, repairs = linear_trees.read(linear_trees.write(tree), words)
        assert (again, dict(repairs)) == (tree, {})


def test_there_is_no_tree_over_nothing():
    with pytest.raises(ValueError, match="needs a word"):
        linear_trees.read(RIGHT, [])


def test_every_symbol_is_one_piece():
    from t2t_mm import vocabulary

    texts = [*[RIGHT, "the dog barks .", "A DTS (Sunday) costs $5, NNs and .5!"] * 50]
    built = vocabulary.build("v", texts, size=600, symbols=linear_trees.SYMBOLS)
    text = " ".join(linear_trees.SYMBOLS)
    ids = built.encode(text)
    assert len(ids) == len(linear_trees.SYMBOLS)
    for each in (text, *texts[:3]):
        assert built.decode(built.encode(each)) == each
