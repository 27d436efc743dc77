"""The registry: names, globs, suggestions, duplicates."""

import pytest

from t2t_mm import errors, registry


@pytest.fixture
def colours():
    made = registry.Registry("colour")
    for name in ("red", "green", "dark_green"):
        made.add(name, name.upper() if name != "red" else "collections:OrderedDict")
    return made


def test_get_imports_a_lazy_reference(colours):
    import collections

    assert colours.get("red") is collections.OrderedDict


def test_register_decorates(colours):
    @colours.register("blue")
    class Blue:
        pass

    assert colours.get("blue") is Blue
    assert "blue" in colours


def test_unknown_name_is_answered_with_the_nearest(colours, monkeypatch):
    monkeypatch.setattr(registry, "failed", {})
    colours.add("grey", 1)
    with pytest.raises(errors.ConfigError) as caught:
        colours.get("gren")
    assert str(caught.value) == (
        "Unknown colour 'gren'. Expected: one of dark_green, green, grey, red. "
        "Did you mean 'green'?"
    )


def test_unknown_name_tells_which_plugins_failed_but_not_why(colours, monkeypatch):
    failed = {f"mine.reviews_{n}": "reviews.py:3: NameError: x" for n in range(7)}
    monkeypatch.setattr(registry, "failed", failed)
    said = (
        r"failed to load: mine\.reviews_0, .*, mine\.reviews_4 and 2 more \(mm-list says why\)\.$"
    )
    with pytest.raises(errors.ConfigError, match=said):
        colours.get("purple")
    with pytest.raises(errors.ConfigError, match=said) as caught:
        colours.match(["purple_*"])
    assert "NameError" not in str(caught.value)


def test_a_table_that_failed_can_only_have_been_a_problem(colours, monkeypatch):
    monkeypatch.setattr(registry, "failed", {"mine.reviews.toml": "reviews.toml:3: Unknown key"})
    with pytest.raises(errors.ConfigError) as caught:
        colours.get("purple")
    assert "failed to load" not in str(caught.value)
    with pytest.raises(errors.ConfigError, match=r"failed to load: mine\.reviews\.toml \(mm-list"):
        registry.problems.get("my_reviews_of_nothing")


def test_match_expands_globs_in_order_without_repeats(colours):
    assert colours.match(["red", "*green", "green"]) == ["red", "dark_green", "green"]


def test_match_refuses_a_glob_without_a_hit(colours):
    with pytest.raises(errors.ConfigError, match="No colour matches 'blue_\\*'"):
        colours.match(["blue_*"])


@pytest.mark.parametrize("name", ["", "Red", "1st", "a-b", "a b", "ä"])
def test_bad_names_are_refused(colours, name):
    with pytest.raises(errors.PluginError, match="Bad colour name"):
        colours.add(name, 1)


def test_duplicate_names_both_places(colours):
    with registry.registering("first"):
        colours.add("pink", 1)
    with registry.registering("second"), pytest.raises(errors.PluginError) as caught:
        colours.add("pink", 2)
    text = str(caught.value)
    assert text.count("test_registry.py:") == 2
    assert "plugin first" in text
    assert "plugin second" in text
    assert colours.get("pink") == 1


def test_remove_plugin_forgets_only_its_own(colours):
    with registry.registering("first"):
        colours.add("pink", 1)
    colours.remove_plugin("first")
    assert "pink" not in colours
    assert "red" in colours


def test_a_decorator_without_a_name_is_refused(colours):
    with pytest.raises(errors.PluginError) as caught:

        @colours.register
        class DarkBlue2HTMLColour:
            pass

    said = str(caught.value)
    assert said.startswith("The colour DarkBlue2HTMLColour is registered without a name at ")
    assert '@register_colour("dark_blue2_html_colour")' in said
    assert "dark_blue2_html_colour" not in colours


@pytest.mark.parametrize("name", [None, 3, b"red", "Red", "dark-red", "red\n"])
def test_what_is_no_name_is_refused(colours, name):
    with pytest.raises(errors.PluginError, match="Bad colour name at "):
        colours.register(name)


def test_an_instance_is_not_registered(colours):
    with pytest.raises(errors.PluginError, match="is no class.*Register the class dict itself"):
        colours.register("blue")({})
    assert "blue" not in colours
