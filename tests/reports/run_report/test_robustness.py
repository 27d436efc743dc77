"""The section on robustness, of what mm-eval kept."""

import math

import pytest

from t2t_mm.evaluation.robustness import kept, result
from t2t_mm.reports.run_report import held_run, robustness
from t2t_mm.runs import run_folder

FAMILIES = {"jpeg": "digital", "pixelate": "digital", "fgsm": "attack"}


@pytest.fixture
def robust_run(make_run):
    path = make_run(problems=("coloured",))
    curves = {
        kind: {f"{n}": {"accuracy": 0.9 - n / 10, "log_perplexity": math.nan} for n in range(1, 6)}
        for kind in FAMILIES
    }
    clean = {"accuracy": 0.9, "log_perplexity": 1.0}
    found = result.Robustness("validation", 6, 60, 0, clean, curves, FAMILIES)
    kept.keep(run_folder.RunFolder(path), "coloured", found.describe())
    return path


def test_a_chart_for_each_family_and_the_means(robust_run):
    held = held_run.open_runs([robust_run])
    section = robustness.section(held)
    assert [block.title for block in section.blocks] == [
        "coloured", "digital", "attack", "Means over kinds and strengths",
    ]  # fmt: skip
    assert [name for name, _, _ in section.blocks[1].legend] == ["jpeg", "pixelate"]
    assert ">strength<" in section.blocks[1].svg
    accuracy, nats = section.blocks[-1].rows
    # (0.8 + 0.7 + 0.6 + 0.5 + 0.4) / 5 = 0.6, of 0.9
    assert [cell.text for cell in accuracy] == [
        "accuracy", "0.9000", "0.6000", "0.667", "0.6000", "0.667",
    ]  # fmt: skip
    assert nats[2].text == "\N{EN DASH}"  # no number


def test_a_run_without_any_has_no_section_and_a_page_is_written(robust_run, make_run):
    assert robustness.section(held_run.open_runs([make_run("other")])) is None
    told = []
    path = robustness.write_page(run_folder.RunFolder(robust_run), say=told.append)
    assert path == robust_run / "robustness" / "curves.html"
    assert path.read_text().count("<svg") == 2
    assert told == [f"the curves of robustness are drawn in {path}"]
