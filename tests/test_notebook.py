"""The notebook of docs/ runs from top to bottom."""

import os
import pathlib
import sys

import nbclient
import nbformat
import pytest

from tests import conftest

NOTEBOOK = conftest.REPOSITORY / "docs" / "tutorials" / "notebook.ipynb"


def test_the_notebook_is_kept_without_outputs():
    """If not: jupyter nbconvert --clear-output --inplace docs/tutorials/notebook.ipynb."""
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    places = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", places)
    client = nbclient.NotebookClient(
        notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output
    ]
    assert "image/png" in outputs[-1]["data"]
    assert (tmp_path / "run" / "metrics.jsonl").exists()
