import gzip
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import errors, registry, testing, vocabulary
from t2t_mm.data import manifest
from t2t_mm.data import task as task_lib
from t2t_mm.datagen import generate
from t2t_mm.evaluation import base, bracket_f1
from t2t_mm.problems.sample_world import scene, trees
from t2t_mm.trees import linear_trees, penn

TREE = "( (S (NP-SBJ (DT The) (NN {word}) ) (VP (VBZ shines) ) (. .) ))\n"
TARGET = "(S (NP DT NN )NP (VP VBZ )VP . )S"


def treebank(*names, top="treebank/wsj"):
    """Raw files of one tree each, whose noun is the name of its file."""
    return {f"{top}/{name[:2]}/wsj_{name}.mrg": TREE.format(word=f"wsj_{name}") for name in names}


def read(split, folder):
    """The nouns of a split, which are the names of the files read for it."""
    examples = testing.generated("wsj_parsing", split, folder)
    assert {example["targets"] for _, example in examples} <= {TARGET}
    return [example["inputs"].split()[1].removeprefix("wsj_") for _, example in examples]


class SampleTreebankTest(testing.ProblemTestCase):
    problem = "wsj_parsing"
    expected_examples = {"train": 40, "validation": 200, "test": 200}


@pytest.mark.parametrize("top", ["treebank/parsed/mrg/wsj", "treebank/wsj", "wsj", "treebank"])
def test_the_standard_sections(tmp_path, top):
    testing.write_files(
        tmp_path, treebank("0001", "0201", "0202", "2199", "2200", "2300", "2400", top=top)
    )
    assert read("train", tmp_path) == ["0201", "0202", "2199"]
    assert read("validation", tmp_path) == ["2200"]
    assert read("test", tmp_path) == ["2300"]


def test_examples_are_words_and_a_linear_tree(tmp_path):
    trees = TREE.format(word="1\\/2") + "\n" + TREE.format(word="-LRB-")
    testing.write_files(tmp_path, {"treebank/wsj/02/wsj_0201.mrg": trees})
    assert testing.generated("wsj_parsing", "train", tmp_path) == [
        ("wsj/02/wsj_0201/1", {"inputs": "The 1/2 shines .", "targets": TARGET}),
        ("wsj/02/wsj_0201/2", {"inputs": "The ( shines .", "targets": TARGET}),
    ]


def test_files_for_training_stand_in_for_sections_that_are_missing(tmp_path):
    names = [f"02{number:02}" for number in range(20)]
    testing.write_files(tmp_path, treebank(*names, "0001", "2300"))
    assert read("validation", tmp_path) == ["0208", "0218"]
    assert read("test", tmp_path) == ["2300"]
    assert read("train", tmp_path) == [n for n in names if n not in ("0208", "0218")]


def test_other_sections_are_divided_where_the_standard_ones_are_missing(tmp_path):
    names = [f"00{number:02}" for number in range(12)]
    testing.write_files(tmp_path, treebank(*names, "2200"))
    assert read("validation", tmp_path) == ["2200"]
    assert read("test", tmp_path) == ["0009"]
    assert read("train", tmp_path) == [n for n in names if n != "0009"]


def lists(*names):
    return {f"treebank/lists/wsj_{name}.trees": TREE.format(word=name) * 2 for name in names}


def test_lists_of_trees_are_taken_as_they_are_divided(tmp_path):
    testing.write_files(tmp_path, lists("train", "dev", "test") | treebank("0001", "2200"))
    assert read("train", tmp_path) == ["train", "train"]
    assert read("validation", tmp_path) == ["dev", "dev"]
    assert read("test", tmp_path) == ["test", "test"]


def test_the_standard_sections_go_before_lists(tmp_path):
    testing.write_files(tmp_path, lists("train", "dev") | treebank("0201", "2200"))
    assert read("train", tmp_path) == ["0201"]


