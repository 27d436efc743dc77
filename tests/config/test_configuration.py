"""Configurations are checked whole, before work starts, and can be rebuilt from their text."""

import dataclasses

import pytest

import gin
from t2t_mm import config, errors
from t2t_mm.settings import batching, training


@pytest.fixture(autouse=True)
def _clean():
    config.reset()
    yield
    config.reset()


@config.register
@dataclasses.dataclass(frozen=True)
class Inner:
    size: int = 3
    names: tuple[str, ...] = ("a",)


@config.register
@dataclasses.dataclass(frozen=True)
class Outer:
    inner: Inner
    rate: float = 0.5
    limit: int | None = None
    table: dict[str, float] = dataclasses.field(default_factory=dict)


@gin.register(module="test_config")
def foreign(depth=1, **rest):
    return depth, rest


def test_defaults_hold_without_a_file():
    config.load()
    assert config.build(training.TrainSettings) == training.TrainSettings()


def test_later_files_and_parameters_win(tmp_path):
    first, second = tmp_path / "first.gin", tmp_path / "second.gin"
    first.write_text("TrainSettings.seed = 1\nTrainSettings.log_every = 1\n")
    second.write_text("TrainSettings.seed = 2\nTrainSettings.eval_every = 2\n")
    config.load([str(first), str(second)], ["TrainSettings.seed = 3"])
    built = config.build(training.TrainSettings)
    assert (built.seed, built.log_every, built.eval_every) == (3, 1, 2)


def test_overrides_win_and_none_means_not_given():
    config.load([], ["TrainSettings.seed = 3", "TrainSettings.log_every = 7"])
    built = config.build(training.TrainSettings, seed=5, log_every=None)
    assert (built.seed, built.log_every) == (5, 7)


def test_each_load_starts_afresh():
    config.load([], ["TrainSettings.seed = 3"])
    config.load()
    assert config.build(training.TrainSettings).seed == 0


def test_operative_text_rebuilds_everything_with_defaults(tmp_path):
    config.load([], ["Inner.size = 9", "Outer.table = {'x': 1.5}", "Batching.max_length = 64"])
    outer = config.build(Outer)
    train = config.build(training.TrainSettings, model="transformer", seed=8)
    text = config.operative()
    assert "TrainSettings.seed = 8" in text
    assert "TrainSettings.save_every = 1000" in text, "defaults are written too"
    assert "Batching.max_length = 64" in text, "bound, though nobody built it"
    values = config.values()
    assert (values["TrainSettings.seed"], values["Batching.max_length"]) == (8, 64)
    assert len(values) == text.count(" = ")
    (tmp_path / "config.gin").write_text(text)
    config.load([str(tmp_path / "config.gin")])
    assert config.build(Outer) == outer
    assert outer.inner == Inner(size=9)
    assert config.build(training.TrainSettings) == train
    assert config.build(batching.Batching).max_length == 64
    assert config.operative() == text


def test_macros_reach_their_places_and_can_be_overridden(tmp_path):
    file = tmp_path / "x.gin"
    file.write_text("RATE = 0.1\nOuter.rate = %RATE\n")
    config.load([str(file)], ["RATE = 2"])
    assert config.build(Outer).rate == 2.0
    assert isinstance(config.build(Outer).rate, float)


