"""Rows read in parts: all of them, with the places and keys that they have in the whole."""

import json

import pytest

from t2t_mm.corpus import parts, raw
from t2t_mm.problem_bases.tables import problem, rows, splits


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 200)


def _in_parts(reader, pattern, files):
    found = reader.parts(pattern, files)
    read = []
    for part in found:
        for share in range(min(part.units, 3)):
            files.part = parts.Part(
                ranges=part.ranges, units=part.units, share=share, shares=min(part.units, 3)
            )
            read.append(list(reader.read(pattern, files)))
    files.part = parts.Part()
    return read


@pytest.mark.parametrize(
    ("name", "reader", "cut"),
    [
        ("a.csv", rows.Reader(rows.CSV, needed=("text",)), True),
        ("quoted.csv", rows.Reader(rows.CSV, needed=("text",)), False),
        ("a.tsv", rows.Reader(rows.TSV, ("text", "label"), quotes=False), True),
        ("a.jsonl", rows.Reader(rows.JSONL, needed=("text",)), True),
        ("part-*.csv", rows.Reader(rows.CSV, needed=("text",)), True),
        ("photos/*", rows.Reader(rows.FOLDER), True),
    ],
)
def test_parts_have_all_rows(tmp_path, name, reader, cut):
    (tmp_path / "photos").mkdir()
    header = "text,label\n"
    lines = [f"text {number},{number % 3}\n" + "\n" * (number % 5 == 0) for number in range(60)]
    (tmp_path / "a.csv").write_text(header + "".join(lines))
    (tmp_path / "quoted.csv").write_text(header + "".join(lines) + '"two\nlines",1\n')
    (tmp_path / "a.tsv").write_text("".join(lines).replace(",", "\t"))
    (tmp_path / "a.jsonl").write_text(
        "".join(f"{json.dumps({'text': line})}\n" for line in lines) + "no json\n"
    )
    for number in range(3):
        (tmp_path / f"part-{number}.csv").write_text(header + "".join(lines[number::3]))
    for number in range(20):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(b"")
    files = raw.RawFiles(tmp_path)
    whole = {row.key: str(row) for row in reader.read(name, files)}
    read = _in_parts(reader, name, files)
    assert (len(read) > 1) == cut
    assert sum(map(len, read)) == len(whole)
    assert {row.key: str(row) for part in read for row in part} == whole


def test_rows_that_share_an_input_are_of_one_part(tmp_path):
    files = raw.RawFiles(tmp_path)
    rows_of = "".join(f'{{"image": "{n // 3}.png", "question": "{n}?"}}\n' for n in range(60))
    (tmp_path / "a.jsonl").write_text(rows_of)
    reader = rows.Reader(rows.JSONL, needed=("image",))
    table = problem.Table(reader, splits.Splits({"train": "a.jsonl"}), ())
    for shared in ((), ("image",)):
        made = type("Made", (problem.TableProblem,), {"table": table, "shared_inputs": shared})
        assert (made().parts("train", files) == (parts.Part(),)) == bool(shared)
