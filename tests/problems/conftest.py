"""Real corpora, for the tests that read them."""

import os
import pathlib

import pytest


@pytest.fixture
def real_data():
    """Returns a function from a corpus to its folder's parent; skips where it is absent."""
    place = os.environ.get("T2T_MM_REAL_DATA")
    root = pathlib.Path(place or pathlib.Path(__file__).parents[3] / "shared" / "data")

    def find(corpus):
        if not (root / corpus).is_dir():
            pytest.skip(f"no real corpus {corpus} in {root} (T2T_MM_REAL_DATA names another place)")
        return root

    return find
