import pytest

from t2t_mm import errors
from t2t_mm.trees import penn

STAR = "(S (NP-SBJ-1 (DT The) (NN star) ) (VP (VBZ shines) (NP (-NONE- *T*-2) )) (. .) )"
CLEAN = "(S (NP (DT The) (NN star)) (VP (VBZ shines)) (. .))"


def cleaned(text):
    return penn.write(penn.clean(penn.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        f"( {STAR})\n( {STAR})\n",
        f"({STAR})({STAR})",
        f"{STAR} {STAR}",
        f"\n\n(\n{STAR}\n)\n\n\n(\t{STAR} )".replace(" (", "\n("),
        f"( {STAR.replace(' (', chr(10) + '      (')})\n" * 2,
    ],
    ids=["a line", "no space", "no outer bracket", "all lines begin with brackets", "indented"],
)
def test_trees_are_read_in_whatever_lines_they_stand(text):
    found = penn.read(text, "some.mrg")
    assert [penn.write(penn.clean(tree)) for tree in found] == [CLEAN, CLEAN]


def test_cleaning_drops_functions_and_what_is_not_spoken():
    assert cleaned(f"( {STAR})") == CLEAN
    assert cleaned("(TOP (S (PRT|ADVP (RP up)) (NP=2 (NN a)) (-LRB- -LRB-)))") == (
        "(S (PRT (RP up)) (NP (NN a)) (-LRB- -LRB-))"
    )
    assert cleaned("( (NP (NN a)) (. .))") == "(TOP (NP (NN a)) (. .))"
    assert cleaned("( (NN a))") == "(TOP (NN a))"
    assert penn.clean(penn.parse("( (S (NP (-NONE- *)) (VP (-NONE- *))))")) is None


def test_words_are_as_they_were_before_the_treebank_escaped_them():
    text = r"(NP (-LRB- -LRB-) (CD 3\/4) (SYM \*) (-NONE- *T*-1) (NN a) (-RRB- -RCB-))"
    tree = penn.parse(text)
    assert tree.words == ["(", "3/4", "*", "a", "}"]
    assert [leaf.word for leaf in tree.leaves()] == ["(", "3/4", "*", "*T*-1", "a", "}"]
    assert penn.write(tree) == text


def test_writing_and_reading_are_inverse():
    tree = penn.parse(f"( {STAR})")
    assert penn.parse(penn.write(tree)) == tree
    inner = tree.children[0]
    text = penn.lay_out(inner)
    assert penn.parse(text) == tree
    assert text.splitlines() == [
        "( (S ",
        "    (NP-SBJ-1 (DT The) (NN star))",
        "    (VP ",
        "      (VBZ shines)",
        "      (NP (-NONE- *T*-2)))",
        "    (. .)))",
    ]


def test_other_words_can_be_put_in():
    tree = penn.parse(STAR).with_words(["A", "moon", "glows", "!"])
    assert tree.words == ["A", "moon", "glows", "!"]
    assert penn.write(penn.clean(tree)) == CLEAN.replace("The", "A").replace(
        "star", "moon"
    ).replace("shines", "glows").replace("(. .)", "(. !)")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (STAR[:-1], "an opening bracket too many"),
        (f"{STAR} )", "a closing bracket too many"),
        ("( (S (NP ) (VP (VBZ is) )))", r"the bracket \(NP\)"),
        ("( )", r"the bracket \(\)"),
        ("( (S (NP a dog) ))", r"the bracket \(NP a dog\)"),
        ("( (S (NP (NN dog) barks) ))", "'barks' beside brackets"),
        ("( (S ((NN dog)) ))", "a phrase with 0 labels"),
        ("( (S A (NN dog) ))", "a phrase with 2 labels"),
        ("(" * 3_000, "more than 200 brackets inside each other"),
    ],
)
def test_a_broken_tree_is_named_and_does_not_cost_the_others(broken, reason):
    found = penn.read(f"( {STAR})\n{broken}\n( {STAR})\n", "wsj_0001.mrg")
    assert [type(tree) for tree in found] == [penn.Tree, errors.BadExampleError, penn.Tree]
    message = r"A tree cannot be read: tree 2 of wsj_0001\.mrg\. Received: " + reason
    with pytest.raises(errors.BadExampleError, match=message):
        raise found[1]


def test_two_mistakes_that_even_out_are_seen():
    found = penn.read(f"( {STAR}\n( {STAR}))\n( {STAR})\n", "x")
    assert [isinstance(tree, penn.Tree) for tree in found] == [False, False, True]


def test_text_that_is_no_bracketing_is_an_error_and_nothing_is_nothing():
    assert penn.read(" \n", "x") == []
    (found,) = penn.read("Pierre Vinken , 61 years old\n", "x")
    assert "'Pierre' outside all brackets" in str(found)


def test_a_word_that_cannot_be_written_is_refused():
    for word in ("", "two words"):
        with pytest.raises(ValueError, match="not one word"):
            penn.write(penn.Tree("NN", word=word))


def test_usual_tags():
    signs = [",", ".", "?", "--", "``", "(", "$", "dog", "42"]
    assert [penn.usual_tag(word) for word in signs] == [
        ",", ".", ".", ":", "``", "-LRB-", "$", "NN", "NN",
    ]  # fmt: skip
    assert {penn.usual_tag(word) for word in signs} <= set(penn.TAGS)
