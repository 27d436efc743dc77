"""Finds and loads plugins: installed packages, and folders of the user's own.

They are loaded in this order:

1. the framework's own parts (`t2t_mm.plugins.builtins`);
2. the entry-point group `t2t_mm.plugins` of every installed distribution; each
   entry point names a module or a package. The built-in problems are among these;
3. folders of `--usr_dir`, or of the environment variable `T2T_MM_USR_DIR`.

Each module of a package or folder is imported by itself, then each table: a `.toml` file
that declares a problem (`t2t_mm.problem_bases.tables`). A failed one is unregistered and
reported; only requests for its problems fail.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import pathlib
import pkgutil
import sys
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from t2t_mm import errors, registry
from t2t_mm.files import mirrors, paths
from t2t_mm.plugins import builtins
from t2t_mm.problem_bases.tables import declaration as tables
from t2t_mm.problem_bases.tables import document

GROUP = "t2t_mm.plugins"
USR_DIR_VARIABLE = "T2T_MM_USR_DIR"


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """The result of loading one plugin.

    Attributes:
      name: of the plugin, as `mm-list` shows it beside its parts.
      origin: its distribution and module, or its file.
      status: "ok" or "failed".
      error: the reason of a failure, in one line with file and line number; else empty.
      defines: the registered parts, as "problem my_reviews".
    """

    name: str
    origin: str
    status: str = "ok"
    error: str = ""
    defines: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        return {**dataclasses.asdict(self), "defines": list(self.defines)}


_reports: dict[str, LoadReport] = {}
_usr_dirs: dict[pathlib.Path, str] = {}
_done: set[str] = set()


def load_all(usr_dir: str | os.PathLike[str] | Iterable[str] | None = None) -> list[LoadReport]:
    """Loads every plugin that is not loaded yet, and returns the reports of all.

    The folders are then added to `T2T_MM_USR_DIR`, so that a worker process finds the same
    plugins by calling this function without an argument.

    Args:
      usr_dir: folders of plugins: one path, a comma-separated list, or several of these;
        those in `T2T_MM_USR_DIR` are loaded too.

    Raises:
      ConfigError: when such a folder does not exist.
    """
    if "builtins" not in _done:
        _done.add("builtins")
        builtins.register()
        _reports[registry.FRAMEWORK] = LoadReport(
            registry.FRAMEWORK, "the framework", defines=_defined_by(registry.FRAMEWORK)
        )
    if "entry points" not in _done:
        _done.add("entry points")
        for entry_point in _entry_points():
            _load_entry_point(entry_point)
    for folder in _folders(usr_dir):
        if folder not in _usr_dirs:
            _load_folder(folder)
    if _usr_dirs:
        os.environ[USR_DIR_VARIABLE] = ",".join(map(str, _usr_dirs))
    return reports()


def reports() -> list[LoadReport]:
    """Returns the reports of all plugins so far, in the order of loading."""
    return list(_reports.values())


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    """Returns the group's entry points, our own first, so that no other can take their names."""

    def order(point: importlib.metadata.EntryPoint) -> tuple[bool, str, str]:
        name = point.dist.name if point.dist else ""
        return (name != "t2t-mm", name, point.name)

    return sorted(importlib.metadata.entry_points(group=GROUP), key=order)


def _load_entry_point(point: importlib.metadata.EntryPoint) -> None:
    dist = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown distribution"
    family = point.module
    if not _import(family, family=family, plugin=point.module, origin=f"{dist}: {point.value}"):
        return
    package = sys.modules[point.module]
    names = _modules(package)
    for name in names:
        module = f"{point.module}.{name}"
        _import(module, family=family, plugin=module, origin=f"{dist}: {module}")
    if names:
        _drop_empty_packages({m: m for m in (family, *(f"{family}.{name}" for name in names))})
    for folder in getattr(package, "__path__", []):
        for path in tables.find(pathlib.Path(folder)):
            plugin = f"{family}.{path.name}"
            _load_table(path, plugin=plugin, origin=f"{dist}: {plugin}")


def _folders(usr_dir: str | os.PathLike[str] | Iterable[str] | None) -> list[pathlib.Path]:
    if usr_dir is None:
        given: list[str] = []
    elif isinstance(usr_dir, str | os.PathLike):
        given = [os.fspath(usr_dir)]
    else:
        given = [os.fspath(path) for path in usr_dir]
    sources = [("--usr_dir", text) for text in given]
    sources.append((USR_DIR_VARIABLE, os.environ.get(USR_DIR_VARIABLE, "")))
    folders = []
    for source, text in sources:
        for part in filter(None, (part.strip() for part in text.split(","))):
            if mirrors.is_url(part):
                raise errors.ConfigError(
                    f"{source} names a URL: code is never fetched from one",
                    received=part,
                    expected="a folder of this machine",
                )
            folder = paths.expanded(part).resolve()
            if not folder.is_dir():
                raise errors.ConfigError(
                    f"{source} names a folder that is not there"
                    if not folder.exists()
                    else f"{source} names something that is not a folder",
                    received=part,
                    expected="a folder of .py or .toml files that declare problems",
                )
            folders.append(folder)
    return list(dict.fromkeys(folders))