def test_without_trees_for_testing_there_is_no_test_split(tmp_path):
    testing.write_files(tmp_path / "raw", lists("train", "dev"))
    for status in ("generated", "unchanged"):
        done = generate.generate(
            "wsj_parsing", tmp_path / "data", manual_dir=tmp_path / "raw", workers=1
        )
        assert done["problems"]["wsj_parsing"]["status"] == status
    found = manifest.Manifest.load(tmp_path / "data", "wsj_parsing", "1.0.0")
    assert found.splits == ("train", "validation")
    task = task_lib.Task.from_data("wsj_parsing", tmp_path / "data")
    assert task.splits == ("train", "validation")


def test_two_treebanks_are_not_mixed(tmp_path):
    files = treebank("0201") | treebank("0202", top="treebank/old/wsj")
    testing.write_files(tmp_path, files)
    with pytest.raises(errors.DataError, match="more than one treebank .*: old/wsj and wsj"):
        read("train", tmp_path)


def test_missing_files_say_the_layout(tmp_path):
    with pytest.raises(errors.DataError, match=r"Expected: parsed/mrg/wsj/SS/wsj_SSNN\.mrg"):
        read("train", tmp_path)


BROKEN = {
    "treebank/wsj/02/wsj_0201.mrg": TREE.format(word="one")
    + TREE.format(word="two")[:-2]
    + "\n"
    + TREE.format(word="three")
    + "( (S (NP (-NONE- *)) ))\n",
    **treebank("2200"),
}


def make(folder, **options):
    return generate.generate(
        "wsj_parsing", folder / "data", manual_dir=folder / "raw", workers=1, **options
    )


def test_broken_trees_are_named(tmp_path):
    testing.write_files(tmp_path / "raw", BROKEN)
    message = r"A tree cannot be read: tree 2 of wsj/02/wsj_0201\.mrg\. .*an opening bracket"
    with pytest.raises(errors.BadExampleError, match=message):
        make(tmp_path)


def test_broken_trees_can_be_left_out_and_are_counted(tmp_path):
    testing.write_files(tmp_path / "raw", BROKEN)
    make(tmp_path, max_bad_examples=2)
    found = manifest.Manifest.load(tmp_path / "data", "wsj_parsing", "1.0.0")
    assert found.examples("train") == 2
    assert sorted(found.details["skipped"].items()) == [
        ("inputs: A tree cannot be read", 1), ("inputs: A tree has no words", 1),
    ]  # fmt: skip


def test_line_ends_of_windows_a_mark_and_gzip_do_no_harm(tmp_path):
    text = TREE.format(word="wsj_0201").replace("(VP", "\n (VP").replace("\n", "\r\n")
    packed = gzip.compress(b"\xef\xbb\xbf" + text.encode() * 2)
    testing.write_files(tmp_path, {"treebank/wsj/02/wsj_0201.mrg.gz": packed})
    assert read("train", tmp_path) == ["0201", "0201"]


@pytest.mark.parametrize("byte", [b"\xe9", b"\x00"])
def test_a_tree_that_is_no_text_is_named(tmp_path, byte):
    broken = TREE.format(word="X").encode().replace(b"X", b"X" + byte)
    files = {"treebank/wsj/02/wsj_0201.mrg": TREE.format(word="good").encode() + broken}
    testing.write_files(tmp_path / "raw", files | treebank("2200"))
    with pytest.raises(errors.BadExampleError, match=r"example 'wsj/02/wsj_0201/2'"):
        make(tmp_path)


def simple_answer(words):
    return registry.problems.get("wsj_parsing")().simple_answer({"inputs": words.encode()})


def test_the_simple_answer_branches_to_the_right():
    assert simple_answer("The star shines .") == "(S NN (VP NN (VP NN )VP )VP . )S"
    assert simple_answer("Yes") == "(S NN )S"
    assert simple_answer(".") == "(S . )S"
    long = " ".join(["word"] * 400) + " ."
    tree, repairs = linear_trees.read(simple_answer(long), long.split())
    assert not repairs
    assert tree.words == long.split()


