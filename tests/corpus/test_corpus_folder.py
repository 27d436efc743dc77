"""The folder of a corpus: what it has, and what is said of what it lacks."""

import pytest

from t2t_mm import errors
from t2t_mm.corpus import raw


@pytest.fixture
def files(tmp_path):
    return raw.RawFiles(tmp_path, layout="{train,test}.{en,de}")


def test_the_folder_of_the_corpus_is_preferred(tmp_path):
    (tmp_path / "corpus").mkdir()
    assert raw.RawFiles.of(tmp_path, "corpus").root == tmp_path / "corpus"
    assert raw.RawFiles.of(tmp_path, "other").root == tmp_path
    assert raw.RawFiles.of(tmp_path, "").root == tmp_path


def test_a_missing_file_is_told_with_the_layout_and_what_is_near(files):
    (files.root / "train.en").touch()
    with pytest.raises(errors.DataError) as caught:
        files.path("trian.en")
    text = str(caught.value)
    assert "'trian.en'" in text
    assert str(files.root) in text
    assert "Expected: {train,test}.{en,de}." in text
    assert "Did you mean 'train.en'?" in text


def test_a_missing_corpus_is_told_with_both_places(tmp_path):
    (tmp_path / "something").touch()
    files = raw.RawFiles.of(tmp_path, "corpus", "the layout")
    with pytest.raises(errors.DataError, match=rf"{tmp_path}.*no folder {tmp_path}/corpus either"):
        list(files.lines("train.en"))


def test_a_missing_folder(tmp_path):
    files = raw.RawFiles(tmp_path / "nowhere", layout="the layout")
    with pytest.raises(errors.DataError, match="nowhere does not exist.*the layout.*--manual_dir"):
        files.path("train.en")


def test_glob_is_sorted_and_leaves_hidden_files_out(files):
    for name in ("b.png", "a.png", "._a.png", "c.txt", ".trash/c.png", "d/c.png", "d/.e/f/c.png"):
        (files.root / name).parent.mkdir(parents=True, exist_ok=True)
        (files.root / name).touch()
    assert [path.name for path in files.glob("*.png")] == ["a.png", "b.png"]
    assert files.glob("**/c.png") == files.glob("*/c.png") == [files.root / "d" / "c.png"]
    assert files.glob("*.jpg", optional=True) == []
    with pytest.raises(errors.DataError, match=r"No raw file matches '\*\.jpg'"):
        files.glob("*.jpg")
