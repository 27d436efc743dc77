"""Documents: keys with their lines."""

import textwrap

import pytest

from t2t_mm import errors
from t2t_mm.problem_bases.tables import document

TEXT = textwrap.dedent("""
    name = "x"          # line 2
    "odd key" = 1

    [inputs.review]     # line 5
    modality = "language"
    [inputs."other one"]
    modality = "image"

    [data]
    files = "a.csv"
    splits.train = 0.5
    targets = { modality = "language", column = "c" }
    many = [
      "a", "b",
    ]
""")


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["name"], 2),
        (["odd key"], 3),
        (["inputs", "review"], 5),
        (["inputs", "review", "modality"], 6),
        (["inputs", "review", "absent"], 5),
        (["inputs", "other one", "modality"], 8),
        (["data", "files"], 11),
        (["data", "splits", "train"], 12),
        (["data", "targets", "column"], 13),
        (["data", "many"], 14),
        (["absent"], None),
        (["absent", "modality"], None),
        ([], None),
    ],
)
def test_lines_of_keys(names, line):
    assert document.line_of(TEXT, names) == line


def load(tmp_path, content):
    path = tmp_path / "table.toml"
    path.write_bytes(content)
    return document.Document(path)


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (b'name = "x"\nb = ?\n', ":2", "It is not TOML: Invalid value"),
        (b'name = "x"\nname = "y"\n', ":2", "It is not TOML: Cannot overwrite a value"),
        (b"name = 'x'\n# \xff\n", ":2", "It is not UTF-8"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path, content, place, words):
    with pytest.raises(document.TableError) as caught:
        load(tmp_path, content)
    assert caught.value.place == f"{tmp_path / 'table.toml'}{place}"
    assert words in str(caught.value)
    assert "at line" not in str(caught.value)


def test_a_mark_and_windows_line_ends_do_no_harm(tmp_path):
    found = load(tmp_path, b'\xef\xbb\xbfname = "x"\r\n[data]\r\nkey = "id"\r\n')
    assert found.values == {"name": "x", "data": {"key": "id"}}
    assert found.place("data", "key").endswith(":3")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(document.TableError, match="cannot be read"):
        document.Document(tmp_path)


def test_values_are_of_the_type_that_is_asked_for(tmp_path):
    root = load(tmp_path, b'size = "64"\nnames = "one"\n').root
    with pytest.raises(document.TableError, match=r"size cannot .*'64'.*int.*quotes out") as caught:
        root.get("size", int)
    assert caught.value.place.endswith("table.toml:1")
    with pytest.raises(document.TableError, match="list of str") as caught:
        root.get("names", list[str])
    assert caught.value.place.endswith("table.toml:2")
    assert root.get("absent", int, 3) == 3


def test_what_is_missing_or_unknown_is_told(tmp_path):
    root = load(tmp_path, b'[inputs.review]\nmodalty = "language"\n').root
    section = root.section("inputs").section("review")
    with pytest.raises(document.TableError, match=r"'modalty' in \[inputs\.review\].*'modality'"):
        section.get("modality", str)
    with pytest.raises(document.TableError, match="Did you mean 'modality'") as caught:
        section.check_keys(("modality", "column"))
    assert caught.value.place.endswith("table.toml:2")
    assert "?." not in str(caught.value)
    with pytest.raises(document.TableError, match=r"'column' is missing in \[inputs\.review\]"):
        section.get("column", str)
    with pytest.raises(document.TableError, match="'name' is missing in the file"):
        root.get("name", str)
    with pytest.raises(document.TableError, match="'review' is not a table"):
        load(tmp_path, b"[inputs]\nreview = 3\n").root.section("inputs").section("review")


def test_an_error_is_a_users():
    assert issubclass(document.TableError, errors.UserError)
