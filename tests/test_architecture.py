"""Folders import one way: down the floors of docs/architecture.md."""

import ast
import functools
import importlib

import pytest

from tests import architecture


def storeys():
    return architecture.floors(architecture.PAGE.read_text(encoding="utf-8"))


def order():
    return [floor.name for floor in storeys()]


def test_every_folder_and_file_of_the_package_has_a_floor():
    there = {architecture.folder(module) for module in architecture.modules()}
    assert there == set(order())
    assert len(order()) == len(set(order()))


def test_no_import_climbs():
    found = architecture.imports(architecture.modules())
    assert len(found) > 500  # they are seen
    assert architecture.climbing(found, order()) == []


def test_lazy_relative_and_type_only_imports_are_seen(tmp_path):
    sources = {
        "t2t_mm/__init__.py": "",
        "t2t_mm/low/__init__.py": "",
        "t2t_mm/low/a.py": "def f():\n    from t2t_mm.high import b\n",
        "t2t_mm/low/c.py": "if TYPE_CHECKING:\n    from ..high.b import Thing\n",
        "t2t_mm/low/d.py": "import t2t_mm.high.b\n",
        "t2t_mm/low/e.py": "from t2t_mm.problems import wmt\n",
        "t2t_mm/high/__init__.py": "",
        "t2t_mm/high/b.py": "from t2t_mm.low import a\n",
    }
    for name, source in sources.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    found = architecture.imports(architecture.modules(tmp_path))
    assert architecture.climbing(found, ["low", "high", "__init__"]) == [
        "t2t_mm.low.a:2 imports t2t_mm.high.b, which is above it",
        "t2t_mm.low.c:2 imports t2t_mm.high.b, which is above it",
        "t2t_mm.low.d:1 imports t2t_mm.high.b, which is above it",
        "t2t_mm.low.e:1 imports t2t_mm.problems, no part of it",
    ]


def test_modules_within_a_folder_do_not_import_in_circles():
    at_import = {}
    files = architecture.modules()
    for module, path in files.items():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        names = set()
        for node in body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("t2t_mm"):
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    names.add(full if full in files else node.module)
        at_import[module] = names - {module}
    done = set()

    def visit(module, way):
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for name in sorted(at_import.get(module, ())):
                visit(name, [*way, module])
            done.add(module)

    for module in sorted(files):
        visit(module, [])


def test_the_picture_is_drawn_from_the_table():
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture(storeys())


@pytest.mark.parametrize(("title", "most"), [("an example", 8), ("a step", 10), ("an answer", 8)])
def test_the_stations_of_a_journey_are_functions(title, most):
    journeys = architecture.journeys(architecture.PAGE.read_text(encoding="utf-8"))
    assert set(journeys) == {"an example", "a step", "an answer"}
    assert 0 < len(journeys[title]) <= most
    files = architecture.modules()
    for station in journeys[title]:
        folder, module, *names = station.split(".")
        assert f"{architecture.PACKAGE}.{folder}.{module}" in files
        found = importlib.import_module(f"{architecture.PACKAGE}.{folder}.{module}")
        assert callable(functools.reduce(getattr, names, found)), station
