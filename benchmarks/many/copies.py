"""Forty problems of the sample world, for measuring a run of many: given with --usr_dir.

They are copies of built-in problems, under names of their own: so each has its own records,
and pictures their own classes.
"""

from __future__ import annotations

from benchmarks import problems
from t2t_mm import register_problem, registry

for _number in range(problems.MANY):
    _original = problems.KINDS[_number % len(problems.KINDS)]
    _name = problems.name(_number)
    register_problem(_name)(type(_name, (registry.problems.get(_original),), {}))
