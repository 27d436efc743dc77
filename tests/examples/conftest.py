"""A real Slurm of two nodes for the tests of a file."""

import pytest

from tests.examples import jobs


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The environment of commands to it."""
    with jobs.local_cluster(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment
