import io
import types
import wave

import pytest
import rich.console
from PIL import Image

from t2t_mm.modality import Audio, Language
from t2t_mm.modality.image import view
from t2t_mm.reports import showcase


@pytest.fixture
def printed():
    def show(shown, width=100, **terminal):
        stream = io.StringIO()
        rich.console.Console(file=stream, width=width, **terminal).print(shown)
        return stream.getvalue()

    return show


def drawing(*pictures):
    return lambda columns: [view.half_blocks(data, columns=columns) for data in pictures]


def row(text, start):
    (line,) = [line for line in text.splitlines() if start in line]
    return line


def test_texts_are_shown_as_written(printed):
    answers = [
        {"inputs": "A [red] star.", "reference": "Ein roter Stern.", "outputs": "[/] Stern."}
    ]
    text = printed(showcase.written(answers))
    assert "A [red] star." in row(text, "source")
    assert "Ein roter Stern." in row(text, "reference")
    assert "[/] Stern." in row(text, "model")


@pytest.mark.parametrize("colour", [True, False])
def test_pictures_have_labels_and_predictions(printed, colour):
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (255, 0, 0)).save(file, "PNG")
    answers = [{"inputs": "x", "reference": "n1", "outputs": "n2"}]
    draw = drawing(file.getvalue()) if colour else None
    shown = showcase.labelled_pictures(answers, draw, names={"n1": "star"}, columns=100)
    text = printed(shown, color_system="truecolor", force_terminal=True)
    assert ("▀" in text) == colour
    assert "star" in row(text, "label")
    assert "n2" in row(text, "model")


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize(("width", "abreast"), [(60, 2), (80, 3), (120, 5)])
def test_pictures_and_captions_fit_the_terminal(printed, width, abreast, colour):
    # 9 cells of heads and borders, 19 of each picture: 9 + 2 * 19 = 47, 9 + 3 * 19 = 66.
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (255, 0, 0)).save(file, "PNG")
    labels = [
        "[red] star",
        "great white shark, man-eating",
        "grey owl",
        "ant",
        "bee",
        "a-16-letter-word",
    ]
    answers = [{"inputs": "x", "reference": label, "outputs": "n2"} for label in labels]
    draw = drawing(*[file.getvalue()] * 6) if colour else None
    shown = showcase.labelled_pictures(answers, draw, names={}, columns=width)
    text = printed(shown, width, color_system=None, force_terminal=True)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    drawn = [line for line in text.splitlines() if "▀" in line]
    assert len(drawn) == colour * 8 * -(-6 // abreast)
    assert all(line.count("▀") in (16 * abreast, 16 * (6 % abreast)) for line in drawn)
    for word in " ".join(labels).split():
        assert word in text


def test_several_inputs_and_several_references(printed):
    answers = [
        {
            "inputs": {"image": "validation/7", "question": "What [is] it?"},
            "outputs": "a dog",
            "reference": "dog",
            "references": ["dog", "a dog", "puppy", "cat"],
        }
    ]
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (255, 0, 0)).save(file, "PNG")
    shown = showcase.written(answers, drawing(file.getvalue())(24))
    text = printed(shown, color_system="truecolor", force_terminal=True)
    assert "▀" in text
    assert "validation/7" in row(text, "image")
    assert "What [is] it?" in row(text, "question")
    assert [word in text for word in ("dog", "puppy", "cat")] == [True, True, False]
    (line,) = [line for line in text.splitlines() if "model" in line]
    assert "\x1b[32m" in line  # green: one of the references


def test_a_sound_is_told_by_its_length(printed):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 12_000))
    task = types.SimpleNamespace(inputs={"audio": Audio()})
    answers = [{"inputs": "test/7", "reference": "seven", "outputs": "six"}]
    heard = showcase.with_summaries(task, answers, [{"audio": file.getvalue()}])
    assert "1.5" in row(printed(showcase.written(heard)), "test/7")
    task.inputs["text"] = Language()
    both = [{**answers[0], "inputs": {"audio": "test/7", "text": "which?"}}]
    heard = showcase.with_summaries(task, both, [{"audio": file.getvalue()}])
    shown = printed(showcase.written(heard))
    assert "1.5" in row(shown, "audio")
    assert "which?" in row(shown, "text")


def test_what_is_made_from_nothing_has_no_source(printed):
    text = printed(showcase.written([{"inputs": {}, "reference": "A dog.", "outputs": "A cat."}]))
    assert "source" not in text
    assert "A dog." in row(text, "reference")
