"""Values of a model in a table, beside those of simple answers."""

import io

import pytest
import rich.console

from t2t_mm.evaluation import baselines, table

ANSWER = {
    "step": 7,
    "split": "test",
    "results": {"wmt_ende": {"bleu": 41.26, "log_perplexity": 1.5}, "speech": {"wer": 0.25}},
    "notes": {"wmt_ende": {"bleu": "tok:13a"}, "speech": {}},
    "decodes": {"speech": "run/[a].jsonl"},
}


def show(answer, width=100):
    stream = io.StringIO()
    table.show(answer, console=rich.console.Console(file=stream, width=width))
    return stream.getvalue()


def row(text, start):
    (line,) = [line for line in text.splitlines() if f" {start} " in line]
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_values_stand_beside_their_baseline():
    frequent = "frequencies of tokens"
    simple = baselines.Baseline(
        "copy the source", {"bleu": 0.5, "log_perplexity": 5.0}, {"log_perplexity": frequent}
    )
    text = show({**ANSWER, "baselines": {"wmt_ende": simple.describe(), "speech": None}})
    assert row(text, "bleu") == ["wmt_ende", "bleu", "41.26", "0.50", "copy the source"]
    assert row(text, "log_perplexity") == ["", "log_perplexity", "1.5000", "5.0000", frequent]
    assert row(text, "wer") == ["speech", "wer", "0.2500", "", ""]


def test_without_baselines_there_is_no_column_for_them():
    text = show(ANSWER)
    assert "baseline" not in text
    assert row(text, "wer") == ["speech", "wer", "0.2500"]


def test_notes_and_decodes_stand_below():
    lines = show(ANSWER).splitlines()
    assert lines[0].strip() == "step 7, split test"
    assert lines[-2:] == ["bleu: tok:13a", "decodes of speech: run/[a].jsonl"]


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("has_baselines", [True, False])
def test_names_are_whole_on_a_narrow_terminal(width, has_baselines):
    problem, metric = "multi30k_caption_and_translate", "a_metric_of_23_letters_"
    frequent = "frequencies of tokens"
    simple = baselines.Baseline(
        "copy the source", {"bleu": 0.5, metric: 5.0}, {metric: frequent}
    ).describe()
    answer = {**ANSWER, "results": {problem: {"bleu": 41.26, metric: 1.5}, "speech": {"wer": 0.25}}}
    if has_baselines:
        answer["baselines"] = {problem: simple, "speech": None}
    lines = show(answer, width).splitlines()
    drawn = [line for line in lines if "│" in line]
    assert max(map(len, drawn)) <= width
    assert any(problem in line for line in drawn)
    (own,) = [line for line in drawn if metric in line]
    assert "1.5000" in own
    assert ("5.0000" in own) == has_baselines
    said = f"baseline of {problem}: copy the source (bleu), {frequent} ({metric})"
    assert (said in " ".join(" ".join(lines).split())) == has_baselines


def test_a_path_is_not_broken_into_lines():
    path = "/home/someone/" + "runs/" * 30 + "decodes/speech.test.7.jsonl"
    assert f"decodes of speech: {path}" in show({**ANSWER, "decodes": {"speech": path}}, 60)


def test_no_width_shortens_a_word():
    simple = baselines.Baseline("frequencies of tokens", {"token_accuracy": 0.1}).describe()
    results = {"multi30k_translate_ende": {"token_accuracy": 0.5}}
    answer = {**ANSWER, "results": results, "baselines": {"multi30k_translate_ende": simple}}
    for width in range(50, 110):
        text = show(answer, width)
        assert "…" not in text
        for word in ("multi30k_translate_ende", "token_accuracy", "0.5000", "frequencies"):
            assert word in text


def test_of_the_best_checkpoint_it_says_why():
    text = show({**ANSWER, "chosen_by": "highest bleu of wmt_ende, 41.3 at step 7"})
    assert "\ncheckpoint best: highest bleu of wmt_ende, 41.3 at step 7\n" in text
