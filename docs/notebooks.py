"""Makes a page of every notebook of docs/, whose links are checked as those of all pages.

A plugin such as mkdocs-jupyter would bring the styles and scripts of JupyterLab into the site.
"""

import nbformat
from mkdocs.config import defaults
from mkdocs.structure import files as files_lib


def on_files(files: files_lib.Files, *, config: defaults.MkDocsConfig) -> files_lib.Files:
    """Adds the page `X.md` for a notebook `X.ipynb`, which itself can be downloaded."""
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            page = f"{file.src_uri.removesuffix('.ipynb')}.md"
            text = _markdown(file.content_string, file.name)
            files.append(files_lib.File.generated(config, page, content=text))
    return files


def _markdown(notebook: str, name: str) -> str:
    cells = nbformat.reads(notebook, as_version=4).cells
    parts = [cell.source if cell.cell_type == "markdown" else _code(cell.source) for cell in cells]
    return "\n\n".join([*parts, f"[Download this notebook]({name}.ipynb)", ""])


def _code(source: str) -> str:
    language = "shell" if source.startswith("!") else "python"
    return f"```{language}\n{source.removeprefix('!')}\n```"
