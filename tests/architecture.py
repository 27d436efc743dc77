"""The floors of the framework: read from docs/architecture.md, and drawn from there.

`python -m tests.architecture` writes docs/architecture.svg anew.
"""

import ast
import html
import pathlib
import re
from typing import NamedTuple

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "architecture.md"
PICTURE = REPOSITORY / "docs" / "architecture.svg"
PACKAGE = "t2t_mm"
JOINED = ("bin", "problems")
"""Top-level folders that are installed as packages of t2t_mm."""

_ROW = re.compile(
    r"^\| `(?P<name>\w+)/?` \| (?P<holds>[^|]+) \| (?P<lacks>[^|]+) \|$", re.MULTILINE
)
_JOURNEY = re.compile(
    r"^## The journey of (?P<title>[^\n]+)\n(?P<stations>(?:(?!## ).*\n?)*)", re.MULTILINE
)
_STATION = re.compile(r"^\d+\. `([\w.]+)`", re.MULTILINE)


class Floor(NamedTuple):
    name: str
    holds: str
    lacks: str


class Import(NamedTuple):
    """One module that imports another, at a line, at run time or for its types only."""

    importer: str
    imported: str
    file: str
    line: int


def floors(page: str) -> list[Floor]:
    """Returns the rows of the page's table, from the ground up."""
    return [
        Floor(**{k: v.strip() for k, v in row.groupdict().items()}) for row in _ROW.finditer(page)
    ]


def journeys(page: str) -> dict[str, list[str]]:
    """Returns, by title, the functions at the stations of each journey that the page tells."""
    return {
        found["title"]: _STATION.findall(found["stations"]) for found in _JOURNEY.finditer(page)
    }


def modules(root: pathlib.Path = REPOSITORY) -> dict[str, pathlib.Path]:
    """Returns the files of the framework by the names of their modules."""
    files = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imports(files: dict[str, pathlib.Path]) -> list[Import]:
    """Returns every import of one module of the framework by another, wherever it stands."""
    found = []
    for importer, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                package = node.module or ""
                if node.level:  # from . import x
                    base = importer.split(".")
                    if path.name != "__init__.py":
                        base = base[:-1]
                    base = base[: len(base) - node.level + 1]
                    package = ".".join([*base, *filter(None, [node.module])])
                names = [f"{package}.{alias.name}" for alias in node.names]
                names = [name if name in files else package for name in names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            found += [
                Import(importer, name, path.name, node.lineno)
                for name in names
                if name.partition(".")[0] == PACKAGE
            ]
    return found


def folder(module: str) -> str:
    """Returns the folder or file of the package that a module lies in; "__init__" for its root."""
    return (module.split(".") + ["__init__"])[1]


def climbing(found: list[Import], order: list[str]) -> list[str]:
    """Returns a line for each import that does not go down the floors."""
    height = {name: number for number, name in enumerate(order)}
    lines = []
    for each in found:
        upper, lower = folder(each.importer), folder(each.imported)
        if upper == lower:
            continue
        if lower in JOINED:
            lines.append(f"{each.importer}:{each.line} imports {each.imported}, no part of it")
        elif height[upper] <= height[lower]:
            lines.append(f"{each.importer}:{each.line} imports {each.imported}, which is above it")
    return lines


def picture(storeys: list[Floor]) -> str:
    """Returns the floors as an SVG: the ground below, what people use on top."""
    row, width = 30, 860
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {row * len(storeys) + 30}" '
        'font-family="sans-serif" font-size="13">',
        "<title>The folders of t2t_mm: each imports only those below it</title>",
    ]
    for number, floor in enumerate(reversed(storeys)):
        y = number * row + 4
        lines += [
            f'<rect x="4" y="{y}" width="{width - 60}" height="{row - 4}" rx="3" '
            f'fill="{"#e8eef7" if number % 2 else "#f4f7fb"}" stroke="#8aa0c0"/>',
            f'<text x="14" y="{y + 18}" font-weight="bold">{floor.name}</text>',
            f'<text x="150" y="{y + 18}">{html.escape(floor.holds)}</text>',
        ]
    end = row * len(storeys)
    lines += [
        f'<path d="M{width - 30} 10 V{end - 8} m-6 -10 l6 10 l6 -10" fill="none" stroke="#8aa0c0" '
        'stroke-width="2"/>',
        f'<text x="14" y="{end + 20}" fill="#555">Imports go down only, as the arrow does.</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(floors(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")
