"""Every gin file that comes with the framework loads, and no misspelling in one goes unseen."""

import pathlib
import re

import pytest

from t2t_mm import config, errors, registry
from t2t_mm.config import gin_files
from t2t_mm.mixture import mixture
from t2t_mm.settings import batching, models, training

NAMES = gin_files.names()


@pytest.fixture(autouse=True)
def _clean():
    yield
    config.reset()


def _keys(name):
    """Every `CLASS.PARAMETER` that the file itself binds."""
    text = (gin_files.folder() / f"{name}.gin").read_text()
    return re.findall(r"^([A-Za-z_]\w*\.\w+) *=", text, re.MULTILINE)


RUN_CODE = [
    ("import os.path", "import os.path"),
    ("include '/etc/passwd'", "include '/etc/passwd'"),
    ("TrainSettings.seed = @gin.singleton()", "gin's own gin.singleton"),
    ("TrainSettings.seed = @x/singleton()", "gin's own singleton"),
    ("TrainSettings.seed = [1, {'a': @gin.constant}]", "gin's own gin.constant"),
    ("singleton.constructor = @TrainSettings", "gin's own singleton"),
]


@pytest.mark.parametrize(("line", "received"), RUN_CODE)
def test_the_configuration_of_a_run_is_data(tmp_path, line, received):
    file = tmp_path / "config.gin"
    file.write_text(f"TrainSettings.train_steps = 3\n{line}\n")
    with pytest.raises(errors.ConfigError) as raised:
        config.load(of_run=config.read_run(file))
    assert "config.gin, line 2" in str(raised.value)
    assert f"Received: {received}" in str(raised.value)


def test_an_import_in_a_runs_configuration_runs_nothing(tmp_path, monkeypatch):
    (tmp_path / "evil_of_a_run.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "config.gin"
    file.write_text("import evil_of_a_run\n")
    with pytest.raises(errors.ConfigError, match="data, but this would run code"):
        config.load(of_run=config.read_run(file))
    assert not (tmp_path / "ran").exists()
    config.load([str(file)])  # given by hand it is code
    assert (tmp_path / "ran").exists()


def test_values_macros_and_a_users_own_bindings_go_over_a_runs_configuration(tmp_path):
    file = tmp_path / "config.gin"
    file.write_text("STEPS = 3\nTrainSettings.train_steps = %STEPS\nTrainSettings.seed = 1\n")
    config.load([], ["TrainSettings.seed = 2"], of_run=config.read_run(file))
    built = config.build(training.TrainSettings)
    assert (built.train_steps, built.seed) == (3, 2)
    config.load([], ["TrainSettings.seed = 4"])  # and where the run is found only afterwards
    config.load_below(config.read_run(file))
    built = config.build(training.TrainSettings)
    assert (built.train_steps, built.seed) == (3, 4)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("@gin.singleton()", "TrainSettings.seed cannot be evaluated .*line 1"),
        ("@gin.macro()", "TrainSettings.seed cannot be evaluated .*line 1"),
        ("@TrainSettings()", "TrainSettings.seed cannot be evaluated .*RecursionError"),
        ("(" * 3000, "brackets too deep|Not a gin statement"),
        ("[" * 150 + "]" * 150, "brackets too deep|Not a gin statement|cannot have this value"),
        ("9" * 5000, "Not a gin statement.*digits"),
    ],
)
def test_a_value_that_cannot_be_read_or_evaluated(tmp_path, value, said):
    file = tmp_path / "a.gin"
    file.write_text(f"TrainSettings.seed = {value}\n")
    with pytest.raises(errors.ConfigError, match=said):
        config.load([str(file)])


def test_all_sizes_of_both_models_are_there():
    sizes = {f"models/multi_model_{size}" for size in ("tiny", "small", "base", "paper")}
    sizes |= {f"models/transformer_{size}" for size in ("tiny", "small", "base")}
    assert sizes <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_loads_and_says_what_it_is(name):
    config.load([name])
    text = (gin_files.folder() / f"{name}.gin").read_text()
    assert text.startswith("# ")
    assert "# Command: mm-trainer " in text or "# Command: mm-experiment " in text
    if name.startswith("models/"):
        assert "# Weights: " in text
        assert "# Expect: " in text


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_parameter_is_an_error_with_the_right_suggestion(name, tmp_path):
    text = (gin_files.folder() / f"{name}.gin").read_text()
    for key in _keys(name):
        cls, _, parameter = key.partition(".")
        wrong = f"{parameter}x"
        file = tmp_path / "wrong.gin"
        file.write_text(re.sub(rf"^{re.escape(key)}\b", f"{cls}.{wrong}", text, flags=re.M))
        with pytest.raises(errors.ConfigError, match=f"Did you mean '{parameter}'") as raised:
            config.load([str(file)])
        assert f"no parameter '{wrong}'" in str(raised.value)
        file.write_text(re.sub(rf"^{re.escape(key)}\b", f"{cls}x.{parameter}", text, flags=re.M))
        with pytest.raises(errors.ConfigError, match=f"Did you mean '{cls}'"):
            config.load([str(file)])


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_macro_is_an_error_with_the_right_suggestion(name, tmp_path):
    text = (gin_files.folder() / f"{name}.gin").read_text()
    for macro in set(re.findall(r"^([A-Z_]+) *=", text, re.MULTILINE)):
        file = tmp_path / "wrong.gin"
        file.write_text(re.sub(rf"^{macro}\b", f"{macro}X", text, flags=re.M))
        with pytest.raises(errors.ConfigError, match=f"Did you mean '({macro}|{macro}X)'"):
            config.load([str(file)])


