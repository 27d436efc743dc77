"""The page on tables: its examples work, from the list to a decoded answer."""

import dataclasses
import json
import pathlib
import re
import tomllib

import pytest
from PIL import Image as pillow

import t2t_mm
from t2t_mm import modality, plugins, registry, testing
from t2t_mm.problem_bases.tables import declaration, files

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "tables.md"
TABLES = {
    tomllib.loads(text)["name"]: text
    for text in re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
}
TINY = [
    "TransformerConfig.width = 16",
    "TransformerConfig.filter_width = 32",
    "TransformerConfig.heads = 2",
    "TransformerConfig.encoder_layers = 1",
    "TransformerConfig.decoder_layers = 1",
    "TransformerConfig.entry_widths = (4, 4, 8, 8)",
    "TransformerConfig.exit_widths = (8, 8)",
    "TrainSettings.precision = 'float32'",
    "DecodeSettings.max_length = 8",
    "Batching.batch_examples = 8",
]
COLOURS = ("red", "green", "blue")


@pytest.fixture
def tables(registries, tmp_path):
    """Loads the page's tables as `--usr_dir` does."""
    folder = tmp_path / "my_problems"
    for name, text in TABLES.items():
        testing.write_files(folder, {f"{name}.toml": text})
    plugins.load_all(folder)
    return folder


@pytest.fixture
def corpora(tmp_path):
    """The data that the page's tables read."""
    folder = tmp_path / "corpora"
    rows = "".join(f"A film seen {n % 7} times,{n % 5 + 1}\n" for n in range(120))
    questions = {
        f"my_questions/{split}.jsonl": "".join(
            json.dumps(
                {
                    "id": f"{split}{n}",
                    "image": f"photos/{n % 3}.png",
                    "question": f"Which colour, {n}?",
                    "answers": [COLOURS[n % 3], f"It is {COLOURS[n % 3]}"],
                }
            )
            + "\n"
            for n in range(count)
        )
        for split, count in (("train", 24), ("validation", 6))
    }
    testing.write_files(folder, {"my_reviews/reviews.csv": f"review,stars\n{rows}", **questions})
    for number, colour in enumerate(COLOURS):
        for n in range(12):
            path = folder / "my_shapes" / colour / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pillow.new("RGB", (40, 40), colour).save(path)
        (folder / "my_questions" / "photos").mkdir(exist_ok=True)
        pillow.new("RGB", (40, 40), colour).save(folder / f"my_questions/photos/{number}.png")
    for n in range(20):
        name = f"{n}.{'png' if n % 2 else 'jpg'}"
        page = folder / "my_titles" / "pages" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        pillow.new("RGB", (40, 60), COLOURS[n % 3]).save(page)
        testing.write_files(folder, {f"my_titles/titles/{n}.txt": f"{COLOURS[n % 3]}\n"})
    for split, count in (("train", 16), ("validation", 4)):
        lines = "".join(f"Star {n} shines .\tNN CD VBZ .\n" for n in range(count))
        testing.write_files(folder, {f"my_tags/{split}.tsv": f"sentence\ttags\n{lines}"})
    return folder


def test_there_are_five_examples():
    assert list(TABLES) == ["my_reviews", "my_questions", "my_shapes", "my_titles", "my_tags"]


def test_the_page_names_every_key():
    text = PAGE.read_text(encoding="utf-8")
    for key in (*declaration._TOP, *declaration._FEATURE, *files._DATA):
        assert f"`{key}`" in text or f"[{key}" in text, key
    for cls in (modality.Audio, modality.Categorical, modality.Image, modality.Language):
        for field in dataclasses.fields(cls):
            assert f"`{field.name}`" in text or field.name == "net", field.name


@pytest.mark.parametrize("name", TABLES)
def test_each_gives_records(tables, corpora, tmp_path, name):
    answer = t2t_mm.generate([name], tmp_path / "data", manual_dir=corpora, workers=1)
    counts = {k: v["examples"] for k, v in answer["problems"][name]["splits"].items()}
    assert all(counts.values())
    assert (
        sum(counts.values())
        == {
            "my_reviews": 120,
            "my_questions": 30,
            "my_shapes": 36,
            "my_titles": 20,
            "my_tags": 20,
        }[name]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [["my_reviews"], pytest.param(list(TABLES), marks=pytest.mark.slow)],
    ids=["one", "all"],
)
def test_they_are_trained_on_evaluated_and_decoded(tables, corpora, tmp_path, monkeypatch, names):
    data, run = tmp_path / "data", tmp_path / "run"
    t2t_mm.generate(names, data, manual_dir=corpora, workers=1)
    trained = t2t_mm.train(
        names,
        data_dir=data,
        output_dir=run,
        gin_params=TINY,
        model="transformer",
        schedule="uniform",
        train_steps=3,
        eval_every=0,
    )
    assert trained["step"] == 3
    loaded = t2t_mm.load_run(run)
    results = t2t_mm.evaluate(loaded, split="validation")["results"]
    assert {name for name in names if registry.problems.get(name).metrics[0] in results[name]} == {
        *names
    }
    (answer,) = t2t_mm.decode(loaded, ["A film"], problem="my_reviews")
    assert answer.outputs in ("1", "2", "3", "4", "5")
    if "my_tags" in names:
        assert loaded.model.following.tasks == {"my_tags"}
    if "my_questions" in names:
        monkeypatch.chdir(corpora / "my_questions")
        given = {"image": pathlib.Path("photos/1.png"), "question": "Which?"}
        (answer,) = t2t_mm.decode(loaded, [given], problem="my_questions")
        assert isinstance(answer.outputs, str)
