"""Plugins: folders and entry points, and what a broken one may not do."""

import json
import textwrap

import pytest

from t2t_mm import errors, plugins

PROBLEM = '''
"""A problem."""
from t2t_mm import Problem, register_problem
from t2t_mm.modality import Categorical, Language


@register_problem("{name}")
class Made(Problem):
    inputs = {{"review": Language()}}
    targets = Categorical(classes=("1", "2"))
    command = "to-stars"
    metrics = ("accuracy",)

    def generate_examples(self, split, files):
        yield "1", {{"review": "good", "targets": "2"}}
'''


@pytest.fixture
def write(tmp_path):
    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return tmp_path / path.split("/", 1)[0]

    return write


@pytest.fixture
def listed_with(write, python, tmp_path):
    """What mm-list says where `site/` is on the path, as if a package were installed there."""

    def run(name, version, entry_point):
        folder = f"site/{name.replace('-', '_')}-{version}.dist-info"
        write(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        write(f"{folder}/entry_points.txt", f"[t2t_mm.plugins]\n{entry_point}\n")
        done = python("-m", "t2t_mm.bin.list", "--json", PYTHONPATH=str(tmp_path / "site"))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def report_of(name):
    return next(report for report in plugins.reports() if report.name == name)


def test_framework_and_built_in_problems_are_loaded(registries):
    built_in = [report for report in plugins.reports() if "t2t_mm.problems" in report.origin]
    assert built_in
    assert all(report.status == "ok" for report in built_in), built_in
    assert "model multi_model" in report_of("t2t_mm").defines
    for name in ("language", "image", "categorical"):
        assert registries.modalities.get(name).kind == name


def test_every_built_in_reference_can_be_imported(registries):
    for registered in registries.ALL.values():
        for name in registered.names():
            assert registered.get(name) is not None


def test_a_folder_of_modules_is_loaded(registries, write):
    folder = write("mine/reviews.py", PROBLEM.format(name="my_reviews"))
    plugins.load_all(folder)
    assert registries.problems.get("my_reviews").name == "my_reviews"
    assert report_of("mine.reviews").defines == ("problem my_reviews",)
    assert report_of("mine.reviews").origin == str(folder / "reviews.py")


def test_relative_imports_and_packages_work(registries, write):
    write("mine/words.py", "GOOD = 'good'")
    write("mine/family/__init__.py", "from ..words import GOOD\nfrom . import member\n")
    write("mine/family/member.py", PROBLEM.format(name="my_member"))
    folder = write("mine/single.py", "from .words import GOOD" + PROBLEM.format(name="my_single"))
    plugins.load_all(folder)
    assert report_of("mine.family").defines == ("problem my_member",)
    assert report_of("mine.single").defines == ("problem my_single",)


def test_private_modules_are_not_plugins_and_mere_holders_are_not_listed(registries, write):
    write("mine/_private.py", "boom()\n")
    write("mine/__main__.py", "boom()\n")
    write("mine/holder/__init__.py", "")
    write("mine/words.py", "")
    folder = write("mine/reviews.py", PROBLEM.format(name="my_reviews"))
    names = [r.name for r in plugins.load_all(folder) if r.name.startswith("mine")]
    assert names == ["mine.reviews", "mine.words"]


def test_a_package_init_runs_too(registries, write):
    write("mine/__init__.py", "from . import reviews\nNUMBER = 3\n")
    write("mine/later.py", "from . import NUMBER\nassert NUMBER == 3\n")
    folder = write("mine/reviews.py", PROBLEM.format(name="my_reviews"))
    plugins.load_all(folder)
    assert report_of("mine.later").status == "ok"
    assert report_of("mine.reviews").defines == ("problem my_reviews",)


def test_folders_of_one_name_do_not_clash(registries, write):
    first = write("a/mine/reviews.py", PROBLEM.format(name="first_reviews")) / "mine"
    second = write("b/mine/reviews.py", PROBLEM.format(name="second_reviews")) / "mine"
    plugins.load_all([str(first), str(second)])
    assert {"first_reviews", "second_reviews"} <= set(registries.problems.names())


def test_folders_may_come_as_a_comma_list_and_from_the_environment(registries, write, monkeypatch):
    first = write("a/one.py", PROBLEM.format(name="problem_one"))
    second = write("b/two.py", PROBLEM.format(name="problem_two"))
    third = write("c/three.py", PROBLEM.format(name="problem_three"))
    monkeypatch.setenv("T2T_MM_USR_DIR", str(third))
    plugins.load_all(f"{first},{second}")
    assert {"problem_one", "problem_two", "problem_three"} <= set(registries.problems.names())


def test_loading_twice_changes_nothing(registries, write):
    folder = write("mine/reviews.py", PROBLEM.format(name="my_reviews"))
    assert plugins.load_all(folder) == plugins.load_all([folder])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = 1\ny = 1 / 0\n", "broken.py:2: ZeroDivisionError: division by zero"),
        ("def f(:\n", "broken.py:1: SyntaxError: invalid syntax"),
        ("import no_such_package\n", "broken.py:1: ModuleNotFoundError: No module named"),
        ("raise SystemExit('bye')\n", "broken.py:1: SystemExit: bye"),
        (PROBLEM.format(name="half") + "\n\nboom()\n", "NameError: name 'boom' is not defined"),
        (
            PROBLEM.format(name="no_command").replace('"to-stars"', '""'),
            "The problem 'no_command'",
        ),
    ],
)
def test_a_broken_module_hurts_only_itself(registries, write, source, reason):
    write("mine/broken.py", source)
    folder = write("mine/whole.py", PROBLEM.format(name="my_whole"))
    plugins.load_all(folder)
    report = report_of("mine.broken")
    assert report.status == "failed"
    assert reason in report.error
    assert "\n" not in report.error
    assert report.defines == ()
    assert "my_whole" in registries.problems
    assert "half" not in registries.problems
    with pytest.raises(errors.ConfigError) as caught:
        registries.problems.get("half")
    assert "failed to load: mine.broken (mm-list says why)" in str(caught.value)


