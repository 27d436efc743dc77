"""The top-level statements of a Python module, with the names they define and read."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Sequence

Names = tuple[str, ...]
"""A dotted name, in parts."""

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


class Module:
    """The parsed source of a module.

    Args:
      text: of the file.
      package: to which its relative imports refer.
      left_out: attributes of classes to ignore, as "Class.attribute".
    """

    def __init__(self, text: bytes, package: str, left_out: frozenset[str]) -> None:
        self._left_out = left_out
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):  # edited since it was loaded
            tree = ast.Module([ast.Assign([], ast.Constant(text))], [])
        self.imports: dict[str, list[tuple[str, Names]]] = {}
        """By local name: the modules, and names in them, that it may be imported from."""
        self.stars: list[str] = []
        """Modules imported by `from MODULE import *`."""
        self.statements: list[ast.stmt] = []
        self._by_name: dict[str, list[int]] = {}
        for node in ast.walk(tree):
            if isinstance(node, _IMPORTS):
                self._import(node, package)
        for statement in tree.body:
            for part in _parts(statement):
                if not _is_nothing(part):
                    for name in _concerned(part):
                        self._by_name.setdefault(name, []).append(len(self.statements))
                    self.statements.append(part)

    def concerning(self, name: str) -> list[int]:
        """Returns the indices of statements that define or change a name."""
        return self._by_name.get(name, [])

    def read_by(self, index: int) -> Iterator[Names]:
        """Yields the dotted names that a statement reads and this module defines or imports."""
        for names in _dotted(self.statements[index], self._left_out):
            if names[0] in self._by_name or names[0] in self.imports or self.stars:
                yield names

    def digest(self, indices: Sequence[int]) -> bytes:
        """Returns the sha256 of statements without comments, docstrings and annotations."""
        whole = hashlib.sha256()
        for index in sorted(indices):
            for token in _tokens(self.statements[index], self._left_out):
                whole.update(token.encode("utf-8", "surrogatepass") + b"\0")
        return whole.digest()

    def _import(self, node: ast.Import | ast.ImportFrom, package: str) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                meant = alias.name if alias.asname else first
                self.imports.setdefault(alias.asname or first, []).append((meant, ()))
            return
        try:
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        except ImportError:
            return
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(base)
            else:
                known = self.imports.setdefault(alias.asname or alias.name, [])
                known.append((base, (alias.name,)))


def _parts(statement: ast.stmt) -> list[ast.stmt]:
    """Returns the statement, or for an import one statement for each name."""
    if isinstance(statement, ast.Import):
        return [ast.Import([alias]) for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        origin = statement.module, statement.level
        return [ast.ImportFrom(origin[0], [alias], origin[1]) for alias in statement.names]
    return [statement]


def _is_nothing(node: ast.AST) -> bool:
    """Returns whether a statement has no effect: a docstring, `pass`, a bare annotation."""
    if isinstance(node, ast.If):
        test = node.test
        return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Pass)


def _concerned(statement: ast.stmt) -> set[str]:
    """Returns the names that a statement at the top of a module defines, or works on."""
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        looked_into: list[ast.AST] = [*statement.targets]
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        looked_into = [statement.target]
    else:  # a call, or a loop, may work on whatever it names
        looked_into = [statement]
    names: set[str] = set()
    for node in (inner for outer in looked_into for inner in ast.walk(outer)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
    return names


def _children(node: ast.AST, left_out: frozenset[str]) -> Iterator[tuple[str, list[object]]]:
    """Yields the fields of a node to be hashed, with their values."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns") and not isinstance(node, ast.AnnAssign):
            continue
        children = value if isinstance(value, list) else [value]
        if isinstance(node, ast.ClassDef) and field == "body":
            children = [inner for inner in children if not _is_left_out(inner, node.name, left_out)]
        children = [
            v for v in children if v is not None and not (isinstance(v, ast.AST) and _is_nothing(v))
        ]
        # Empty fields are skipped, since versions of Python add different ones.
        if children and field not in ("kind", "type_comment", "ctx"):
            yield field, children


def _is_left_out(statement: ast.stmt, cls: str, left_out: frozenset[str]) -> bool:
    """Returns whether a statement of a class body defines ignored attributes only."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, *_DEFINITIONS)):
        return False
    return {f"{cls}.{name}" for name in _concerned(statement)} <= left_out


def _tokens(node: ast.AST, left_out: frozenset[str]) -> Iterator[str]:
    """Yields strings that identify code, the same for all versions of Python."""
    stack: list[object] = [node]
    while stack:  # no recursion: a sum of a thousand strings is too deep a tree
        item = stack.pop()
        if not isinstance(item, ast.AST):
            yield repr(item)
            continue
        yield type(item).__name__
        parts: list[object] = []
        for field, children in _children(item, left_out):
            parts += [(field,), *children, ()]
        stack += reversed(parts)


def _dotted(node: ast.AST, left_out: frozenset[str]) -> Iterator[Names]:
    """Yields the names that code reads, with the attributes that follow: `a.b.c`."""
    stack = [node]
    while stack:
        item = stack.pop()
        attributes: list[str] = []
        inner = item
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield (inner.id, *reversed(attributes))
            continue
        for _, children in _children(inner, left_out):
            stack += [value for value in children if isinstance(value, ast.AST)]