def test_small_is_what_the_dataclasses_default_to():
    config.load(["multi_model_small"])
    small = [
        config.build(models.MultiModelConfig),
        config.build(batching.Batching),
        config.build(training.OptimizerSettings),
        config.build(training.TrainSettings),
    ]
    config.load()
    assert small == [config.build(type(part)) for part in small]
    config.load(["transformer_small"])
    assert config.build(models.TransformerConfig) == models.TransformerConfig()


def _mixture(name):
    config.load([name])
    return config.build(mixture.MixtureSettings).problems


def _with_samples():
    return [
        entry.name
        for entry in registry.problems.entries()
        if entry.plugin.startswith("t2t_mm.problems.") and "sample" in entry.value.sources
    ]


def test_all_is_every_built_in_problem_with_sample_data():
    assert list(_mixture("mixtures/all")) == _with_samples()


def test_the_sample_world_has_each_kind_of_task_once():
    def kind(name):
        problem = registry.problems.get(name)
        return frozenset(m.kind for m in problem.inputs.values()), problem.targets.kind

    names = _mixture("mixtures/sample_world")
    kinds = [(kind(name), registry.problems.get(name).command) for name in names]
    assert len(set(kinds)) == len(kinds)
    assert {kind for kind, _ in kinds} == {kind(name) for name in _with_samples()}


def test_the_papers_eight_are_the_papers_eight():
    names = _mixture("mixtures/paper_8")
    assert set(names) == {
        "wsj_speech", "imagenet", "coco_caption", "wsj_parsing",
        "wmt_ende", "wmt_deen", "wmt_enfr", "wmt_fren",
    }  # fmt: skip
    assert set(names) <= set(_with_samples())
    commands = {registry.problems.get(name).command for name in names}
    assert commands == {"to-english", "to-german", "to-french", "to-class", "to-parse-tree"}
    texts = {m.vocab for name in names for m in _texts(name)}
    assert texts == {"mm_8k"}
    weights = config.build(training.TrainSettings).schedule
    assert weights == "uniform"
    config.load(["paper_8_sample"])
    assert config.build(mixture.MixtureSettings).problems == names
    rates = mixture.Mixture(names, [1] * 8, config.build(training.TrainSettings).schedule, seed=0)
    assert min(rates.probs(0)) > 0


def _texts(name):
    problem = registry.problems.get(name)
    return [m for m in [*problem.inputs.values(), problem.targets] if m.kind == "language"]


def test_the_paper_has_its_240_experts_of_which_four_are_chosen():
    config.load(["multi_model_paper"])
    paper = config.build(models.MultiModelConfig)
    assert (paper.experts, paper.selected, paper.width) == (240, 4, 1024)
    assert (paper.encoder_blocks, paper.mixer_blocks, paper.decoder_blocks) == (6, 2, 4)
    config.load(["multi_model_paper"], ["EXPERTS = 60"])
    assert config.build(models.MultiModelConfig).experts == 60


@pytest.mark.parametrize("name", ["demo", "demo.gin", "experiments/demo", "experiments/demo.gin"])
def test_a_file_is_found_by_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gin_files.find(name) == gin_files.folder() / "experiments" / "demo.gin"


def test_a_path_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.gin").write_text("")
    assert gin_files.find("demo.gin") == tmp_path / "demo.gin"
    assert gin_files.find(str(tmp_path / "demo.gin")) == tmp_path / "demo.gin"


def test_an_unknown_file_gets_a_suggestion():
    with pytest.raises(errors.ConfigError, match="Did you mean 'models/multi_model_small'"):
        gin_files.find("multi_modl_small")


def test_a_name_in_two_folders_needs_the_folder(tmp_path, monkeypatch):
    for folder in ("models", "mixtures"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.gin").write_text("")
    monkeypatch.setattr(gin_files, "folder", lambda: tmp_path)
    with pytest.raises(errors.ConfigError, match="Several gin files.*mixtures/same, models/same"):
        gin_files.find("same")
    assert gin_files.find("models/same") == tmp_path / "models" / "same.gin"


def test_our_own_files_include_our_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "multi_model_small.gin").write_text("")
    ours = gin_files.folder() / "experiments"
    found = gin_files.find("models/multi_model_small.gin", beside=ours)
    assert found == gin_files.folder() / "models" / "multi_model_small.gin"


def test_includes_resolve_beside_the_including_file(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.gin").write_text("TrainSettings.seed = 4\n")
    (tmp_path / "sub" / "outer.gin").write_text("include 'inner.gin'\n")
    monkeypatch.chdir(pathlib.Path("/"))
    config.load([str(tmp_path / "sub" / "outer.gin")])
    assert config.build(training.TrainSettings).seed == 4


def test_a_missing_include_names_the_including_line(tmp_path):
    (tmp_path / "x.gin").write_text("\ninclude 'nowhere.gin'\n")
    with pytest.raises(errors.ConfigError, match=r"'nowhere\.gin' \(.*x\.gin, line 2\)"):
        config.load([str(tmp_path / "x.gin")])


def test_files_that_include_each_other_end_in_an_error(tmp_path):
    (tmp_path / "a.gin").write_text("include 'b.gin'\n")
    (tmp_path / "b.gin").write_text("include 'a.gin'\n")
    with pytest.raises(errors.ConfigError, match=r"a\.gin -> b\.gin -> a\.gin"):
        config.load([str(tmp_path / "a.gin")])


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.gin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(errors.ConfigError, match="Cannot read the gin file"):
        config.load([str(tmp_path / "x.gin")])
