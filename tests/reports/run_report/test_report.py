"""The report as a file: what is in it, what it is safe from, and what is refused."""

import html.parser
import json
import pathlib
import re

import pytest

import t2t_mm
from t2t_mm import errors
from t2t_mm.bin import report as command
from tests.reports.run_report import conftest

ALL = [
    "summary",
    "data",
    "curves",
    "mixture",
    "metrics",
    "examples",
    "breakdowns",
    "experts",
    "optimisation",
    "environment",
]


class Page(html.parser.HTMLParser):
    """The tags of a page with their attributes; its text, and that of its style left out."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def made(whole_run):
    answer = t2t_mm.report(whole_run)
    return answer, Page(pathlib.Path(answer["report"]).read_text(encoding="utf-8"))


def test_all_sections_are_there_in_order(made):
    answer, page = made
    assert answer["sections"] == ALL
    assert [section["id"] for section in page.all("section")] == ALL
    assert answer["notes"] == []
    assert answer["report"].endswith("/run/report.html")


def test_it_needs_nothing_else_and_forbids_scripts(made):
    answer, page = made
    text = pathlib.Path(answer["report"]).read_text(encoding="utf-8")
    assert not page.all("script")
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")


def test_texts_of_data_are_harmless(made):
    _, page = made
    # Of an output, and of the command: escaped, so that they are text.
    assert page.text.count(conftest.EVIL) >= 2


def test_pictures_tables_and_charts_can_be_heard(made):
    _, page = made
    assert page.all("img") and all(image["alt"] for image in page.all("img"))
    charts = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(charts) == len(page.all("svg")) and all(svg["aria-label"] for svg in charts)
    assert len(page.all("caption")) == len(page.all("table")) > 8
    assert all("scope" in head for head in page.all("th"))


def test_what_was_measured_is_told(made):
    _, page = made
    text = " ".join(page.text.split())
    assert "accuracy ↑ 0.8333" in text  # 5 of 6
    assert "4 million" in text and "1.2.3" in text
    assert "30 50.0%" in text  # steps of each problem, and their share
    assert "240" in text and "40.00" in text  # examples, and epochs of 6 each


def test_several_runs_are_compared_with_the_first(make_run, tmp_path):
    one, two = make_run("one"), make_run("two")
    conftest.write_decodes(two, "coloured", ["red"] * 6)
    conftest.write_decodes(two, "coloured", ["red"] * 6, split="train", step=80)  # of two alone
    t2t_mm.report([one, two], html=tmp_path / "both.html")
    text = " ".join(Page((tmp_path / "both.html").read_text(encoding="utf-8")).text.split())
    assert "two less one" in text
    assert "-0.5000 worse" in text  # 2 of 6 less 5 of 6
    assert "output of two" in text


def test_runs_of_different_problems_stand_side_by_side(make_run, tmp_path):
    both, alone = make_run("both"), make_run("alone", problems=("coloured",))
    t2t_mm.report([alone, both], html=tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "asked" in text


def test_a_run_without_metrics_and_decodes_says_how_to_get_them(make_run):
    path = make_run(decodes=False)
    answer = t2t_mm.report(path)
    assert answer["sections"] == ["summary", "data", "metrics", "environment"]
    assert "holds no metrics" in answer["notes"][0]
    assert f"mm-eval --output_dir={path} --problems=coloured,asked" in answer["notes"][1]
    assert f"mm-eval --output_dir={path}" in (path / "report.html").read_text(encoding="utf-8")


def test_damaged_lines_are_left_out_and_counted(make_run):
    path = make_run(log=True)
    with (path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 1}\n\xff\xff\n[1]\n{"step": 70, "spl')
    decodes = next((path / "decodes").glob("coloured.*"))
    decodes.write_bytes(b"{broken\n" + decodes.read_bytes())
    answer = t2t_mm.report(path)
    assert "3 damaged lines are left out (line 21, 22, 23)" in answer["notes"][0]
    assert "damaged lines are left out, 1 of them" in (path / "report.html").read_text(
        encoding="utf-8"
    )


def test_without_the_data_there_are_no_pictures(make_run, tmp_path):
    path = make_run()
    t2t_mm.report(path, data_dir=tmp_path / "nowhere")
    page = Page((path / "report.html").read_text(encoding="utf-8"))
    assert not page.all("img")
    assert "The records of coloured are not at hand" in page.text


def test_pictures_are_made_to_fit(make_run):
    path = make_run()
    large = t2t_mm.report(path)["bytes"]
    bare = t2t_mm.report(path, data_dir=path)["bytes"]
    small = t2t_mm.report(path, max_mb=(bare + 40_000) / 2**20)["bytes"]
    assert bare < small <= bare + 40_000 < large
    with pytest.raises(errors.ConfigError, match="0.03 MiB without pictures"):
        t2t_mm.report(path, max_mb=0.01)


@pytest.mark.parametrize("place", ["missing", "empty"])
def test_what_is_no_run_is_refused(tmp_path, place):
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.ConfigError):
        t2t_mm.report(tmp_path / place)


def test_a_run_given_twice_and_a_folder_as_file_are_refused(make_run, tmp_path):
    path = make_run(decodes=False)
    with pytest.raises(errors.ConfigError, match="given twice"):
        t2t_mm.report([path, path])
    with pytest.raises(errors.ConfigError, match="it is a folder"):
        t2t_mm.report(path, html=tmp_path)
    with pytest.raises(errors.ConfigError, match="No run"):
        t2t_mm.report([])


def test_the_command_answers_in_json_and_replaces_the_file(make_run, tmp_path, capsys):
    path = make_run(decodes=False)
    file = tmp_path / "page.html"
    file.write_text("old")
    assert command.main([f"--output_dir={path}", f"--html={file}", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["report"] == str(file) and answer["sections"][0] == "summary"
    assert "mm-eval" in err
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    (tmp_path / "file").write_text("")
    assert command.main([f"--output_dir={path}", f"--html={tmp_path}/file/page.html"]) == 2
    assert command.main([f"--output_dir={tmp_path}/nothing"]) == 2
    assert capsys.readouterr().err.count("Traceback") == 0


def test_a_package_that_is_missing_is_named(make_run, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "vl_convert" else find(name, *a),
    )
    with pytest.raises(errors.ConfigError, match=r"t2t-mm\[report\]"):
        t2t_mm.report(make_run(decodes=False))
