import pathlib

from t2t_mm.cli import export_dir


def test_a_flag_comes_before_the_variable_and_that_before_the_default(monkeypatch):
    monkeypatch.delenv(export_dir.VARIABLE, raising=False)
    assert export_dir.export_dir() == pathlib.Path("exports")
    monkeypatch.setenv(export_dir.VARIABLE, "by/variable")
    assert export_dir.export_dir() == pathlib.Path("by/variable")
    assert export_dir.export_dir("named") == pathlib.Path("named")
