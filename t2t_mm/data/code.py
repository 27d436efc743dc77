"""Code: a fingerprint of the program that makes the examples of a problem.

A version says that the data is other; its author may forget to raise it. So the
manifest keeps a digest of the source files as well.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import pathlib
import sys
from collections.abc import Iterator

_FRAMEWORK = "t2t_mm"
_BUILT_IN = "t2t_mm.problems"


def fingerprint(problem: type) -> str | None:
    """Returns the sha256, in hex, of the source that makes a problem's examples.

    It is of the files of its class and bases outside the framework, and of what these
    import from their own package or folder. None where there is no such file.
    """
    queue = [cls.__module__ for cls in problem.__mro__]
    families = {family for module in queue if (family := _family(module))}
    found: dict[str, bytes] = {}
    while queue:
        module = queue.pop()
        if module in found or _family(module) not in families:
            continue
        path = _file(module)
        if path is None:
            continue
        found[module] = text = path.read_bytes()
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        queue += _imports(text, package)
    digest = hashlib.sha256()
    for text in sorted(hashlib.sha256(text).digest() for text in found.values()):
        digest.update(text)  # without names: that of a user's folder depends on its place
    return digest.hexdigest() if found else None


def _family(module: str) -> str | None:
    """Returns the package whose modules are its own code; None for what others wrote."""
    if f"{module}.".startswith(f"{_BUILT_IN}."):
        return _BUILT_IN
    top = module.partition(".")[0]
    return None if top == _FRAMEWORK or top in sys.stdlib_module_names else top


def _file(module: str) -> pathlib.Path | None:
    """Returns the source file of a module, where it has one."""
    loaded = sys.modules.get(module)
    try:
        spec = None if loaded else importlib.util.find_spec(module)
    except (ImportError, ValueError):  # no such module: it was a name in one
        return None
    place = getattr(loaded, "__file__", None) or (spec.origin if spec else None)
    path = pathlib.Path(place or "")
    return path if path.suffix == ".py" and path.is_file() else None


def _imports(text: bytes, package: str) -> Iterator[str]:
    """Yields the modules that a source may import, at its top or within functions."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # edited since it was loaded
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            try:
                base = importlib.util.resolve_name(name, package)
            except ImportError:
                continue
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
