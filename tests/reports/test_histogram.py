"""Histograms: every value in one bin, round widths, a tail that shares one."""

import itertools
import random
import xml.etree.ElementTree as ET

import pytest

from t2t_mm.reports import histogram


@pytest.mark.parametrize(
    "values",
    [
        [5],
        [0],
        [3, 3, 3],
        list(range(20)),
        list(range(21)),
        [1] * 990 + [10_000] * 10,
        [7, 1_000_000],
    ],
)
def test_every_value_is_counted_in_the_bin_that_holds_it(values):
    found = histogram.Histogram.of(values, unit="tokens")
    assert sum(b.count for b in found.bins) == len(values) == found.count
    for b in found.bins:
        inside = [v for v in values if b.start <= v and (b.stop is None or v < b.stop)]
        assert len(inside) == b.count
    assert (found.minimum, found.maximum) == (min(values), max(values))
    assert found.bins[0].count
    assert found.bins[-1].count
    assert len(found.bins) <= 23


def test_a_long_tail_shares_a_bin():
    draw = random.Random(0)
    values = [draw.randint(1, 40) for _ in range(1000)]
    found = histogram.Histogram.of([*values, 5000], unit="tokens")
    assert found.bins[-1].stop is None
    assert found.bins[-1].count == 1
    assert len(found.bins) > 10  # the many short ones are still told apart


def test_numbers():
    found = histogram.Histogram.of(list(range(1, 101)), unit="tokens")
    assert (found.median, found.p95, found.mean) == (51, 95, 50.5)
    assert "1 to 100 tokens, mean 50.5" in found.summary()
    described = found.describe()
    assert described["examples"] == 100
    assert described["histogram"][0] == {"from": 0, "to": 5, "count": 4}


def test_bars_are_in_proportion():
    lines = histogram.bars([("a", 8), ("bb", 4), ("c", 0)], width=8)
    assert lines == [" a ████████ 8", "bb ████ 4", " c  0"]


def test_bars_leave_room_for_labels_and_counts():
    counts = [("a class of 21 letters", 12_345), ("b", 1)]
    lines = histogram.bars(counts, columns=58)
    assert max(map(len, lines)) == 58  # 21 + 1 + 29 + 1 + 6
    assert lines[0].endswith("█ 12,345")
    assert len(histogram.bars(counts)[0]) == 21 + 1 + 40 + 1 + 6


def test_svg_is_well_formed_and_escaped():
    drawn = histogram.svg([("<a>", 3), ("&", 12_000)], title='"x" <y>')
    root = ET.fromstring(drawn)
    bars = [e for e in root.iter("rect") if e.get("class") == "bar"]
    heights = [float(b.get("height")) for b in bars]
    assert heights[0] == pytest.approx(heights[1] * 3 / 12_000, abs=0.1)
    assert ET.fromstring(histogram.svg([], title="")) is not None


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (1, ["1"]),
        (3, ["1", "2", "3"]),
        (7, ["2", "4", "6"]),  # 7 / 5 = 1.4, so every 2
        (45, ["10", "20", "30", "40"]),
        (12_345, ["5,000", "10k"]),  # 12,345 / 5 = 2,469, so every 5,000
        (1_234_567, ["500k", "1,000k"]),
    ],
)
def test_the_axis_of_counts_has_whole_round_numbers(most, ticks):
    root = ET.fromstring(histogram.svg([("a", most), ("b", 0)], title=""))
    assert [e.text for e in root.iter("text") if e.get("text-anchor") == "end"] == ticks


@pytest.mark.parametrize("label", ["7", "1000-1099", "a class of many words"])
def test_labels_under_bars_do_not_run_into_each_other(label):
    root = ET.fromstring(histogram.svg([(label, 1)] * 20, title=""))
    shown = [e for e in root.iter("text") if e.get("text-anchor") == "middle"]
    places = [float(e.get("x")) for e in shown]
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert min(gaps) > 6 * len(shown[0].text)
