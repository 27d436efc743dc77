"""The problems of the benchmark of many."""

import json

from benchmarks import problems
from tests import conftest


def test_there_are_forty_of_four_kinds(python):
    where = f"--usr_dir={conftest.REPOSITORY / 'benchmarks' / 'many'}"
    done = python(
        "-m", "t2t_mm.bin.list", "--problems=many_*", where, "--json", cwd=conftest.REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    names = [one["name"] for one in json.loads(done.stdout)["problems"]]
    assert names == [problems.name(number) for number in range(40)]
