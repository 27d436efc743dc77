"""Links out of a corpus: refused by every reader, unless they are asked for."""

import json
import os
import pathlib

import pytest

from t2t_mm import errors, problem, testing
from t2t_mm.bin import datagen
from t2t_mm.corpus import archives, links, raw
from t2t_mm.modality import Image
from t2t_mm.problem_bases import image_folder
from t2t_mm.problem_bases.tables import declaration

OUT = "leads out of the folder of the corpus.*a link to .*secret.*--follow_links"
TABLE = """
name = "linked_table"
command = "to-class"
metrics = ["accuracy"]
[splits]
train = "a.csv"
validation = "b.csv"
[inputs.text]
modality = "language"
file = "{stem}.txt"
[targets]
modality = "categorical"
column = "label"
"""


@pytest.fixture
def secret(tmp_path):
    """Returns a folder outside of the corpus."""
    text = "what nobody asked for\n"
    packed = testing.tar({"inside.en": text, "n1_1.JPEG": "x"})
    files = {"a.en": text, "note.txt": text, "a.tar": packed, "a.jpg": b"x", "deep/b.en": text}
    testing.write_files(tmp_path / "secret", files)
    return tmp_path / "secret"


@pytest.fixture
def corpus(tmp_path):
    testing.write_files(tmp_path / "corpus", {"own.en": "own\n", "deep/own.jpg": b"x"})
    return tmp_path / "corpus"


READERS = {
    "lines": lambda files: list(files.lines("a.en")),
    "packed lines": lambda files: list(files.lines("inside.en")),
    "names": lambda files: files.names("*.en"),
    "path": lambda files: files.path("a.en"),
    "json": lambda files: files.json("a.en"),
    "glob": lambda files: files.glob("*.en"),
    "folder": lambda files: files.glob("*/*.en"),
    "members": lambda files: list(files.members("a.tar")),
}
LINKS = {"packed lines": "a.tar", "names": "deep2", "folder": "deep2", "members": "a.tar"}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("relative", [True, False])
def test_a_link_out_of_the_corpus_is_refused_or_asked_for(corpus, secret, reader, relative):
    name = LINKS.get(reader, "a.en")
    target = secret / name.rstrip("2")
    (corpus / name).symlink_to(os.path.relpath(target, corpus) if relative else target)
    with pytest.raises(errors.DataError, match=OUT):
        READERS[reader](raw.RawFiles(corpus))
    if reader != "json":
        assert READERS[reader](raw.RawFiles(corpus, follow_links=True))


def test_links_within_the_corpus_are_files_and_it_may_be_a_link_itself(corpus, tmp_path):
    (corpus / "near.en").symlink_to("own.en")
    (corpus / "far.en").symlink_to(corpus / "deep" / "far.en")
    (corpus / "deep" / "far.en").symlink_to(corpus / "own.en")
    (corpus / "again").symlink_to("deep")
    (tmp_path / "linked").symlink_to(corpus)
    for root in (corpus, tmp_path / "linked"):
        files = raw.RawFiles(root)
        assert list(files.lines("near.en")) == list(files.lines("far.en")) == ["own"]
        assert len(files.glob("*.en")) == 3
        assert files.glob("again/*.jpg") == [root / "again" / "own.jpg"]


def test_a_relative_corpus(corpus, secret, monkeypatch):
    monkeypatch.chdir(corpus.parent)
    files = raw.RawFiles("corpus")
    assert list(files.lines("own.en")) == ["own"]
    (corpus / "a.en").symlink_to(secret / "a.en")
    with pytest.raises(errors.DataError, match=OUT):
        files.path("a.en")


def test_a_folder_whose_name_begins_like_that_of_the_corpus_is_outside(corpus, tmp_path):
    testing.write_files(tmp_path / "corpus2", {"a.en": "x\n"})
    (corpus / "a.en").symlink_to(tmp_path / "corpus2" / "a.en")
    with pytest.raises(errors.DataError, match=r"a link to \S*corpus2/a\.en"):
        raw.RawFiles(corpus).path("a.en")


def test_values_below_the_corpus_are_checked_and_others_are_the_problems_own(corpus, secret):
    boundary = links.Boundary(corpus)
    (corpus / "a.jpg").symlink_to(secret / "a.jpg")
    (corpus / "a.tar").symlink_to(secret / "a.tar")
    with pytest.raises(errors.BadExampleError, match=OUT):
        boundary.check_value(corpus / "a.jpg")
    with pytest.raises(errors.BadExampleError, match="leads out"):
        boundary.check_value(corpus / ".." / "secret" / "a.jpg")
    part = next(archives.members(corpus / "a.tar"))
    with pytest.raises(errors.BadExampleError, match="leads out"):
        boundary.check_value(part)
    for value in (secret / "a.jpg", corpus / "deep" / "own.jpg", "a text", b"bytes"):
        boundary.check_value(value)
    links.Boundary(corpus, follow=True).check_value(part)


def test_what_no_file_can_be_called_is_left_to_the_reader(corpus):
    links.Boundary(corpus).check(pathlib.Path(corpus, "a\0b"))


def test_another_corpus_that_is_a_link_does_not_hide_that_this_one_is_missing(corpus, secret):
    (corpus / "other").symlink_to(secret)
    with pytest.raises(errors.DataError, match=r"leads out.*There is no folder \S*corpus/wmt"):
        raw.RawFiles.of(corpus, "wmt").names("*.en")


@pytest.fixture
def make(tmp_path, registries, capsys):
    """Runs mm-datagen on a corpus; returns exit code, examples by split, and what was said."""

    def run(name, *flags):
        flags = (f"--manual_dir={tmp_path}", f"--data_dir={tmp_path / 'data'}", *flags)
        code = datagen.main([f"--problem={name}", "--workers=1", "--json", *flags])
        out, err = capsys.readouterr()
        splits = json.loads(out)["problems"][name]["splits"] if out else {}
        return code, {split: count["examples"] for split, count in splits.items()}, err

    return run


def test_a_text_that_a_row_of_a_table_names(make, tmp_path, secret):
    rows = "stem,label\nx,good\nnote,bad\n"
    files = {"a.csv": rows, "b.csv": rows.replace("note", "x"), "x.txt": "fine"}
    testing.write_files(tmp_path / "linked_table", files)
    testing.write_files(tmp_path, {"linked.toml": TABLE})
    declaration.load(tmp_path / "linked.toml")
    (tmp_path / "linked_table" / "note.txt").symlink_to(secret / "note.txt")
    code, _, said = make("linked_table")
    assert code == 2
    assert "note.txt leads out of the folder of the corpus" in said
    code, counts, _ = make("linked_table", "--max_bad_examples=2")  # as "bad" is not trained
    assert (code, counts) == (0, {"train": 1, "validation": 1})
    code, counts, _ = make("linked_table", "--follow_links", "--overwrite")
    assert (code, counts) == (0, {"train": 2, "validation": 2})


def test_class_folders_and_pictures(make, tmp_path, secret):
    @problem.register_problem("linked_flowers")
    class Flowers(image_folder.ImageFolder):
        corpus = "flowers"
        inputs = {"image": Image(size=32)}

    files = {f"flowers/{split}/rose/1.jpg": b"x" for split in ("train", "validation")}
    testing.write_files(tmp_path, files)
    (tmp_path / "flowers" / "train" / "tulip").symlink_to(secret)
    code, _, said = make("linked_flowers")
    assert code == 2
    assert "train/tulip leads out of the folder of the corpus" in said
    assert len(said.strip().splitlines()) == 1
