"""Trees as a constraint, against all strings of symbols that there are."""

import itertools

import pytest
import tensorflow as tf

from t2t_mm import errors, vocabulary
from t2t_mm.constraints import brackets
from t2t_mm.trees import linear_trees
from tests.constraints import pieces

SINGLE = {"(A": [3], "(B": [4], ")A": [5], ")B": [6], "x": [7], "y": [8]}
# "(A" begins "(B" too, ")A" begins ")B", and "x" begins "y".
NESTED = {"(A": [3], "(B": [3, 4], ")A": [5], ")B": [5, 4], "x": [6], "y": [6, 7, 7]}
# All words begin alike, as where signs are written as bytes.
SHARED = {"(A": [3, 4], "(B": [3, 4, 5], ")A": [3, 6], ")B": [3, 6, 5], "x": [3, 7], "y": [3, 8]}

# As many pieces as places in spellings, though one symbol has two.
CHAIN = {"(A": [3], "(B": [4, 9], ")A": [5], ")B": [6], "x": [7], "y": [8]}


def trees(vocab, **others):
    names = {"opening": ["(A", "(B"], "closing": [")A", ")B"], "leaves": ["x", "y"], **others}
    return brackets.LabelledBrackets(vocab, words_of="inputs", **names)


def is_tree(symbols, words, deepest=200):
    """Says by rewriting whether symbols are one tree over so many words, no phrase empty."""
    depth = most = 0
    for symbol in symbols:
        depth += symbol[0] == "("
        most = max(most, depth)
        depth -= symbol[0] == ")"
    leaves = sum(symbol in "xy" for symbol in symbols)
    text = "".join("x" if symbol in "xy" else symbol for symbol in symbols)
    before = ""
    while before != text:
        before = text
        for whole in ("(Ax)A", "(Bx)B"):
            text = text.replace(whole, "P")
        text = text.replace("PP", "P").replace("Px", "P").replace("xP", "P").replace("xx", "x")
        text = text.replace("(AP)A", "P").replace("(BP)B", "P")
    whole = text == "P" and symbols[0][0] == "(" and leaves == words and most <= deepest
    # One phrase, and not two side by side: it closes only at the end.
    depths = itertools.accumulate((s[0] == "(") - (s[0] == ")") for s in symbols)
    return whole and all(d > 0 for d in list(depths)[:-1])


@pytest.mark.parametrize(("words", "most"), [(1, 6), (2, 6)])
@pytest.mark.parametrize("spellings", [SINGLE, NESTED, SHARED, CHAIN])
def test_exactly_the_trees_within_the_room_are_allowed(spellings, words, most):
    vocab = pieces.Spelt(spellings)
    # Of one word: "(A x )A" is the shortest; of six symbols at most, all there are: 6^6.
    expected = {
        " ".join(symbols)
        for count in range(3, most + 1)
        for symbols in itertools.product(spellings, repeat=count)
        if is_tree(symbols, words)
    }
    costs = {text: len(vocab.encode(text)) + 1 for text in expected}
    # A longer string of symbols has more pieces than the room.
    room = (most + 1) * min(map(len, spellings.values()))
    found = pieces.every_output(trees(vocab), " ".join("w" * words), room)
    assert len(found) == len({tuple(one) for one in found})
    assert {vocab.decode(one[:-1]) for one in found} == {t for t, c in costs.items() if c <= room}
    assert found


def test_trees_are_no_deeper_than_asked():
    vocab = pieces.Spelt(SINGLE)
    found = pieces.every_output(trees(vocab, deepest=1), "w w", 8)
    # (A or (B, and two leaves of two kinds: nothing else is one phrase of depth 1.
    assert len(found) == 2 * 2 * 2
    assert all(is_tree(vocab.decode(one[:-1]).split(), 2, deepest=1) for one in found)


def test_where_no_tree_fits_the_shortest_is_begun():
    vocab = pieces.Spelt(SINGLE)
    constraint = trees(vocab)
    state = constraint.initial({"inputs": tf.constant(["w w w"])}, tf.constant(1))
    kinds = []
    for room in (3, 2, 1):
        mask = constraint.allowed(state, tf.constant([room])).numpy()[0]
        kinds.append({vocab.decode([t])[0] for t in constraint.tokens[mask] if t != 1})
        state = constraint.advance(state, tf.constant(constraint.tokens[mask][:1], tf.int32))
    assert kinds == [{"("}, {"x", "y"}, {"x", "y"}]


@pytest.mark.parametrize("symbols", [linear_trees.SYMBOLS, ()])
def test_any_walk_is_a_tree_that_needs_no_repair(symbols):
    sentences = ["a dog", "the cat sleeps .", "no", "  the  old dog and the young cat sleep"]
    vocab = vocabulary.build("words", sentences * 5, size=600, symbols=symbols)
    is_whole = [len(vocab.encode(symbol)) == 1 for symbol in linear_trees.SYMBOLS]
    assert all(is_whole) == bool(symbols)  # else most are spelt in bytes
    constraint = brackets.LabelledBrackets(
        vocab,
        opening=[s for s in linear_trees.SYMBOLS if s[0] == "("],
        closing=[s for s in linear_trees.SYMBOLS if s[0] == ")"],
        leaves=[s for s in linear_trees.SYMBOLS if s[0] not in "()"],
        words_of="inputs",
        deepest=20,
    )
    for one, text in zip(pieces.walk(constraint, sentences, 90, 3), sentences, strict=True):
        assert one[-1] == vocabulary.EOS_ID
        tree, repairs = linear_trees.read(vocab.decode(one), text.split())
        assert not repairs
        assert tree.words == text.split()


@pytest.mark.parametrize(
    ("spellings", "names"),
    [
        (SINGLE, {"closing": [")A"]}),
        (SINGLE, {"leaves": ["x", "x"]}),
        ({**SINGLE, "y": [7]}, {}),
    ],
)
def test_symbols_that_do_not_come_back_are_refused(spellings, names):
    with pytest.raises(errors.ConfigError, match="does not restore the symbols"):
        trees(pieces.Spelt(spellings), **names)


@pytest.mark.parametrize("names", [{"leaves": []}, {"opening": [], "closing": []}])
def test_a_tree_without_a_label_or_a_leaf_is_refused(names):
    with pytest.raises(errors.ConfigError, match="need symbols that open a phrase, and leaves"):
        trees(pieces.Spelt(SINGLE), **names)
