"""TfdsProblem: what is declared, and what comes of a prepared data set."""

import pytest

import t2t_mm
from t2t_mm import TfdsProblem, errors, register_problem
from t2t_mm.data import manifest, records
from t2t_mm.modality import Categorical, Image, Language
from tests.problem_bases.tfds import conftest


class Pets(TfdsProblem):
    tfds_name = conftest.NAME
    tfds_splits = {"train": "train[:75%]", "validation": "train[75%:]", "test": "test"}
    tfds_features = {"targets": "title"}
    inputs = {"image": Image(size=32)}
    targets = Language()
    command = "to-title"
    metrics = ("exact_match",)


@pytest.fixture
def generate(registries, tmp_path, prepared):
    """Returns a function that registers a problem and makes its records."""

    def call(cls=Pets, **options):
        if "pets" not in registries.problems:
            register_problem("pets")(cls)
        options = {"workers": 1, "manual_dir": prepared.parent, **options}
        answer = t2t_mm.generate("pets", tmp_path / "data", **options)
        splits = answer["problems"]["pets"]["splits"]
        return {split: counts["examples"] for split, counts in splits.items()}

    return call


def read(tmp_path, split):
    found = manifest.Manifest.load(tmp_path / "data", "pets", "1.0.0")
    return [e for file in found.files(split) for e in records.read_values(file)]


def declaration(**changes):
    return type("Changed", (Pets,), changes)


def test_splits_and_layout_follow_from_the_declaration():
    assert Pets.splits == ("train", "validation", "test")
    assert Pets.sources == ("tfds",)
    assert Pets.layout == "pets:1.2.0, as `tfds build pets:1.2.0` prepares it"
    assert declaration(tfds_splits={"train": "a", "dev": "b"}).splits == ("train", "dev")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tfds_name": ""}, "tfds_name is empty"),
        ({"tfds_features": {"imgae": "image"}}, "names 'imgae', which inputs does not"),
        ({"tfds_splits": {"train": "train"}}, "two different ones at least"),
    ],
)
def test_what_cannot_be_declared(registries, changes, words):
    with pytest.raises(errors.PluginError, match=words):
        register_problem("pets")(declaration(**changes))


def test_a_prepared_data_set_becomes_records(generate, tmp_path):
    assert generate() == {"train": 15, "validation": 5, "test": 6}
    made = read(tmp_path, "train") + read(tmp_path, "validation")
    by_title = {example["targets"][0].decode(): example for example in made}
    assert set(by_title) == {f"Pet {number} of train" for number in range(20)}
    # As TFDS keeps it, not decoded and encoded anew.
    assert by_title["Pet 7 of train"]["image"] == (conftest.png(7),)
    keys = {example["key"][0].decode() for example in made}
    assert len(keys) == 20
    assert all(key.startswith("pets-train.tfrecord-") for key in keys)
    assert manifest.Manifest.load(tmp_path / "data", "pets", "1.0.0").source == "tfds"


def test_the_folder_may_be_named_itself_or_be_tfds_own(generate, prepared, monkeypatch):
    assert generate(manual_dir=prepared)["test"] == 6
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    assert generate(manual_dir=None, overwrite=True)["test"] == 6


@pytest.mark.parametrize(
    ("feature", "targets", "expected"),
    [
        ("title", Language(), (b"Pet 7 of train",)),
        ("label", Categorical(), (b"dog",)),
        ("label", Language(), (b"dog",)),
        ("count", Categorical(), (b"7",)),
        ("tame", Categorical(), (b"false",)),
        ("both/de", Language(), (b"Tier 7",)),
        ("captions/text", Language(), (b"a 7", b"the 7")),
        ("a/b", Language(), (b"slash",)),
    ],
)
def test_features_become_raw_values(generate, tmp_path, feature, targets, expected):
    cls = declaration(tfds_features={"targets": feature}, targets=targets)
    bad = 1 if feature == "label" else 0
    generate(cls, max_bad_examples=bad, max_examples=None if bad else 15)
    made = read(tmp_path, "train") + read(tmp_path, "validation")
    assert expected in [e["targets"] for e in made if e["image"] == (conftest.png(7),)]


def test_a_declaration_that_reads_otherwise_needs_new_data(generate, registries):
    generate()
    registries.problems._entries.pop("pets")
    with pytest.raises(errors.DataError, match="declaration=.*declaration=.*--overwrite"):
        generate(declaration(tfds_features={"targets": "a/b"}))


def test_an_example_without_a_class_is_bad(generate, tmp_path):
    cls = declaration(tfds_features={"targets": "label"}, targets=Categorical())
    with pytest.raises(errors.BadExampleError, match=r"pets-t.*targets: It has no class.*-1"):
        generate(cls)


