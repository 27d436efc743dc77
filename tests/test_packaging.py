"""What is installed: the same from the repository, from elsewhere and from a wheel."""

import pathlib
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("t2t_mm", "problems", "bin", "gin")


def installed_names():
    """Returns the file names that a wheel has to hold, from what the repository holds."""
    for folder in FOLDERS:
        for file in sorted((REPOSITORY / folder).rglob("*")):
            if file.suffix in (".py", ".gin", ".typed", ".j2", ".css"):
                inside = file.relative_to(REPOSITORY).as_posix()
                yield inside if folder == "t2t_mm" else f"t2t_mm/{inside}"


def test_every_folder_with_modules_is_a_package():
    for folder in ("t2t_mm", "problems", "bin"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), f"{file.parent} has no __init__.py"


def test_gin_config_is_not_hidden_by_the_folder_of_gin_files(python):
    assert not list((REPOSITORY / "gin").rglob("__init__.py"))
    done = python("-c", "import gin; print(gin.bind_parameter.__name__)", cwd=REPOSITORY)
    assert done.stdout.strip() == "bind_parameter", done.stderr


@pytest.mark.parametrize("cwd", ["/", REPOSITORY], ids=["elsewhere", "repository"])
def test_problems_commands_and_gin_files_are_found_from_any_folder(python, cwd):
    program = (
        "import t2t_mm, t2t_mm.problems, t2t_mm.bin; "
        "from t2t_mm.config import gin_files; print(sorted(gin_files.names()))"
    )
    done = python("-c", program, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "models/multi_model_small" in done.stdout


def test_the_version_is_said_once():
    import t2t_mm

    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert metadata["project"]["dynamic"] == ["version"]
    assert metadata["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "t2t_mm.version.__version__"
    }
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {t2t_mm.__version__}\n" in citation


def test_the_public_names_exist_and_none_is_also_a_module():
    import t2t_mm

    for name in t2t_mm.__all__:
        assert callable(getattr(t2t_mm, name))
        assert not (REPOSITORY / "t2t_mm" / f"{name}.py").exists() or name == "problem"
    assert set(t2t_mm.__all__) <= set(dir(t2t_mm))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        t2t_mm.trian  # noqa: B018


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Builds a wheel from a copy of the sources, so that nothing is left beside them."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    for name in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, source / name, ignore=ignore)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", place, source], check=True, timeout=300
    )
    (made,) = place.glob("t2t_mm-*.whl")
    return made


@pytest.mark.slow
def test_a_wheel_holds_every_module_and_gin_file_under_one_name(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    missing = [name for name in installed_names() if name not in names]
    assert not missing
    assert {name.split("/")[0].split("-")[0] for name in names} == {"t2t_mm"}


@pytest.mark.slow
def test_a_wheel_works_where_it_is_installed(wheel, python, tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", site, wheel], check=True, timeout=300)
    program = (
        "import t2t_mm; from t2t_mm import plugins, registry; "
        "from t2t_mm.config import gin_files; plugins.load_all(); "
        "print(t2t_mm.__file__, registry.problems.get('multi30k_ende').__module__); "
        "print(gin_files.folder(), gin_files.names())"
    )
    done = python("-c", program, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{site}/t2t_mm/__init__.py t2t_mm.problems.multi30k")
    assert f"{site}/t2t_mm/gin" in done.stdout
    assert "models/multi_model_small" in done.stdout


def test_the_licence_is_whole_and_declared():
    metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert (metadata["license"], metadata["license-files"]) == ("Apache-2.0", ["LICENSE"])
    text = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