def test_who_imports_a_broken_module_fails_but_its_other_imports_stay(registries, write):
    write("mine/a_user.py", "from . import whole, zbroken\n")
    write("mine/zbroken.py", "boom()\n")
    folder = write("mine/whole.py", PROBLEM.format(name="my_whole"))
    plugins.load_all(folder)
    assert "zbroken.py:1: NameError" in report_of("mine.a_user").error
    assert report_of("mine.whole").defines == ("problem my_whole",)
    assert "my_whole" in registries.problems


def test_a_broken_package_init_leaves_the_modules_usable(registries, write):
    write("mine/__init__.py", "from . import whole\nboom()\n")
    folder = write("mine/whole.py", PROBLEM.format(name="my_whole"))
    plugins.load_all(folder)
    assert report_of("mine").status == "failed"
    assert "my_whole" in registries.problems


def test_a_sibling_imported_first_still_gets_the_credit(registries, write):
    write("mine/a_first.py", "from . import base\n" + PROBLEM.format(name="my_first"))
    folder = write("mine/base.py", PROBLEM.format(name="my_base"))
    plugins.load_all(folder)
    assert report_of("mine.a_first").defines == ("problem my_first",)
    assert report_of("mine.base").defines == ("problem my_base",)
    owners = {entry.name: entry.plugin for entry in registries.problems.entries()}
    assert owners["my_base"] == "mine.base"


def test_a_sibling_imported_without_its_dot_is_answered_with_it(registries, write):
    write("mine/helper.py", "x = 1\n")
    write("mine/no_sibling.py", "import no_such_module_anywhere\n")
    plugins.load_all(write("mine/a_first.py", "from helper import x\n"))
    assert report_of("mine.a_first").error.endswith("with a dot: from .helper import")
    assert "with a dot" not in report_of("mine.no_sibling").error