@pytest.mark.slow
def test_any_number_of_workers_makes_the_same_bytes(python, prepared, tmp_path):
    (tmp_path / "mine").mkdir()
    lines = [
        "from t2t_mm import TfdsProblem, register_problem",
        "from t2t_mm.modality import Image, Language",
        "@register_problem('pets')",
        "class Pets(TfdsProblem):",
        "    tfds_name = 'pets:1.2.0'",
        "    tfds_splits = {'train': 'train', 'test': 'test'}",
        "    tfds_features = {'targets': 'title'}",
        "    inputs = {'image': Image(size=32)}",
        "    targets = Language()",
        "    command = 'to-title'",
    ]
    (tmp_path / "mine" / "pets.py").write_text("\n".join(lines))
    shards = []
    for workers in (1, 2):
        data = tmp_path / f"data{workers}"
        flags = [f"--usr_dir={tmp_path / 'mine'}", f"--data_dir={data}", f"--workers={workers}"]
        flags += ["--problem=pets", "--source=tfds", f"--manual_dir={prepared}"]
        done = python("-m", "t2t_mm.bin.datagen", *flags)
        assert done.returncode == 0, done.stderr
        shards.append(manifest.Manifest.load(data, "pets", "1.0.0").shards)
    assert shards[0] == shards[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"tfds_features": {"image": "imgae", "targets": "title"}},
            "pets/1.2.0 has no feature 'imgae'.*one of a/b, both.*Did you mean 'image'",
        ),
        (
            {"tfds_features": {"targets": "both/fr"}},
            "no feature 'fr' in 'both'.*one of de, en",
        ),
        ({"tfds_features": {"targets": "title/x"}}, "no feature 'x' in 'title'.*it is a value"),
        (
            {"tfds_features": {"targets": "colours"}},
            "'colours' of pets/1.2.0 cannot feed 'targets'",
        ),
        ({"tfds_features": {"targets": "both"}}, "'both' of .* cannot feed 'targets'"),
        ({"tfds_features": {"targets": "image"}}, "Image.*what fits the modality 'language'"),
        (
            {"tfds_features": {"image": "label", "targets": "title"}},
            "'label' of .*cannot feed 'image'.*ClassLabel.*modality 'image'",
        ),
        (
            {"inputs": {"captions": Language()}, "tfds_features": {"captions": "captions/text"}},
            "cannot feed 'captions'.*a sequence of",
        ),
        ({"tfds_splits": {"train": "trian", "test": "test"}}, "no split 'trian'.*train.*'train'"),
        (
            {"tfds_splits": {"train": "train[x]", "test": "test"}},
            "cannot read the split 'train.x.'",
        ),
        ({"tfds_splits": {"train": "train[:99]", "test": "test"}}, "cannot read the split.*slice"),
        ({"tfds_name": "pet"}, "TFDS knows no data set 'pet'.*its [0-9]+, or one that is prepared"),
        ({"tfds_name": "mnis:3.0.1"}, "no data set 'mnis'.*Did you mean 'mnist'"),
        ({"tfds_name": "mnist:9.0.0"}, "cannot open the data set 'mnist:9.0.0'"),
        ({"tfds_name": "glue/sst9:2.0.0"}, "cannot open the data set 'glue/sst9:2.0.0'"),
        (
            {"tfds_name": "mnist:3.0.1", "tfds_features": {"targets": "label"}},
            "mnist/3.0.1 is not prepared.*`tfds build mnist:3.0.1 --data_dir=.*_datasets`",
        ),
    ],
)
def test_what_cannot_be_read_is_told(generate, tmp_path, changes, words):
    with pytest.raises(errors.DataError, match=words) as caught:
        generate(declaration(**changes))
    assert not isinstance(caught.value, errors.BadExampleError)
    assert not (tmp_path / "data" / "pets").exists()


def test_a_damaged_file_is_told(generate, prepared, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(prepared, copy)
    (file,) = copy.glob("pets/1.2.0/pets-train.tfrecord*")
    data = bytearray(file.read_bytes())
    data[200] ^= 255
    file.write_bytes(data)
    with pytest.raises(errors.DataError, match="pets/1.2.0 cannot be read.*prepare it again"):
        generate(manual_dir=copy)


def test_another_folder_that_is_not_there(generate, tmp_path):
    with pytest.raises(errors.DataError, match="nowhere does not exist"):
        generate(manual_dir=tmp_path / "nowhere")


def test_declaring_imports_no_tensorflow(python):
    program = (
        "import sys; from t2t_mm import TfdsProblem; "
        "sys.exit(bool({'tensorflow', 'tensorflow_datasets'} & set(sys.modules)))"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
