"""The public test kit, on problems that are whole and on some that are not."""

import subprocess
import sys
import textwrap
import unittest

import pytest

from t2t_mm import errors, testing

PROBLEM = """
    from t2t_mm import Problem, register_problem
    from t2t_mm.modality import Categorical, Language

    @register_problem("{name}")
    class Reviews(Problem):
        corpus = "reviews"
        layout = "train.tsv and test.tsv: a review, a tab, its stars"
        inputs = {{"review": Language()}}
        targets = Categorical(classes=("1", "2"))
        command = "to-stars"
        metrics = ("accuracy",)
        splits = ("train", "test")

        def generate_examples(self, split, files):
            for number, line in enumerate(files.lines(f"{{split}}.tsv")):
                review, stars = line.split("\\t")
                yield {key}, {{"review": review, "targets": stars}}
"""
RAW = {"reviews/train.tsv": "Dull\t1\nGreat\t2\nFine\t2\n", "reviews/test.tsv": "Bad\t1\nÖde\t1\n"}


def failures(tmp_path, name, key='f"{split}/{number}"', only=None, **attributes):
    """Runs the kit, or `only` one test of it, on a problem of its own; returns what failed."""
    usr_dir = tmp_path / name
    usr_dir.mkdir()
    (usr_dir / "reviews.py").write_text(textwrap.dedent(PROBLEM.format(name=name, key=key)))
    attributes = {"problem": name, "usr_dir": usr_dir, "raw_files": RAW, **attributes}
    case = type("ReviewsTest", (testing.ProblemTestCase,), attributes)
    result = unittest.TestResult()
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    unittest.TestSuite([case(only)] if only else suite).run(result)
    return [
        (getattr(test, "_testMethodName", "setUpClass"), text)
        for test, text in result.failures + result.errors
    ]


def test_a_whole_problem_passes(registries, tmp_path):
    assert failures(tmp_path, "kit_whole", expected_examples={"train": 3, "test": 2}) == []


def test_a_wrong_number_of_examples_is_found(registries, tmp_path):
    test = "test_records_hold_what_the_problem_declares"
    ((name, text),) = failures(tmp_path, "kit_short", only=test, expected_examples={"train": 4})
    assert name == test
    assert "3 != 4" in text


def test_an_overlap_of_splits_is_found(registries, tmp_path):
    raw_files = RAW | {"reviews/test.tsv": "Great\t2\n"}
    test = "test_splits_are_disjoint"
    ((name, text),) = failures(tmp_path, "kit_overlap", only=test, raw_files=raw_files)
    assert name == test
    assert "test overlaps" in text


def test_keys_that_repeat_are_found(registries, tmp_path):
    ((_, text),) = failures(tmp_path, "kit_repeat", key='"always the same"')
    assert "always the same" in text


def test_the_base_class_itself_is_skipped():
    with pytest.raises(unittest.SkipTest):
        testing.ProblemTestCase.setUpClass()


def test_generated_reads_without_writing(registries, tmp_path):
    testing.write_files(tmp_path / "raw", {"multi30k/data/x": b"\xff", "y": "ä"})
    assert (tmp_path / "raw" / "y").read_bytes() == "ä".encode()
    with pytest.raises(errors.DataError):
        testing.generated("multi30k_ende", "train", tmp_path / "raw")


@pytest.mark.slow
def test_two_devices_in_a_fresh_process():
    program = "from t2t_mm import testing; print(*testing.two_devices())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"/device:CPU:0", b"/device:CPU:1"]


def test_importing_the_kit_leaves_tensorflow_out():
    program = "import sys; from t2t_mm import testing; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
