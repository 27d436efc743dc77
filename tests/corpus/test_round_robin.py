from t2t_mm.corpus import round_robin


def test_all_groups_come_before_the_second_of_any():
    groups = {"a": [1, 2, 3], "b": [4], "empty": [], "c": (5, 6)}
    found = list(round_robin.take_turns(groups))
    assert found == [("a", 1), ("b", 4), ("c", 5), ("a", 2), ("c", 6), ("a", 3)]


def test_groups_are_read_only_as_far_as_needed():
    read = []

    def group(name):
        for number in range(100):
            read.append((name, number))
            yield number

    first = round_robin.take_turns({name: group(name) for name in "ab"})
    assert [next(first) for _ in range(3)] == [("a", 0), ("b", 0), ("a", 1)]
    assert read == [("a", 0), ("b", 0), ("a", 1)]
