from t2t_mm.evaluation import base, exact_match


def measured(outputs, references):
    metric = exact_match.ExactMatch()
    metric.update(base.Decodes(outputs, references))
    return metric.result()


def test_white_space_only_parts_words_and_case_counts():
    references = [("a b",)] * 5
    # Equal: ends, runs, a line end. Unequal: case, and words run together.
    outputs = [" a b ", "a  \t b", "a\nb", "A b", "ab"]
    assert measured(outputs, references) == {"exact_match": 3 / 5}


def test_a_tree_may_be_laid_out_in_any_way():
    tree = "(S (NP (DT A) (NN dog))\n   (VP (VBZ runs)))"
    assert measured(["(S (NP (DT A) (NN dog)) (VP (VBZ runs)))"], [(tree,)]) == {"exact_match": 1}


def test_any_reference_will_do():
    references = [("two", "a pair"), ("two", "a pair")]
    assert measured(["a pair", "three"], references) == {"exact_match": 1 / 2}
