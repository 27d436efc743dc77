"""Text that is not what it should be: one clear line and exit code 2, or a counted skip."""

import json

import pytest

from t2t_mm.bin import datagen
from t2t_mm.data import manifest, records

LATIN1 = "schöne Grüße".encode("latin1")
LONG = b"word " * 20_000  # 100,000 characters

BAD = {
    "latin1": (LATIN1, "A line is not UTF-8: {file}, line 3. Received: byte 0xf6 at position 4",
               "A line is not UTF-8"),
    "utf8 of a lone surrogate": (b"\xed\xa0\x80", "A line is not UTF-8: {file}, line 3",
                                 "A line is not UTF-8"),
    "cut in a character": ("größ".encode()[:-1], "A line is not UTF-8: {file}, line 3",
                           "A line is not UTF-8"),
    "nul": (b"a\0b", "A text holds a control character. Received: U+0000 at character 2 of",
            "A text holds a control character"),
    "escape": (b"\x1b[31mred", r"U+001B at character 1 of '\x1b[31mred'",
               "A text holds a control character"),
    "long": (LONG, "A text is too long. Received: 100,000 characters, from 'word word",
             "A text is too long"),
    "empty": (b"", "It is empty", "It is empty"),
    "blank": (b" \t \x0b\r", "It is empty", "It is empty"),
    "invisible": ("\u200b\u3000\u2060".encode(),
                  r"Nothing of it can be seen. Received: 3 signs, from '\u200b\u3000\u2060' on",
                  "Nothing of it can be seen"),
}  # fmt: skip
ODD = {
    "separators of Unicode": "one\u2028two\x85three\u2029four",
    "a lone return": "one\rtwo",
    "a mark": "\ufeff" + "a file that was put behind another",
    "form feed and tab": "one\x0ctwo\tthree",
    "directions": "\u202eabc\u202c",
    "outside the basic plane": "🙂 \U0001d518 👩\u200d🚀",
    "not normalised": "u\u0308 ﬁ Å",
}


@pytest.fixture
def run(toys, toy_raw, tmp_path, capsys):
    """Runs mm-datagen with a line put in the place of the third one of a text."""

    def call(line, *flags, name="train.src", workers=1):
        path = toy_raw / name
        lines = path.read_bytes().splitlines(keepends=True)
        lines[2] = line + b"\n"
        path.write_bytes(b"".join(lines))
        code = datagen.main(
            [
                f"--usr_dir={toys}",
                f"--data_dir={tmp_path / 'data'}",
                f"--manual_dir={toy_raw.parent}",
                f"--workers={workers}",
                "--problem=toy_text",
                "--json",
                *flags,
            ]
        )
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return call


def values(tmp_path, name="inputs"):
    loaded = manifest.Manifest.load(tmp_path / "data", "toy_text", "1.0.0")
    return {e["key"]: e[name] for p in loaded.files("train") for e in records.read_examples(p)}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_line_is_one_line_and_exit_code_2(run, toy_raw, tmp_path, kind):
    line, words, _ = BAD[kind]
    code, answer, said = run(line)
    assert (code, answer) == (2, None)
    last = said.strip().splitlines()[-1]
    assert last.startswith(
        "mm-datagen: The example 'train/2' of toy_text, split train, is bad: inputs: "
    )
    assert words.format(file=toy_raw / "train.src") in last
    assert "--max_bad_examples=0" in last
    assert last.isprintable()
    assert len(last) < 600
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "toy_text").exists()


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_line_is_skipped_and_counted(run, tmp_path, kind):
    line, _, reason = BAD[kind]
    code, answer, said = run(line, "--max_bad_examples=1")
    assert code == 0
    assert answer["problems"]["toy_text"]["splits"]["train"]["examples"] == 49
    assert "skipped: The example 'train/2'" in said
    loaded = manifest.Manifest.load(tmp_path / "data", "toy_text", "1.0.0")
    assert loaded.details["skipped"] == {f"inputs: {reason}": 1}
    # The lines behind it still stand beside their translations.
    assert values(tmp_path)[b"train/3"] == "Höhe train 3 xxx".encode()
    assert values(tmp_path, "targets")[b"train/3"] == b"height train 3 xxx"


def test_bad_lines_of_several_workers_are_counted_once_each(run, toy_raw, tmp_path):
    path = toy_raw / "train.tgt"
    path.write_bytes(path.read_bytes().replace(b"height train 1", b"h\xf6he train 1"))
    code, _, _ = run(LATIN1, "--max_bad_examples=12", workers=2)
    assert code == 0
    loaded = manifest.Manifest.load(tmp_path / "data", "toy_text", "1.0.0")
    assert loaded.details["skipped"] == {
        "inputs: A line is not UTF-8": 1,
        "targets: A line is not UTF-8": 11,  # 1 and 10 to 19
    }


@pytest.mark.parametrize("kind", ODD)
def test_what_is_odd_but_text_is_kept(run, tmp_path, kind):
    code, _, said = run(ODD[kind].encode())
    assert code == 0, said
    assert values(tmp_path)[b"train/2"] == ODD[kind].removeprefix("\ufeff").encode()


def test_windows_line_ends_make_the_same_records(run, toy_raw, tmp_path):
    for path in toy_raw.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    code, _, _ = run("Höhe train 2\r".encode())
    assert code == 0
    found = values(tmp_path)
    assert (found[b"train/0"], found[b"train/2"]) == (
        b"H\xc3\xb6he train 0 ",
        b"H\xc3\xb6he train 2",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\nb\n".encode("utf-16"), "the byte order mark of UTF-16"),
        (b"a\rb\rc\r", "has no line ends but those of old Macintosh computers"),
        (bytes(3000), "U+0000 at character 1"),
        (b"<html>404</html>\n", "of different lengths"),
    ],
)
def test_a_text_that_is_wrong_as_a_whole(run, toy_raw, content, words):
    (toy_raw / "train.src").unlink()
    (toy_raw / "train.src").write_bytes(content)
    code, _, said = run(b"height", name="train.tgt")
    assert code == 2
    assert words in said.strip().splitlines()[-1]
