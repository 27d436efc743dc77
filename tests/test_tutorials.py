"""The tutorials of docs/ are followed, block by block, as a reader would."""

import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from tests import conftest
from tests.training import test_workers

PAGES = sorted((conftest.REPOSITORY / "docs" / "tutorials").glob("*.md"))
_BLOCK = re.compile(r"^```(?P<head>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_HEAD = re.compile(r'(?P<language>\w+)(?: title="(?P<file>[^"]+)")?')


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code: its language, the file that it is the text of, and the text."""

    language: str
    file: str | None
    text: str


def blocks(page):
    """Returns the blocks of a page in order."""
    found = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        head = _HEAD.fullmatch(block["head"])
        assert head, f"{page.name}: a block without a language would not be tested"
        found.append(Block(head["language"], head["file"], block["text"]))
    return found


def script(page, folder):
    """Returns one Bash script that does what a page says, and writes its files when it does."""
    lines = ["set -euo pipefail"]
    for number, block in enumerate(blocks(page)):
        kept = folder / "blocks" / f"{number}"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(block.text, encoding="utf-8")
        if block.file is not None:
            into = shlex.quote(str(pathlib.Path(block.file).parent))
            lines.append(f"mkdir -p {into} && cp {kept} {shlex.quote(block.file)}")
        elif block.language == "shell":
            lines.append(block.text)
        else:
            assert block.language == "python", f"{page.name}: what is {block.language} for?"
            lines.append(f"python {kept}")
    return "\n".join(lines)


def test_every_tutorial_of_the_site_is_followed():
    site = (conftest.REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    pages = sorted(re.findall(r"tutorials/(\w+)\.md", site))
    pages.remove("notebook")  # made of the .ipynb file, which test_notebook.py runs
    assert pages == [page.stem for page in PAGES]


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=page.stem) for page in PAGES],
)
@pytest.mark.slow
def test_a_tutorial_can_be_followed(page, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    ports = dict(zip(("PORT_0", "PORT_1"), map(str, test_workers.free_ports(2)), strict=True))
    places = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script(page, tmp_path)],
        cwd=work,
        env={**os.environ, **ports, "PATH": places},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