@pytest.mark.parametrize(
    ("param", "words"),
    [
        ("TrainSettings.train_stps = 5", ["train_stps", "Did you mean 'train_steps'?"]),
        ("TrainSetings.seed = 5", ["TrainSetings", "Did you mean 'TrainSettings'?"]),
        ("seed = 5", ["Nothing uses the macro seed", "Did you mean", "Settings.seed'"]),
        ("TrainSettings.seed = %SEED", ["%SEED", "not defined"]),
        ("TrainSettings.seed = '5'", ["TrainSettings.seed", "'5' (str)", "int", "quotes"]),
        ("TrainSettings.seed = 5.0", ["5.0 (float)", "Write 5"]),
        ("TrainSettings.seed = True", ["True (bool)", "int"]),
        ("OptimizerSettings.beta_1 = 'x'", ["OptimizerSettings.beta_1", "float"]),
        ("TrainSettings.model = 3", ["3 (int)", "str"]),
        ("TrainSettings.model = None", ["None", "str"]),
        ("TrainSettings.precision = 'bfloat'", ["'bfloat'", "Did you mean 'bfloat16'?"]),
        ("Inner.names = 'abc'", ["'abc' (str)", "tuple of str"]),
        ("Inner.names = [1]", ["Inner.names", "tuple of str"]),
        ("Outer.limit = 'x'", ["int or None"]),
        ("Outer.table = {'x': 'y'}", ["Outer.table"]),
        ("TrainSettings.seed = -1", ["TrainSettings.seed", "-1", "0 or more"]),
        ("TrainSettings.seed = %gin.REQUIRED", ["TrainSettings.seed", "must be given"]),
        ("a/TrainSettings.seed = 1", ["Scopes"]),
        ("TrainSettings.seed = five", ["Not a gin statement"]),
        ("TrainSettings.seed = [1,", ["Not a gin statement"]),
        ("TrainSettings.seed", ["Not a gin statement"]),
        ("TrainSettings.model = @nobody()", ["@nobody"]),
        ("foreign.dept = 2", ["dept", "Did you mean 'depth'?"]),
        ("elsewhere.TrainSettings.seed = 2", ["elsewhere.TrainSettings"]),
        ("OptimizerSettings.learning_rate = 1e999", ["inf (float)", "finite"]),
        ("A = %B\nB = %A\nTrainSettings.seed = %A", ["by way of itself"]),
        ("include 'no_such'", ["no_such"]),
        ("import no_such_module", ["no_such_module"]),
    ],
)
def test_a_bad_binding_is_one_line_that_says_what(param, words):
    with pytest.raises(errors.ConfigError) as raised:
        config.load([], [param])
    text = str(raised.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def test_a_misspelt_macro_gets_a_suggestion(tmp_path):
    file = tmp_path / "x.gin"
    file.write_text("WIDTH = 4\nInner.size = %WIDTH\n")
    with pytest.raises(errors.ConfigError, match="Did you mean 'WIDTH'"):
        config.load([str(file)], ["WIDHT = 8"])
    file.write_text("WIDTH = 4\nInner.size = %WIDHT\n")
    with pytest.raises(errors.ConfigError, match=r"x\.gin, line 2.*Did you mean 'WIDTH'"):
        config.load([str(file)])


def test_one_key_twice_in_a_file_is_refused_unless_equal(tmp_path):
    file = tmp_path / "x.gin"
    file.write_text("Inner.size = 4\nInner.size = 4\n")
    config.load([str(file)])
    file.write_text("Inner.size = 4\n\nInner.size = 5\n")
    with pytest.raises(errors.ConfigError, match=r"Inner\.size is set twice.*line 1.*line 3"):
        config.load([str(file)])


def test_one_key_written_in_two_ways_is_still_one(tmp_path):
    file = tmp_path / "x.gin"
    file.write_text("TrainSettings.seed = 4\nsettings.TrainSettings.seed = 5\n")
    with pytest.raises(errors.ConfigError, match="set twice"):
        config.load([str(file)])


@pytest.mark.parametrize(
    "text",
    [
        "TrainSettings.seed = 4",
        "\ufeffTrainSettings.seed = 4\r\n",
        "TrainSettings:\n  seed = 4\n",
        "t2t_mm.settings.training.TrainSettings.seed = 4\n",
        "A = 4\nB = %A\nTrainSettings.seed = %B  # through two macros\n",
    ],
)
def test_all_of_gins_ways_to_write_a_binding(tmp_path, text):
    (tmp_path / "x.gin").write_bytes(text.encode())
    config.load([str(tmp_path / "x.gin")])
    assert config.build(training.TrainSettings).seed == 4


def test_an_including_file_may_override_what_it_includes(tmp_path):
    (tmp_path / "base.gin").write_text("SIZE = 4\nInner.size = %SIZE\n")
    (tmp_path / "top.gin").write_text("include 'base.gin'\nSIZE = 5\n")
    config.load([str(tmp_path / "top.gin")])
    assert config.build(Inner).size == 5


def test_functions_that_a_plugin_gave_to_gin_can_be_bound_and_come_back(tmp_path):
    config.load([], ["foreign.depth = 4"])
    assert gin.get_configurable("foreign")() == (4, {})
    text = config.operative()
    (tmp_path / "config.gin").write_text(text)
    config.load([str(tmp_path / "config.gin")])
    assert gin.get_configurable("foreign")() == (4, {})


def test_what_nothing_builds_is_known():
    config.load([], ["Inner.size = 4", "TrainSettings.seed = 4"])
    config.build(training.TrainSettings)
    assert config.unused() == ["Inner.size"]


def test_only_frozen_dataclasses_are_taken():
    class Plain:
        pass

    with pytest.raises(errors.PluginError, match="frozen dataclass"):
        config.register(Plain)


def test_two_classes_of_one_name_are_refused():
    twin = dataclasses.make_dataclass("Inner", [("x", int, 1)], frozen=True)
    twin.__module__ = "elsewhere"
    with pytest.raises(errors.PluginError, match="Two configurable classes"):
        config.register(twin)


def test_a_field_without_default_must_be_given():
    @config.register
    @dataclasses.dataclass(frozen=True)
    class Needy:
        size: int

    config.load()
    with pytest.raises(errors.ConfigError, match=r"Needy\.size has no default"):
        config.build(Needy)


def test_configuring_needs_no_tensorflow(python):
    done = python(
        "-c",
        "import sys; from t2t_mm import config; from t2t_mm.runs import run_folder;"
        "config.load(['multi_model_small']);"
        "config.operative(); sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))",
    )
    assert done.returncode == 0, done.stderr