def all_trees(root):
    for path in sorted(root.glob("treebank/wsj/*/*.mrg")):
        for tree in penn.read(path.read_text(), path.name):
            yield penn.clean(tree)


@pytest.mark.real_data
def test_the_real_treebank(real_data):
    root = real_data("treebank")
    examples = {
        split: dict(testing.generated("wsj_parsing", split, root))
        for split in ("train", "validation", "test")
    }
    assert {split: len(found) for split, found in examples.items()} == {
        "train": 3_188, "validation": 300, "test": 0,
    }  # fmt: skip
    first = examples["train"]["one_tree_per_line/wsj_train/2"]
    assert first == {
        "inputs": "Mr. Vinken is chairman of Elsevier N.V. , the Dutch publishing group .",
        "targets": "(S (NP NNP NNP )NP (VP VBZ (NP (NP NN )NP (PP IN (NP (NP NNP NNP )NP , "
        "(NP DT NNP VBG NN )NP )NP )PP )NP )VP . )S",
    }
    for found in examples.values():
        for example in found.values():
            tags = linear_trees.tags(example["targets"])
            assert len(example["inputs"].split(" ")) == len(tags)


@pytest.mark.real_data
def test_all_real_files_are_read_and_every_tree_comes_back(real_data):
    root = real_data("treebank")
    assert len(list(root.glob("treebank/wsj/*/*.mrg"))) == 167
    trees = list(all_trees(root))
    assert len(trees) == 3_488
    for tree in trees:
        text = linear_trees.write(tree)
        assert set(text.split()) <= set(linear_trees.SYMBOLS)
        assert linear_trees.read(text, tree.words) == (tree, {})
    by_line = [
        penn.clean(tree)
        for name in ("train", "dev")
        for tree in penn.read(
            (root / f"treebank/one_tree_per_line/wsj_{name}.trees").read_text(), name
        )
    ]
    assert sorted(map(penn.write, by_line)) == sorted(map(penn.write, trees))


@pytest.mark.real_data
def test_the_simple_answer_of_real_sentences(real_data):
    examples = testing.generated("wsj_parsing", "validation", real_data("treebank"))
    metric = bracket_f1.BracketF1()
    outputs = [simple_answer(example["inputs"]) for _, example in examples]
    metric.update(base.Decodes(outputs, [(example["targets"],) for _, example in examples]))
    result = metric.result()
    assert result["bracket_repaired"] == 0
    assert 0.1 < result["bracket_f1"] < 0.4


def test_right_trees_are_among_those_that_decoding_may_write():
    golds = [penn.clean(trees.tree(scene.draw(1, "train", number))) for number in range(40)]
    texts, targets = [" ".join(g.words) for g in golds], [linear_trees.write(g) for g in golds]
    symbols = linear_trees.SYMBOLS
    vocab = vocabulary.build("mm_8k", [*texts, *targets], size=600, symbols=symbols)
    rule = registry.problems.get("wsj_parsing")().constraint(SimpleNamespace(vocabulary=vocab))
    ids = [[*vocab.encode(target), vocabulary.EOS_ID] for target in targets]
    state = rule.initial({"inputs": tf.constant(texts)}, tf.constant(len(texts)))
    for step in range(max(map(len, ids))):
        tokens = [one[step] if step < len(one) else vocabulary.PAD_ID for one in ids]
        left = [max(len(one) - step, 1) for one in ids]  # no more room than the tree takes
        mask = rule.allowed(state, tf.constant(left)).numpy()
        places = np.searchsorted(rule.tokens, tokens)
        for row, place in enumerate(places):
            assert step >= len(ids[row]) or mask[row, place], (targets[row], step)
        state = rule.advance(state, tf.constant(tokens))
