"""`~` and `~NAME`, wherever a path may be given."""

import pathlib
from types import SimpleNamespace

import pytest

from t2t_mm import cli, errors, plugins
from t2t_mm.config import gin_files
from t2t_mm.datagen import generate, sources
from t2t_mm.decoding import input_lines
from t2t_mm.files import paths
from t2t_mm.runs import origin, run_folder

NOBODY = "~nobody_has_this_name/x"


def test_a_tilde_at_the_beginning_is_a_home_folder():
    assert paths.expanded("~/x") == pathlib.Path.home() / "x"
    assert paths.expanded(pathlib.Path("a/~/x")) == pathlib.Path("a/~/x")


def _tfds(monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", NOBODY)
    problem = SimpleNamespace(name="digits")
    sources.resolve(problem, sources.TFDS, data_dir=None, manual_dir=None, seed=0, sample_size=None)


@pytest.mark.parametrize(
    "use",
    [
        lambda _: paths.expanded(NOBODY),
        lambda _: gin_files.find(NOBODY),
        lambda _: plugins.load_all(NOBODY),
        lambda _: run_folder.RunFolder(NOBODY),
        lambda _: origin.find(NOBODY),
        lambda _: input_lines.open_file(SimpleNamespace(inputs={"inputs": None}), NOBODY),
        lambda _: generate.generate("multi30k_ende", NOBODY),
        _tfds,
    ],
)
def test_an_unknown_user_is_named_in_one_line(use, monkeypatch):
    with pytest.raises(errors.ConfigError, match="~nobody_has_this_name stands for is not known"):
        use(monkeypatch)


def test_a_flag_with_an_unknown_user_is_no_fault_of_ours(capsys):
    command = cli.Command("mm-count", "Counts.", example="mm-count")
    command.path("folder", None, "where to count")
    assert command.run(lambda: None, [f"--folder={NOBODY}"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["runs [v2]*?", "back\\slash", "\udcff\udcfe"])
def test_tensorflow_reaches_a_folder_of_any_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "file").write_text("x")
    plain = paths.for_tensorflow(folder)
    assert not set(plain) & set("[]*?\\\udcff")
    assert (pathlib.Path(plain) / "file").read_text() == "x"
    assert paths.for_tensorflow(folder) == plain
    assert paths.for_tensorflow(tmp_path) == str(tmp_path)


def test_a_folder_for_links_is_removed_with_the_process(python, tmp_path):
    program = "import sys; from t2t_mm.files import paths; print(paths.for_tensorflow(sys.argv[1]))"
    done = python("-c", program, tmp_path / "[a]", TMPDIR=str(tmp_path))
    assert done.stdout.startswith(str(tmp_path)), done.stderr
    assert not list(tmp_path.glob("t2t-mm-*"))
