"""Table files: what they declare, and each thing that can be wrong with one."""

import pytest

from t2t_mm import errors, plugins
from t2t_mm.modality import Categorical, Image, Language
from t2t_mm.plugins import load
from tests.problem_bases.tables.conftest import REVIEWS

FRACTIONS = REVIEWS.replace('train = "train.csv"', "train = 0.5").replace(
    'validation = "dev.csv"', "validation = 0.5\n    [data]\n    files = 'all.csv'"
)
FOLDER = FRACTIONS.replace("all.csv", "*/*.txt").replace('"text"', '"stem"')


def test_a_whole_table_is_a_problem(declare, registries, tmp_path):
    report = declare()
    place = tmp_path / "mine" / "reviews.toml"
    assert (report.status, report.error) == ("ok", "")
    assert report.defines == ("problem my_reviews",)
    assert report.origin == str(place)
    made = registries.problems.get("my_reviews")
    assert made.name == "my_reviews"
    assert made.version == "1.0.0"
    assert made.corpus == "my_reviews"
    assert made.inputs == {"review": Language()}
    assert made.targets == Categorical()
    assert made.splits == ("train", "validation")
    assert made.sources == ("manual",)
    assert made.layout == "train.csv, dev.csv with text, stars"
    (entry,) = [e for e in registries.problems.entries() if e.name == "my_reviews"]
    assert entry.plugin == "mine.reviews.toml"
    assert entry.place == f"{place}:2"
    assert made().describe()["name"] == "my_reviews"


def test_parameters_and_everything_else_are_taken(declare, registries):
    text = """
        name = "made_here"
        version = "2.1"
        corpus = "elsewhere"
        command = "to-answer"
        metrics = ["exact_match", "log_perplexity"]
        metric_tokenizer = "zh"
        answers = ["yes", "no"]
        answers_of_training = 8
        shared_inputs = ["picture"]
        [data]
        files = "all.jsonl"
        split_column = "part"
        [splits]
        train = ["a", "b"]
        validation = "c"
        [inputs.picture]
        modality = "image"
        size = 64
        augment = false
        fit = "pad"
        file = "photos/{id}.jpg"
        [inputs.question]
        modality = "language"
        [targets]
        modality = "language"
        max_length = 16
        column = "answers"
    """
    assert declare(text).error == ""
    made = registries.problems.get("made_here")
    assert (made.version, made.corpus) == ("2.1", "elsewhere")
    assert made.inputs == {
        "picture": Image(size=64, augment=False, fit="pad"),
        "question": Language(),
    }
    assert made.targets == Language(max_length=16)
    assert made.metrics == ("exact_match", "log_perplexity")
    assert made.metric_tokenizer == "zh"
    assert (made.answers, made.answers_of_training) == (("yes", "no"), 8)
    assert made.shared_inputs == ("picture",)
    assert made.table.reader.needed == ("id", "question", "answers", "part")


