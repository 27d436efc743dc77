"""Problems: how one is declared, and registered by its name. Importing this package is cheap."""

from t2t_mm.problem.declaration import Example, Problem
from t2t_mm.problem.registration import register_problem

__all__ = ["Example", "Problem", "register_problem"]
