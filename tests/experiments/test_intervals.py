import math

import pytest

from t2t_mm.experiments import intervals


@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423)],
)
def test_quantiles_are_those_of_the_tables(freedom, t):
    assert intervals.t_quantile(freedom) == pytest.approx(t, abs=5e-5)


def test_mean_spread_and_interval():
    found = intervals.spread([1.0, 2.0, 6.0])
    # mean 3; squares of 2, 1, 3 sum to 14, over 2 is 7; 4.3027 * sqrt(7) / sqrt(3) = 6.5725
    assert found.mean == 3.0
    assert found.sd == pytest.approx(math.sqrt(7))
    assert (found.low, found.high) == pytest.approx((3 - 6.5725, 3 + 6.5725), abs=1e-4)
    assert found.size == 3


def test_one_value_has_no_spread():
    found = intervals.spread([2.5])
    assert found.mean == 2.5
    assert math.isnan(found.sd) and math.isnan(found.low)
    with pytest.raises(ValueError, match="no values"):
        intervals.spread([])
