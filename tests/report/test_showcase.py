import io

import pytest
import rich.console
from PIL import Image

from t2t_mm.evaluation import baselines
from t2t_mm.report import showcase


@pytest.fixture
def printed():
    def show(shown, **terminal):
        stream = io.StringIO()
        rich.console.Console(file=stream, width=100, **terminal).print(shown)
        return stream.getvalue()

    return show


def row(text, start):
    (line,) = [line for line in text.splitlines() if start in line]
    return line


def test_values_stand_beside_their_baseline(printed):
    text = printed(
        showcase.values(
            {"wmt_ende": {"bleu": 41.26, "log_perplexity": 1.5}, "speech": {"wer": 0.25}},
            {"wmt_ende": baselines.Baseline("copy the source", {"bleu": 0.5}), "speech": None},
        )
    )
    assert row(text, "bleu").split("│")[1:-1] == [
        " wmt_ende ", " bleu           ", "         41.26 ", "     0.50 ", " copy the source ",
    ]  # fmt: skip
    assert "1.500" in row(text, "log_perplexity")
    assert "copy" not in row(text, "log_perplexity")
    assert "0.250" in row(text, "wer")


def test_translations_are_shown_as_written(printed):
    answers = [
        {"inputs": "A [red] star.", "reference": "Ein roter Stern.", "outputs": "[/] Stern."}
    ]
    text = printed(showcase.translations(answers))
    assert "A [red] star." in row(text, "source")
    assert "Ein roter Stern." in row(text, "reference")
    assert "[/] Stern." in row(text, "model")


@pytest.mark.parametrize("colour", [True, False])
def test_pictures_have_labels_and_predictions(printed, colour):
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (255, 0, 0)).save(file, "PNG")
    answers = [{"inputs": "x", "reference": "n1", "outputs": "n2"}]
    shown = showcase.labelled_pictures(
        [file.getvalue()], answers, names={"n1": "star"}, colour=colour
    )
    text = printed(shown, color_system="truecolor", force_terminal=True)
    assert ("▀" in text) == colour
    assert "star" in row(text, "label")
    assert "n2" in row(text, "model")
