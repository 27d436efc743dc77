"""A package that is not installed is one line, with the extra that brings it."""

import re
import sys
import tomllib

import pytest

from t2t_mm import errors
from t2t_mm.process import extras
from tests.conftest import REPOSITORY


@pytest.mark.parametrize("ask", [extras.load, extras.require])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, ask):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(errors.ConfigError) as raised:
        ask("prometheus_client", extra="serve", what="mm-serve")
    said = str(raised.value)
    assert said.startswith("mm-serve needs the package prometheus-client. Received: ")
    assert said.endswith("Install it: pip install 't2t-mm[serve]'.")
    assert "\n" not in said


def test_what_is_there_is_returned():
    assert extras.load("json", extra="serve", what="It").loads("1") == 1
    extras.require("json", "re", extra="serve", what="It")


def test_a_library_that_does_not_load_is_told(monkeypatch, tmp_path):
    (tmp_path / "halfsound.py").write_text("raise OSError('libsndfile.so: cannot open')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(errors.ConfigError, match=r"libsndfile\.so: cannot open"):
        extras.load("halfsound", extra="audio", what="Reading sounds")


def test_each_extra_that_the_code_names_is_one_of_the_package():
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    known = set(declared["project"]["optional-dependencies"])
    for folder in ("t2t_mm", "bin", "problems"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "extras." in text:
                assert set(re.findall(r'extra="(\w+)"', text)) <= known, path
            if path.name == "stores.py":  # `files` stands below `process`
                assert set(re.findall(r"t2t-mm\[(\w+)\]", text)) <= known
            elif path.name != "extras.py":
                assert "t2t-mm[" not in text, f"{path}: process.extras says how to install"


@pytest.mark.parametrize(
    ("flags", "module", "extra"), [((), "starlette", "serve"), (("--ui",), "gradio", "ui")]
)
def test_a_command_without_its_extra_is_one_line(monkeypatch, capsys, flags, module, extra):
    from t2t_mm.bin import serve

    monkeypatch.setitem(sys.modules, module, None)
    assert serve.main(["--export_dir=exports", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert f"needs the package {module}" in line
    assert line.endswith(f"pip install 't2t-mm[{extra}]'.")
