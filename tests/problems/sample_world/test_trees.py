import hashlib

import pytest

from t2t_mm.problems.sample_world import english, scene, trees
from t2t_mm.trees import linear_trees, penn


def scenes(count, seed=7):
    return [scene.draw(seed, "train", number) for number in range(count)]


def thing(words, plural=False):
    determiner, *told, shape = words.split()
    found = dict.fromkeys(("size", "pattern", "colour"), "")
    for word in told:
        for name, options in (
            ("size", scene.SIZES), ("pattern", scene.PATTERNS), ("colour", scene.COLOURS),
        ):  # fmt: skip
            if word in options:
                found[name] = word
    return scene.Thing(shape=shape, determiner=determiner, plural=plural, **found)


STAR = thing("the big green star")
CIRCLES = thing("two striped blue circle", plural=True)
ARROW = thing("a black arrow")

CASES = {
    "a particle, a place, a time": (
        scene.Scene(
            "statement",
            scene.Clause(
                STAR, "push away", "past", target=CIRCLES, relation="in front of",
                landmark=ARROW, adverb="gladly", time="a week ago",
            ),
        ),
        "(S (NP-SBJ (DT The) (JJ big) (JJ green) (NN star)) (ADVP-MNR (RB gladly)) "
        "(VP (VBD pushed) (PRT (RP away)) (NP (CD two) (JJ striped) (JJ blue) (NNS circles)) "
        "(PP-LOC (IN in) (NP (NP (NN front)) (PP (IN of) (NP (DT a) (JJ black) (NN arrow))))) "
        "(ADVP-TMP (NP (DT a) (NN week)) (RB ago))) (. .))",
    ),
    "a question": (
        scene.Scene("question", scene.Clause(ARROW, "look for", "present", target=STAR)),
        "(SQ (VBZ Does) (NP-SBJ (DT a) (JJ black) (NN arrow)) (VP (VB look) "
        "(PP-CLR (IN for) (NP (DT the) (JJ big) (JJ green) (NN star)))) (. ?))",
    ),
    "a report": (
        scene.Scene(
            "report", scene.Clause(CIRCLES, "fall asleep", "can", adverb="often"), "she says"
        ),
        "(S (NP-SBJ (PRP She)) (VP (VBZ says) (SBAR (IN that) (S (NP-SBJ (CD two) (JJ striped) "
        "(JJ blue) (NNS circles)) (VP (MD can) (ADVP-TMP (RB often)) (VP (VB fall) "
        "(ADJP-PRD (JJ asleep))))))) (. .))",
    ),
    "a clause of time": (
        scene.Scene(
            "pair", scene.Clause(STAR, "shine", "present"), "when",
            scene.Clause(CIRCLES, "turn", "present"),
        ),
        "(S (NP-SBJ (DT The) (JJ big) (JJ green) (NN star)) (VP (VBZ shines) (SBAR-TMP "
        "(WHADVP-1 (WRB when)) (S (NP-SBJ (CD two) (JJ striped) (JJ blue) (NNS circles)) "
        "(VP (VBP turn) (ADVP-TMP (-NONE- *T*-1)))))) (. .))",
    ),
    "two sentences": (
        scene.Scene(
            "pair", scene.Clause(STAR, "wait", "future"), "but",
            scene.Clause(ARROW, "dance", "must"),
        ),
        "(S (S (NP-SBJ (DT The) (JJ big) (JJ green) (NN star)) (VP (MD will) (VP (VB wait)))) "
        "(, ,) (CC but) (S (NP-SBJ (DT a) (JJ black) (NN arrow)) (VP (MD must) (VP (VB dance)))) "
        "(. .))",
    ),
    "a relative clause": (
        scene.Scene(
            "relative",
            scene.Clause(ARROW, "stop", "present", relation="next to", landmark=STAR),
            second=scene.Clause(ARROW, "sleep", "past"),
        ),
        "(S (NP-SBJ (NP (DT A) (JJ black) (NN arrow)) (SBAR (WHNP-1 (WDT that)) (S (NP-SBJ "
        "(-NONE- *T*-1)) (VP (VBD slept))))) (VP (VBZ stops) (ADJP-LOC (JJ next) (PP (TO to) "
        "(NP (DT the) (JJ big) (JJ green) (NN star))))) (. .))",
    ),
    "what there is": (
        scene.Scene(
            "existence",
            scene.Clause(
                thing("a arrow"), "be", "present", target=thing("this cross", plural=True),
                relation="near", landmark=STAR,
            ),
        ),
        "(S (NP-SBJ (EX There)) (VP (VBZ is) (NP-PRD (NP (DT an) (NN arrow)) (CC and) "
        "(NP (DT these) (NNS crosses))) (PP-LOC (IN near) (NP (DT the) (JJ big) (JJ green) "
        "(NN star)))) (. .))",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_trees_checked_by_hand(name):
    what, wanted = CASES[name]
    assert penn.write(trees.tree(what)) == wanted


def test_sentences_are_those_that_there_were_before_the_trees():
    """The hash is of what the grammar wrote when it knew sentences only."""
    text = "".join(f"{english.write(what)}\n" for what in scenes(4_000))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "76b1099d33a08ee386966c808f171d16a6b461c1aa6bde36cfbf8d98dc0280cf"


def test_a_tree_is_over_the_words_of_its_sentence():
    for what in scenes(3_000, seed=3):
        words = trees.tree(what).words
        assert words == trees.words(what)
        sentence = english.write(what)
        assert sentence.replace(",", " ,")[:-1].split() + [sentence[-1]] == words


def test_labels_and_tags_are_those_of_the_treebank():
    labels, tags = set(), set()
    for what in scenes(3_000):
        tree = penn.clean(trees.tree(what))
        for symbol in linear_trees.write(tree).split():
            (labels if symbol[0] in "()" else tags).add(symbol)
    assert tags == {
        "DT", "CD", "JJ", "NN", "NNS", "NNP", "PRP", "EX", "VB", "VBD", "VBP", "VBZ", "MD", "RB",
        "RP", "IN", "TO", "CC", "WDT", "WRB", ",", ".",
    }  # fmt: skip
    assert {label[1:] for label in labels} == {
        "S", "SQ", "SBAR", "NP", "VP", "PP", "ADVP", "ADJP", "PRT", "WHNP", "WHADVP",
    }  # fmt: skip
    assert labels | tags <= set(linear_trees.SYMBOLS)


def test_every_tree_comes_back_from_its_linear_form():
    for what in scenes(1_000):
        tree = penn.clean(trees.tree(what))
        found, repairs = linear_trees.read(linear_trees.write(tree), tree.words)
        assert found == tree
        assert not repairs
