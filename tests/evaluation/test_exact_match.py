from t2t_mm.evaluation import base, exact_match


def test_white_space_at_the_ends_does_not_count_and_case_does():
    metric = exact_match.ExactMatch()
    metric.update(base.Decodes(["a b ", "A b", "a  b"], ["a b", "a b", "a b"]))
    assert metric.result() == {"exact_match": 1 / 3}