def test_of_two_problems_with_one_name_the_first_stays(registries, write):
    write("mine/a.py", PROBLEM.format(name="twice"))
    folder = write("mine/b.py", PROBLEM.format(name="other") + PROBLEM.format(name="twice"))
    plugins.load_all(folder)
    report = report_of("mine.b")
    assert report.status == "failed"
    assert f"{folder / 'a.py'}:7" in report.error
    assert f"{folder / 'b.py'}:" in report.error
    assert "other" not in registries.problems
    owner = next(entry for entry in registries.problems.entries() if entry.name == "twice")
    assert owner.plugin == "mine.a"


def test_a_plugin_cannot_take_a_built_in_name(registries, write):
    name = registries.problems.names()[0]
    plugins.load_all(write("mine/thief.py", PROBLEM.format(name=name)))
    assert report_of("mine.thief").status == "failed"
    owner = next(entry for entry in registries.problems.entries() if entry.name == name)
    assert owner.plugin.startswith("t2t_mm.problems.")


def test_a_missing_folder_and_a_file_are_refused(registries, write, tmp_path):
    with pytest.raises(errors.ConfigError, match="not there"):
        plugins.load_all(tmp_path / "nowhere")
    file = write("mine/reviews.py", "") / "reviews.py"
    with pytest.raises(errors.ConfigError, match="not a folder"):
        plugins.load_all(file)


def test_worker_processes_find_the_same_plugins(registries, write, python):
    folder = write("mine/reviews.py", PROBLEM.format(name="my_reviews"))
    program = """
        from t2t_mm import plugins
        import sys, subprocess
        plugins.load_all(sys.argv[1])
        child = "from t2t_mm import plugins, registry; plugins.load_all(); "
        child += "print(registry.problems.get('my_reviews').__module__)"
        print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True))
    """
    done = python("-c", textwrap.dedent(program), folder)
    assert "t2t_mm_usr_" in done.stdout, done


def test_an_installed_package_brings_problems_by_its_entry_point(write, listed_with):
    write("site/star_plugin/__init__.py", "")
    write("site/star_plugin/reviews.py", PROBLEM.format(name="star_reviews"))
    write("site/star_plugin/broken.py", "boom()\n")
    answer = listed_with("star-plugin", "2.0", "stars = star_plugin")
    problem = next(entry for entry in answer["problems"] if entry["name"] == "star_reviews")
    assert problem["plugin"] == "star_plugin.reviews"
    reports = {report["name"]: report for report in answer["plugins"]}
    assert reports["star_plugin.reviews"]["origin"] == "star-plugin 2.0: star_plugin.reviews"
    assert reports["star_plugin.broken"]["status"] == "failed"
    assert "broken.py:1: NameError" in reports["star_plugin.broken"]["error"]


def test_an_entry_point_to_nothing_is_reported(listed_with):
    answer = listed_with("ghost", "1.0", "boo = ghost_package")
    reports = {report["name"]: report for report in answer["plugins"]}
    assert "No module named 'ghost_package'" in reports["ghost_package"]["error"]


def test_an_installed_package_ships_tables_beside_its_modules(write, listed_with):
    table = """
        name = "star_table"
        command = "to-stars"
        metrics = ["accuracy"]
        [splits]
        train = "train.csv"
        validation = "dev.csv"
        [inputs.review]
        modality = "language"
        [targets]
        modality = "categorical"
    """
    write("site/star_plugin/__init__.py", "")
    write("site/star_plugin/stars.toml", table)
    write("site/star_plugin/broken.toml", table.replace("metrics", "metrix"))
    answer = listed_with("star-plugin", "2.0", "stars = star_plugin")
    problem = next(entry for entry in answer["problems"] if entry["name"] == "star_table")
    assert problem["plugin"] == "star_plugin.stars.toml"
    reports = {report["name"]: report for report in answer["plugins"]}
    assert reports["star_plugin.stars.toml"]["origin"] == "star-plugin 2.0: star_plugin.stars.toml"
    assert "broken.toml:4: Unknown key 'metrix'" in reports["star_plugin.broken.toml"]["error"]