@pytest.mark.parametrize(
    ("base", "old", "new", "line", "words"),
    [
        (REVIEWS, "metrics", "metric", 4, r"Unknown key 'metric' in the file.*'metrics'"),
        (REVIEWS, '"accuracy"', '"acuracy"', 4, "Unknown metric 'acuracy'.*'accuracy'"),
        (REVIEWS, '["accuracy"]', '"accuracy"', 4, "metrics cannot have this value.*list of str"),
        (REVIEWS, '["accuracy"]', "[]", 4, "metrics is empty"),
        (REVIEWS, 'name = "my_reviews"', "", None, "The key 'name' is missing in the file"),
        (REVIEWS, '"my_reviews"', '"My Reviews"', 2, "Bad problem name.*small letters"),
        (REVIEWS, '"to-stars"', '""', 2, "not whole: command is empty"),
        (REVIEWS, 'modality = "language"', 'modality = "langage"', 11, "'langage'.*'language'"),
        (REVIEWS, 'modality = "language"', "", 10, r"'modality' is missing in \[inputs.review\]"),
        (
            REVIEWS,
            'column = "text"',
            "max_lenght = 9",
            12,
            "'max_lenght'.*Did you mean 'max_length'",
        ),
        (
            REVIEWS,
            'column = "text"',
            'max_length = "9"',
            12,
            "max_length cannot.*Leave the quotes out",
        ),
        (
            REVIEWS,
            'column = "text"',
            "max_length = 1",
            12,
            "Language.max_length is out of range",
        ),
        (REVIEWS, 'column = "text"', 'column = ["a", "b"]', 12, "column cannot have this value"),
        (REVIEWS, 'column = "text"', 'file = "../{id}.txt"', 12, "'file' names no file below"),
        (REVIEWS, '"to-stars"', '"x"\n    corpus = "../.."', 4, "'corpus' names no folder below"),
        (REVIEWS, '"to-stars"', '"x"\n    corpus = "/etc"', 4, "'corpus' names no folder below"),
        (REVIEWS, 'column = "stars"', "classes = []", 16, "classes is empty.*Leave it out"),
        (REVIEWS, 'column = "stars"', 'classes = ["1", "1"]', 16, "class '1' is named twice"),
        (REVIEWS, "review]", "targets]", 10, "An input is named 'targets'"),
        (REVIEWS, "[inputs.review]", "[inputs.key]", 2, "an input is named 'targets' or 'key'"),
        (REVIEWS, "[targets]", "[target]", 14, "Unknown key 'target' in the file.*'targets'"),
        (REVIEWS, '"categorical"', '"image"', 2, "targets is Image.*can only be an input"),
        (REVIEWS, '"dev.csv"', "0.5", 7, "train cannot have this value"),
        (REVIEWS, '"dev.csv"', '"{..,x}/dev.csv"', 8, "'validation' names no file below"),
        (REVIEWS, '"dev.csv"', '"{dev,train}.csv"', 8, "'train' and 'validation' are of the same"),
        (REVIEWS, '"dev.csv"', '"*.csv"', 8, "'train' and 'validation' are of the same files"),
        (REVIEWS, '"dev.csv"', '"dev.json"', None, "format of the files is not known.*csv, tsv"),
        (REVIEWS, '"dev.csv"', '"/dev.csv"', 8, "'validation' names no file below the corpus"),
        (REVIEWS, "validation =", "# validation =", 2, "two different ones at least"),
        (REVIEWS, "validation =", '"../x" =', 8, "Bad name of a split"),
        (FRACTIONS, "files = 'all.csv'", "", 9, "'files' is missing in .data."),
        (FRACTIONS, "files = ", "fils = ", 10, "Unknown key 'fils' in .data.*'files'"),
        (FRACTIONS, "train = 0.5", "train = 0.6", 6, "more than the whole"),
        (FRACTIONS, "[data]", "[data]\n    format = 'csw'", 10, "'csw'.*'csv'"),
        (FRACTIONS, "[data]", "[data]\n    delimiter = ';;'", 10, "Bad delimiter"),
        (
            FRACTIONS,
            "[data]",
            "[data]\n    columns = ['txt', 'stars']",
            15,
            "no column 'text'.*'txt'",
        ),
        (
            FRACTIONS,
            "all.csv'",
            "all.jsonl'\n    columns = ['a']",
            11,
            "means nothing for .* jsonl",
        ),
        (FRACTIONS, "[data]", "[data]\n    split_column = 'part'", 7, "train cannot have"),
        (FOLDER, '"stars"', '"stars"', 18, "no column 'stars'.*path, folder, stem"),
        (
            REVIEWS,
            "[inputs.review]",
            "[data]\n    files = 'x.csv'\n    [inputs.review]",
            11,
            "has `files`, and",
        ),
        (
            REVIEWS,
            "[inputs.review]",
            "[data]\n    group_column = 'g'\n    [inputs.review]",
            11,
            "fractions only",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    declare, registries, tmp_path, base, old, new, line, words
):
    assert old in base
    report = declare(base.replace(old, new, 1))
    assert report.status == "failed"
    place = f"{tmp_path / 'mine' / 'reviews.toml'}{f':{line}' if line else ''}: "
    assert report.error.startswith(place)
    with pytest.raises(errors.PluginError, match=words):
        raise errors.PluginError(report.error)
    assert "\n" not in report.error
    assert "my_reviews" not in registries.problems


def test_two_splits_of_one_value(declare):
    text = FRACTIONS.replace("= 0.5", "= 'a'").replace(
        "[data]", "[data]\n    split_column = 'part'"
    )
    assert "Two splits are of the value 'a'" in declare(text).error


def test_a_broken_table_hurts_only_itself(declare, registries):
    declare("name = ?", "broken.toml")
    load._usr_dirs.clear()
    assert declare().status == "ok"
    (broken,) = [r for r in plugins.reports() if r.name == "mine.broken.toml"]
    assert "broken.toml:1: It is not TOML" in broken.error
    with pytest.raises(errors.ConfigError, match=r"mine\.broken\.toml"):
        registries.problems.get("my_review")


def test_tables_that_failed_say_nothing_of_each_other(declare, tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("a", "b"):
        text = REVIEWS.replace("\n    ", "\n").replace('"accuracy"', f'"{name}_of_no_plugin"')
        (tmp_path / "mine" / f"{name}.toml").write_text(text)
    said = declare(REVIEWS.replace('modality = "language"', 'modality = "langage"')).error
    assert "Unknown modality 'langage'" in said
    assert "of_no_plugin" not in said
    assert "failed to load" not in said


def test_a_name_that_is_taken_is_refused_with_both_places(declare, registries, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.toml").write_text(REVIEWS.replace("\n    ", "\n"))
    report = declare(name="b.toml")
    assert report.status == "failed"
    assert f"registered twice: at {folder / 'a.toml'}:2" in report.error
    assert f"and at {folder / 'b.toml'}:2" in report.error
    owner = next(e for e in registries.problems.entries() if e.name == "my_reviews")
    assert owner.plugin == "mine.a.toml"


def test_a_built_in_name_is_refused(declare):
    report = declare(REVIEWS.replace("my_reviews", "multi30k_ende"))
    assert "registered twice" in report.error
    assert "multi30k.py" in report.error


def test_other_toml_files_are_left_alone(declare, tmp_path):
    assert declare("[project]\nname = 'x'\n[tool.ruff]\n", "pyproject.toml") is None
    assert declare("boom", "_draft.toml") is None


def test_a_module_and_a_table_of_one_name_live_side_by_side(declare, registries, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "reviews.py").write_text(
        "from t2t_mm import registry\nregistry.metrics.add('mine_only', 'os:sep')\n"
    )
    report = declare(REVIEWS.replace('"accuracy"', '"mine_only"'))
    assert report.error == ""
    assert {"mine.reviews", "mine.reviews.toml"} <= {r.name for r in plugins.reports()}


def test_no_inputs_make_a_language_model(declare, registries):
    text = REVIEWS.replace('[inputs.review]\n    modality = "language"\n    column = "text"', "")
    report = declare(text.replace("categorical", "language"))
    assert report.error == ""
    assert registries.problems.get("my_reviews").inputs == {}
