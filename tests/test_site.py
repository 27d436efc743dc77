"""The site of docs/: built strictly, complete, and with nothing loaded from the network."""

import re

import pytest

import t2t_mm
from tests import conftest

_LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"?(https?:[^\s\">]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Builds the site as `make docs` does."""
    from mkdocs import config
    from mkdocs.commands import build

    folder = tmp_path_factory.mktemp("site")
    settings = config.load_config(
        str(conftest.REPOSITORY / "mkdocs.yml"), site_dir=str(folder), strict=True
    )
    build.build(settings)
    return folder


def test_nothing_is_loaded_from_the_network(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    loaded = {found for page in pages for found in _LOADED.findall(page.read_text("utf-8"))}
    assert not loaded


def test_every_public_name_is_described(site):
    page = (site / "reference" / "api.html").read_text(encoding="utf-8")
    missing = [name for name in t2t_mm.__all__ if f'id="t2t_mm.{name}"' not in page]
    assert not missing


def test_examples_of_docstrings_are_code(site):
    page = (site / "reference" / "api.html").read_text(encoding="utf-8")
    examples = page.split("For example:</p>")[1:]
    assert examples
    assert all(example.lstrip().startswith('<div class="highlight">') for example in examples)
