"""Two batches at a time, in order."""

import itertools
import threading

import pytest

from t2t_mm.decoding import concurrent


def test_every_batch_comes_back_with_its_result_in_order():
    assert list(concurrent.each(lambda n: n * n, range(9))) == [(n, n * n) for n in range(9)]
    assert list(concurrent.each(abs, [])) == []


def test_the_first_is_done_alone_and_then_two_at_once():
    main, pair = threading.get_ident(), threading.Barrier(2, timeout=30)
    threads = []

    def work(number):
        threads.append(threading.get_ident())
        if number:
            pair.wait()  # fails unless another is at work
        return number

    assert [n for _, n in concurrent.each(work, range(5))] == [0, 1, 2, 3, 4]
    assert threads[0] == main and main not in threads[1:]
    assert len(set(threads[1:])) == concurrent.AT_ONCE == 2


def test_batches_are_taken_as_they_are_needed():
    taken = []
    batches = (taken.append(n) or n for n in itertools.count())
    results = concurrent.each(lambda n: n, batches)
    for wanted in range(4):
        assert next(results) == (wanted, wanted)
        assert len(taken) <= wanted + 1 + concurrent.AT_ONCE
    results.close()


def test_an_error_comes_where_the_result_would_have_come():
    def work(number):
        if number == 3:
            raise ValueError("of number 3")
        return number

    results = concurrent.each(work, itertools.count())
    assert [n for _, n in itertools.islice(results, 3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="of number 3"):
        next(results)
