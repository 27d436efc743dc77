"""What a step of two workers is made of."""

import pytest

from benchmarks import multi_worker


def test_the_parts_of_a_step_add_up_to_it():
    # Alone a step takes 2 s on average, 2.5 while the other core works; of each pair the longer
    # one takes 3 and 4, so 1 is waited; of 6 s together 0.5 are sums of gradients, 2 are left.
    parts = multi_worker.of_step(
        one=[[1.0, 2.0], [2.0, 3.0]],
        apart=[[3.0, 1.0], [2.0, 4.0]],
        together=[[5.0, 7.0], [5.0, 7.0]],
        sums=[[0.5], [0.5]],
    )
    assert list(parts.values()) == pytest.approx([2.0, 0.5, 1.0, 0.5, 2.0])
    assert sum(parts.values()) == pytest.approx(6.0)
