from t2t_mm.evaluation import base, exact_match


def measured(outputs, references):
    metric = exact_match.ExactMatch()
    metric.update(base.Decodes(outputs, references))
    return metric.result()


def test_white_space_at_the_ends_does_not_count_and_case_does():
    references = [("a b",), ("a b",), ("a b",)]
    assert measured(["a b ", "A b", "a  b"], references) == {"exact_match": 1 / 3}


def test_any_reference_will_do():
    references = [("two", "a pair"), ("two", "a pair")]
    assert measured(["a pair", "three"], references) == {"exact_match": 1 / 2}