def _load_folder(folder: pathlib.Path) -> None:
    """Loads a folder as a package with a unique name.

    The name is made from the path, so it is the same in every process.
    """
    package = f"t2t_mm_usr_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    label = folder.name or "usr_dir"
    while label in _usr_dirs.values():
        label += "_"
    _usr_dirs[folder] = label
    _add_empty_package(package, folder)
    if (folder / "__init__.py").exists():
        # Executed in place of the empty package: if it fails, its modules still load.
        spec = importlib.util.spec_from_file_location(
            package, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        origin = str(folder / "__init__.py")
        if not _import(package, family=package, plugin=label, origin=origin, spec=spec):
            _add_empty_package(package, folder)
    importlib.invalidate_caches()
    names = _modules(sys.modules[package])
    for name in names:
        path = folder / name if (folder / name).is_dir() else folder / f"{name}.py"
        plugin = f"{label}.{name}"
        _import(f"{package}.{name}", family=package, plugin=plugin, origin=str(path))
    _drop_empty_packages({f"{label}.{name}": f"{package}.{name}" for name in names})
    for path in tables.find(folder):
        _load_table(path, plugin=f"{label}.{path.name}", origin=str(path))


def _add_empty_package(package: str, folder: pathlib.Path) -> None:
    spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    sys.modules[package] = importlib.util.module_from_spec(spec)


def _modules(package: types.ModuleType) -> list[str]:
    """Returns the names of a package's public modules and packages; none for a module."""
    modules = pkgutil.iter_modules(getattr(package, "__path__", []))
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def _drop_empty_packages(modules: Mapping[str, str]) -> None:
    """Drops the reports of packages that loaded and define nothing: mere containers.

    Args:
      modules: full names of modules by the names of their plugins.
    """
    for plugin, module in modules.items():
        report = _reports[plugin]
        is_package = hasattr(sys.modules.get(module), "__path__")
        if report.status == "ok" and is_package and not report.defines:
            del _reports[plugin]


def _import(
    module: str,
    *,
    family: str,
    plugin: str,
    origin: str,
    spec: importlib.machinery.ModuleSpec | None = None,
) -> bool:
    """Imports one module as a plugin and reports on it; returns whether it succeeded.

    Args:
      module: its full name.
      family: the package whose modules are its sibling plugins.
      plugin: the name for the report.
      origin: for the report.
      spec: of the module, if it cannot be found by its name.
    """
    before = set(sys.modules)
    try:
        with registry.registering(plugin):
            if spec is not None and spec.loader is not None:
                sys.modules[module] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(sys.modules[module])
            else:
                importlib.import_module(module)
    except (Exception, SystemExit) as error:
        # An error of one plugin must not stop the others from loading.
        for name in set(sys.modules) - before:
            if name.startswith(f"{family}.") or name == module:
                del sys.modules[name]  # siblings it imported are imported again by themselves
        _report_failure(plugin, origin, error)
        return False
    if module != family:
        _credit_siblings(plugin, module)
    _reports[plugin] = LoadReport(plugin, origin, defines=_defined_by(plugin))
    return True


def _load_table(path: pathlib.Path, *, plugin: str, origin: str) -> None:
    """Loads a table as a plugin of its own and reports on it, unless it is no table at all."""
    try:
        with registry.registering(plugin):
            if not tables.load(path):
                return
    except Exception as error:
        # A modality of another plugin may fail in any way; the other tables must still load.
        _report_failure(plugin, origin, error)
    else:
        _reports[plugin] = LoadReport(plugin, origin, defines=_defined_by(plugin))


def _report_failure(plugin: str, origin: str, error: BaseException) -> None:
    """Unregisters the parts of a failed plugin, and reports the reason."""
    for registered in registry.ALL.values():
        registered.remove_plugin(plugin)
    reason = _one_line(error, origin)
    _reports[plugin] = LoadReport(plugin, origin, "failed", reason)
    registry.failed[plugin] = reason


def _credit_siblings(plugin: str, module: str) -> None:
    """Attributes to a plugin what its module defines, whichever sibling imported it first."""
    file = getattr(sys.modules[module], "__file__", None) or ""
    inside = f"{pathlib.Path(file).parent}{os.sep}" if file.endswith("__init__.py") else f"{file}:"
    for other, registered, entry in list(_entries()):
        if file and entry.place.startswith(inside) and other != plugin and other in _reports:
            registered.reassign(entry.name, plugin)
            _reports[other] = dataclasses.replace(_reports[other], defines=_defined_by(other))


def _entries() -> Iterator[tuple[str, registry.Registry, registry.Entry]]:
    for registered in registry.ALL.values():
        for entry in registered.entries():
            yield entry.plugin, registered, entry


def _defined_by(plugin: str) -> tuple[str, ...]:
    return tuple(f"{r.noun} {entry.name}" for owner, r, entry in _entries() if owner == plugin)


def _one_line(error: BaseException, origin: str) -> str:
    """Returns "file:line: Kind: message" for the innermost line of the plugin's own code."""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}"
        text = error.msg
    elif isinstance(error, document.TableError):
        place, text = error.place, str(error)
    else:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_of_plugin(f.filename)]
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else origin
        text = str(error)
    text = " ".join(text.split()) or "no message"
    if isinstance(error, ModuleNotFoundError) and _is_sibling(error.name or "", place):
        text += f"; modules of one folder import each other with a dot: from .{error.name} import"
    if isinstance(error, errors.UserError):
        return f"{place}: {text}"
    return f"{place}: {type(error).__name__}: {text}"


def _is_sibling(name: str, place: str) -> bool:
    """Says whether a module that was not found is a sibling of the file at `place`."""
    beside = pathlib.Path(place.rpartition(":")[0]).with_name(name.partition(".")[0] or ".")
    return beside.is_dir() or beside.with_suffix(".py").is_file()


def _is_of_plugin(file: str) -> bool:
    """Says whether a file is a plugin's: not the framework's, standard library's, or frozen."""
    path = pathlib.Path(file)
    framework = pathlib.Path(__file__).parents[1]
    if path.is_relative_to(framework):
        return path.is_relative_to(framework / "problems")
    library = pathlib.Path(traceback.__file__).parent
    return path.is_absolute() and (not path.is_relative_to(library) or "site-packages" in file)
