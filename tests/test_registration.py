"""The doors by which parts are added, and what the package itself offers."""

import subprocess
import sys

import keras
import pytest

import t2t_mm
from t2t_mm import errors


class Length(t2t_mm.Metric):
    name = "length"

    def update(self, given):
        pass

    def result(self):
        return {}


class Sound(t2t_mm.Modality):
    pass


class Always(t2t_mm.Schedule):
    pass


class Slow(t2t_mm.Optimizer):
    pass


DOORS = {
    "metrics": (t2t_mm.register_metric, Length),
    "modalities": (t2t_mm.register_modality, Sound),
    "models": (t2t_mm.register_model, t2t_mm.Model),
    "schedules": (t2t_mm.register_schedule, Always),
    "optimizers": (t2t_mm.register_optimizer, Slow),
}


@pytest.mark.parametrize("kind", DOORS)
def test_each_door_files_a_class_with_its_place(registries, kind):
    register, cls = DOORS[kind]
    assert register("made_here")(cls) is cls
    (entry,) = (e for e in registries.ALL[kind].entries() if e.name == "made_here")
    assert entry.value is cls
    assert entry.place.startswith(__file__)


def test_a_net_is_any_function(registries):
    assert t2t_mm.register_net("made_here")(dict) is dict
    (entry,) = (e for e in registries.nets.entries() if e.name == "made_here")
    assert entry.place.startswith(__file__)
    with pytest.raises(errors.PluginError, match="cannot be called.*returns a keras.Model"):
        t2t_mm.register_net("other")("small")
    assert "other" not in registries.nets


@pytest.mark.parametrize("kind", DOORS)
@pytest.mark.parametrize("what", [dict, lambda: None, errors.ConfigError("no class")])
def test_only_a_class_of_the_kind_is_registered(registries, kind, what):
    register, _ = DOORS[kind]
    with pytest.raises(errors.PluginError, match=f"is no subclass of t2t_mm.{kind[:3].title()}"):
        register("made_here")(what)
    assert "made_here" not in registries.ALL[kind]


@pytest.mark.parametrize("kind", DOORS)
def test_a_bare_decorator_is_answered_with_the_name_it_lacks(registries, kind):
    register, cls = DOORS[kind]
    with pytest.raises(errors.PluginError, match=rf'@{register.__name__}\("'):
        register(cls)


def test_any_optimizer_of_keras_is_registered(registries):
    t2t_mm.register_optimizer("lion")(keras.optimizers.Lion)
    assert registries.optimizers.get("lion") is keras.optimizers.Lion
    with pytest.raises(errors.ConfigError, match="Did you mean 'lion'"):
        registries.optimizers.get("loin")


def test_a_decay_is_a_function_of_step_last_step_and_settings(registries):
    def halving(step, train_steps, settings):
        return 0.5 ** (step / 100)

    assert t2t_mm.register_decay("halving")(halving) is halving
    assert registries.decays.get("halving") is halving
    with pytest.raises(errors.ConfigError, match="Unknown decay 'halvin'.*Did you mean 'halving'"):
        registries.decays.get("halvin")
    with pytest.raises(errors.PluginError, match=r"'short' cannot .* one of \(step, train_steps"):
        t2t_mm.register_decay("short")(lambda step: 1.0)
    with pytest.raises(errors.PluginError, match=r'@register_decay\("'):
        t2t_mm.register_decay(halving)
    assert "short" not in registries.decays


def test_a_mixture_schedule_takes_step_sizes_and_names(registries):
    class Short(t2t_mm.Schedule):
        def __call__(self, step):
            return [1.0]

    with pytest.raises(errors.PluginError, match=r"'short' cannot .* one of \(self, step, sizes"):
        t2t_mm.register_schedule("short")(Short)
    assert "short" not in registries.schedules


def test_all_that_is_public_is_there_and_typed():
    for name in t2t_mm.__all__:
        value = getattr(t2t_mm, name)
        assert value.__doc__, name
        if not isinstance(value, type):
            assert "return" in value.__annotations__, name


def test_declarations_and_lists_need_no_tensorflow():
    program = (
        "import sys, t2t_mm\n"
        "t2t_mm.list_problems('wmt_*'), t2t_mm.DecodeSettings(beam_size=4), t2t_mm.inspect\n"
        "class Length(t2t_mm.Metric):\n    update = result = None\n"
        "t2t_mm.register_metric('made_here')(Length)\n"
        "t2t_mm.register_schedule, t2t_mm.register_optimizer, t2t_mm.register_model\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_metric_has_the_name_that_it_is_registered_by(registries):
    @t2t_mm.register_metric("mean_length")
    class MeanLength(t2t_mm.Metric):
        def update(self, decodes):
            pass

        def result(self):
            return {self.name: 0.0}

    assert MeanLength().result() == {"mean_length": 0.0}
