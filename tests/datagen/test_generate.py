"""Data generation: the same bytes always, and clear words for all that is wrong."""

import errno
import json
import os
from multiprocessing import synchronize

import pytest

from t2t_mm import errors, vocabulary
from t2t_mm.data import manifest, records
from t2t_mm.datagen import generate as generate_lib
from t2t_mm.datagen import progress, shuffle


@pytest.fixture
def generate(toys, toy_raw, tmp_path):
    """Runs `generate` in one thread on the toy's raw files, unless told otherwise."""

    def run(problems="toy_text", data_dir=tmp_path / "data", **options):
        if options.get("source") is None and "manual_dir" not in options:
            options["manual_dir"] = toy_raw.parent
        return generate_lib.generate(problems, data_dir, **{"workers": 1, **options})

    return run


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def test_the_answer(generate, data):
    answer = generate()
    done = answer["problems"]["toy_text"]
    assert done["status"] == "generated"
    assert {split: c["examples"] for split, c in done["splits"].items()} == {
        "train": 50,
        "validation": 12,
        "test": 11,
    }
    loaded = manifest.Manifest.load(data, "toy_text", "1.0.0")
    for split, counts in done["splits"].items():
        files = loaded.files(split)
        assert counts["shards"] == len(files) == 1
        assert counts["bytes"] == sum(path.stat().st_size for path in files)
    assert list(answer["vocabularies"]) == ["toy"]
    assert json.dumps(answer)


def test_records_hold_raw_features(generate, data):
    generate()
    (path,) = manifest.Manifest.load(data, "toy_text", "1.0.0").files("train")
    examples = {example["key"]: example for example in records.read_examples(path)}
    assert len(examples) == 50
    assert examples[b"train/3"] == {
        "key": b"train/3",
        "inputs": "Höhe train 3 xxx".encode(),
        "targets": b"height train 3 xxx",
    }
    assert list(examples) == sorted(examples, key=lambda k: shuffle.hash_key(k, 0))


def test_a_machine_without_shared_memory_has_one_worker(generate, monkeypatch):
    said = []

    class Said(progress.Progress):
        def say(self, text):
            said.append(text)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(synchronize.SemLock, "__init__", refuse)
    assert generate(workers=3, progress=Said())["problems"]["toy_text"]["splits"]
    assert [text for text in said if "1 worker instead of 3" in text and "/dev/shm" in text]


@pytest.mark.parametrize("problem", ["toy_text", "toy_pictures"])
def test_any_number_of_workers_makes_the_same_bytes(
    generate, tmp_path, hashes, problem, monkeypatch
):
    found = []
    for workers in (1, 2, 3):
        data = tmp_path / f"data{workers}"
        generate(problem, data, workers=workers, source="sample", sample_size=100)
        found.append(hashes(data))
    assert found[0] == found[1] == found[2]
    assert any(name.endswith(".tfrecord") for name in found[0])


def test_the_seed_decides_the_order(generate, tmp_path, hashes):
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        generate(data_dir=folder, seed=seed)
    assert hashes(folders[0]) == hashes(folders[1])
    files = [next(folder.glob("toy_text/1.0.0/train-*")) for folder in folders]
    assert files[0].read_bytes() != files[2].read_bytes()
    assert sorted(records.read_records(files[0])) == sorted(records.read_records(files[2]))


def test_many_shards(generate, data, monkeypatch):
    monkeypatch.setattr(shuffle, "SHARD_BYTES", 1000)
    answer = generate()
    assert answer["problems"]["toy_text"]["splits"]["train"]["shards"] == 8
    loaded = manifest.Manifest.load(data, "toy_text", "1.0.0")
    assert [path.name for path in loaded.files("train")][-1] == "train-00007-of-00008.tfrecord"
    keys = [e["key"] for path in loaded.files("train") for e in records.read_examples(path)]
    assert keys == sorted(keys, key=lambda key: shuffle.hash_key(key, 0))


def test_a_second_run_changes_nothing(generate, data, hashes):
    first = generate()
    before = hashes(data)
    again = generate(manual_dir=None)
    assert again["problems"]["toy_text"]["status"] == "unchanged"
    assert again["problems"]["toy_text"]["splits"] == first["problems"]["toy_text"]["splits"]
    assert again["vocabularies"] == first["vocabularies"]
    assert hashes(data) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 7}, "seed=0.*seed=7"),
        ({"max_examples": 5}, "no max_examples.*max_examples=5"),
        ({"source": "sample"}, "source=manual.*source=sample"),
    ],
)
def test_data_made_otherwise_is_not_taken_for_what_is_asked(generate, data, hashes, options, words):
    generate()
    before = hashes(data)
    with pytest.raises(errors.DataError, match=f"{words}.*--overwrite"):
        generate(**options)
    assert hashes(data) == before
    answer = generate(**options, overwrite=True)
    assert answer["problems"]["toy_text"]["status"] == "generated"
    assert generate(**options)["problems"]["toy_text"]["status"] == "unchanged"


def test_raw_files_that_have_changed_are_noticed(generate, toy_raw):
    generate()
    with (toy_raw / "train.src").open("a") as file:
        file.write("one more\n")
    with pytest.raises(errors.DataError, match=r"train\.src has changed since.*--overwrite"):
        generate()


def test_a_declaration_that_has_changed_is_noticed(generate, toys, registries, monkeypatch):
    generate()
    problem = registries.problems.get("toy_text")
    monkeypatch.setattr(problem, "inputs", {"text": problem.inputs["inputs"]})
    with pytest.raises(errors.DataError, match="declaration of toy_text has changed.*version"):
        generate()


def test_verify(generate, data):
    with pytest.raises(errors.DataError, match="not been generated"):
        generate(verify=True)
    made = generate()
    verified = generate(verify=True)
    assert verified["problems"]["toy_text"]["status"] == "verified"
    assert verified["vocabularies"] == made["vocabularies"]
    path = next(data.glob("toy_text/1.0.0/test-*"))
    damaged = bytearray(path.read_bytes())
    damaged[30] ^= 16
    path.write_bytes(damaged)
    with pytest.raises(errors.DataError, match=path.name):
        generate(verify=True)
    assert generate()["problems"]["toy_text"]["status"] == "unchanged"
    path.unlink()
    with pytest.raises(errors.DataError, match=f"{path.name} is missing.*--overwrite"):
        generate()
    generate(overwrite=True)
    generate(verify=True)


def test_at_most_so_many_examples(generate, data):
    answer = generate(max_examples=15)
    counts = [c["examples"] for c in answer["problems"]["toy_text"]["splits"].values()]
    assert counts == [15, 12, 11]


def test_sample_data(generate, data, hashes):
    answer = generate(source="sample", sample_size=30)
    counts = [c["examples"] for c in answer["problems"]["toy_text"]["splits"].values()]
    assert counts == [30, 6, 6]
    assert sorted(p.name for p in data.iterdir()) == ["raw_sample", "toy_text", "vocabularies"]
    before = hashes(data)
    assert (
        generate(source="sample", sample_size=30)["problems"]["toy_text"]["status"] == "unchanged"
    )
    with pytest.raises(errors.DataError, match="sample_size=30.*sample_size=31"):
        generate(source="sample", sample_size=31)
    assert hashes(data) == before


def test_classes_are_found(generate, data):
    generate("toy_pictures", source="sample")
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("green", "red")}


@pytest.fixture
def pictures(generate, tmp_path):
    """Sample pictures copied to where manual files are."""
    generate("toy_pictures", data_dir=tmp_path / "first", source="sample")
    (made,) = (tmp_path / "first" / "raw_sample").iterdir()
    folder = tmp_path / "manual" / "toy_pictures"
    folder.parent.mkdir()
    made.rename(folder)
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_a_class_that_only_validation_has(generate, pictures, data, workers):
    (pictures / "validation" / "red").rename(pictures / "validation" / "reds")
    options = {"manual_dir": pictures.parent, "workers": workers}
    words = (
        "'validation/reds/0' of toy_pictures, split validation, is bad: targets: The class 'reds' "
        "does not occur in training.*one of the 2 classes there.*Did you mean 'red'"
    )
    with pytest.raises(errors.BadExampleError, match=f"{words}.*--max_bad_examples=3"):
        generate("toy_pictures", **options, max_bad_examples=3)
    assert not data.exists()
    answer = generate("toy_pictures", **options, max_bad_examples=4)
    counts = [c["examples"] for c in answer["problems"]["toy_pictures"]["splits"].values()]
    assert counts == [8, 4]
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("green", "red")}
    assert loaded.details["skipped"] == {"targets: The class ... does not occur in training": 4}


def test_a_part_of_the_data_may_lack_classes_in_training(generate, pictures, data):
    generate("toy_pictures", manual_dir=pictures.parent, max_examples=4)
    # Sorted by path, the first four training pictures are all green, as are these.
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("green",)}
    (pictures / "validation" / "green").rename(pictures / "validation" / "blue")
    generate("toy_pictures", manual_dir=pictures.parent, max_examples=4, overwrite=True)
    loaded = manifest.Manifest.load(data, "toy_pictures", "1.0.0")
    assert loaded.classes == {"targets": ("blue", "green")}


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_pictures(generate, pictures, data, workers):
    for name in ("train/red/0.png", "train/green/5.png", "validation/red/2.png"):
        path = pictures / name
        path.write_bytes(path.read_bytes()[:60])
    options = {"manual_dir": pictures.parent, "workers": workers}
    with pytest.raises(
        errors.DataError, match=r"'train/green/5'.*green/5\.png.*--max_bad_examples"
    ):
        generate("toy_pictures", **options)
    with pytest.raises(errors.DataError, match="--max_bad_examples=2"):
        generate("toy_pictures", **options, max_bad_examples=2)
    assert not data.exists()
    answer = generate("toy_pictures", **options, max_bad_examples=3)
    counts = [c["examples"] for c in answer["problems"]["toy_pictures"]["splits"].values()]
    assert counts == [6, 7]
    details = manifest.Manifest.load(data, "toy_pictures", "1.0.0").details
    assert details["skipped"] == {"image: A picture does not decode": 3}


@pytest.mark.parametrize("workers", [1, 2])
def test_examples_that_a_generator_leaves_out_are_counted_once(generate, data, workers):
    said = []

    class Said(progress.Progress):
        def say(self, text):
            said.append(text)

    answer = generate("toy_picky", workers=workers, progress=Said())
    counts = [c["examples"] for c in answer["problems"]["toy_picky"]["splits"].values()]
    assert counts == [45, 10, 9]
    details = manifest.Manifest.load(data, "toy_picky", "1.0.0").details
    assert details["filtered"] == {
        "train": {"of eight letters": 5},
        "validation": {"of eight letters": 1, "the last": 1},
        "test": {"of eight letters": 1, "the last": 1},
    }
    assert "left out of toy_picky validation: 1 of eight letters, 1 the last" in said


def test_values_of_a_wrong_type_are_bad_examples(generate, data):
    with pytest.raises(errors.DataError, match="'train/2' of toy_numbers.*not a string.*int"):
        generate("toy_numbers")
    generate("toy_numbers", max_bad_examples=12)
    details = manifest.Manifest.load(data, "toy_numbers", "1.0.0").details
    assert details["skipped"] == {"targets: A text is not a string": 12}


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("toy_twice", r"have the key 'train/\d'"),
        ("toy_misspelt", "lacks 'targets' and has an unknown 'target'.*Did you mean 'targets'"),
        ("toy_odd", "yielded something odd as example 0.*non-empty string and a dict"),
        ("toy_unicode", r"is bad: inputs: A text is not valid Unicode"),
        ("toy_opens", r"raw file of 'toy_opens' cannot be read: .*nowhere.*Expected: \{train"),
        ("toy_raises", r"generate_examples of 'toy_raises' failed.*ValueError.*toys\.py:\d+"),
    ],
)
def test_generators_that_are_wrong(generate, data, problem, words):
    with pytest.raises(errors.UserError, match=words):
        generate(problem)
    assert not data.exists()


def test_a_generator_that_is_wrong_in_another_process(generate, data):
    with pytest.raises(errors.PluginError, match=r"'toy_raises' failed.*ValueError.*toys\.py:\d+"):
        generate("toy_raises", workers=2)
    assert not data.exists()


def test_a_vocabulary_of_much_text_reads_as_much_of_each_problem(generate, data, monkeypatch):
    monkeypatch.setattr(vocabulary, "MAX_SENTENCES", 40)
    read = []
    build = vocabulary.build

    def spy(name, texts, **options):
        return build(name, (read.append(text) or text for text in texts), **options)

    monkeypatch.setattr(vocabulary, "build", spy)
    generate(["toy_text", "toy_slow"], max_examples=30)
    assert 40 <= len(read) <= 42
    assert len(set(read)) < 25  # both problems have the same texts


def test_raw_files_that_are_wrong(generate, data, toy_raw):
    (toy_raw / "test.tgt").write_text("too short\n")
    with pytest.raises(errors.DataError, match=r"test\.src 11 lines, test\.tgt 1 lines"):
        generate()
    (toy_raw / "test.src").write_text("")
    (toy_raw / "test.tgt").write_text("")
    with pytest.raises(
        errors.DataError,
        match="The split 'test' of toy_text is empty.*no example in test.src, test.tgt",
    ):
        generate()
    (toy_raw / "test.src").unlink()
    with pytest.raises(errors.DataError, match=r"test\.src.*Expected: \{train,validation,test\}"):
        generate()
    (toy_raw / "train.src").write_bytes(b"good\n\xff\n")
    (toy_raw / "train.tgt").write_text("good\nbad\n")
    with pytest.raises(errors.BadExampleError, match=r"is not UTF-8: .*train\.src, line 2"):
        generate()
    assert not data.exists()


def test_sources_that_cannot_be(generate, data, tmp_path):
    with pytest.raises(errors.ConfigError, match="toy_text.*no source 'tfds'.*manual|sample"):
        generate(source="tfds")
    with pytest.raises(errors.ConfigError, match="'toy_remote' has no source that can be read"):
        generate("toy_remote")
    with pytest.raises(errors.ConfigError, match="toy_text .corpus toy. are needed"):
        generate(manual_dir=None)
    with pytest.raises(errors.DataError, match="nowhere does not exist"):
        generate(manual_dir=tmp_path / "nowhere")
    assert not data.exists()


@pytest.mark.parametrize(
    "options",
    [{"workers": 0}, {"max_examples": 0}, {"seed": -1}, {"verify": True, "overwrite": True}],
)
def test_bad_options(generate, options):
    with pytest.raises(errors.ConfigError):
        generate(**options)


def test_an_unknown_problem(generate):
    with pytest.raises(errors.ConfigError, match="Did you mean 'toy_text'"):
        generate("toy_texd")


def test_two_calls_at_once(generate, data):
    class Second(progress.Progress):
        def finish(self, done):
            if done:
                with pytest.raises(errors.DataError, match="Another process is at work on"):
                    generate()

    answer = generate(progress=Second())
    assert answer["problems"]["toy_text"]["status"] == "generated"


def test_one_vocabulary_for_all_problems_that_share_it(generate, data):
    both = generate(["toy_reversed", "toy_text"])
    about = vocabulary.read_json(data / "vocabularies" / "toy")
    assert about["problems"] == ["toy_reversed", "toy_text"]
    assert about["sentences"] == 200
    assert both["vocabularies"]["toy"]["sha256"] == about["sha256"]
    assert generate("toy_*ed", manual_dir=None)["vocabularies"] == both["vocabularies"]


def test_a_vocabulary_that_is_there_is_kept(generate, data):
    first = generate("toy_text")["vocabularies"]
    said = []

    class Said(progress.Progress):
        def say(self, text):
            said.append(text)

    assert generate("toy_reversed", progress=Said())["vocabularies"] == first
    assert any("without toy_reversed" in text for text in said)
    rebuilt = generate(["toy_text", "toy_reversed"], rebuild_vocabulary=True)["vocabularies"]
    assert vocabulary.read_json(data / "vocabularies" / "toy")["sentences"] == 200
    assert rebuilt["toy"]["sha256"] == vocabulary.Vocabulary.load(data / "vocabularies/toy").sha256


def test_a_vocabulary_of_a_run_serves_new_data(generate, data, tmp_path):
    """So a task can be added to a trained model: the tokens must be those it knows."""
    first = generate("toy_text")["vocabularies"]
    held = vocabulary.Vocabulary.load(data / "vocabularies" / "toy")
    other = tmp_path / "other"
    held.save(other / "vocabularies" / "toy")
    made = generate("toy_reversed", data_dir=other)
    assert made["vocabularies"] == first


def test_a_vocabulary_that_is_missing_is_built_from_the_records(generate, data):
    first = generate()["vocabularies"]
    (data / "vocabularies" / "toy" / "vocabulary.json").unlink()
    with pytest.raises(errors.DataError, match="There is no vocabulary"):
        generate(verify=True)
    again = generate()
    assert again["problems"]["toy_text"]["status"] == "unchanged"
    assert again["vocabularies"] == first


def test_a_vocabulary_follows_the_data_that_it_was_built_from(generate, data):
    first = generate(source="sample", sample_size=20)["vocabularies"]
    second = generate(overwrite=True)["vocabularies"]
    assert second != first


def test_the_size_of_a_vocabulary(generate):
    made = generate(vocabulary_size=300)["vocabularies"]["toy"]
    assert made["size"] <= 300
    assert generate()["vocabularies"]["toy"] == made
    with pytest.raises(errors.DataError, match="400 tokens.*300.*--rebuild_vocabulary"):
        generate(vocabulary_size=400)


def test_other_splits_are_another_declaration(generate, registries, monkeypatch):
    generate()
    monkeypatch.setattr(registries.problems.get("toy_text"), "splits", ("train", "test"))
    with pytest.raises(errors.DataError, match="declaration of toy_text has changed"):
        generate()


def test_without_raw_files_both_ways_on_are_told_for_all_problems(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.ConfigError) as caught:
        generate_lib.generate(["toy_text", "toy_pictures"], workers=1)
    said = str(caught.value)
    assert "mm-datagen --problem=toy_text,toy_pictures --manual_dir=corpora reads your own" in said
    assert "mm-datagen --problem=toy_text,toy_pictures --source=sample makes some up" in said
    assert not list(tmp_path.iterdir())


def test_corpora_are_found_in_their_own_folder(toys, toy_raw, tmp_path, monkeypatch):
    here = tmp_path / "here"
    (here / "corpora").mkdir(parents=True)
    monkeypatch.chdir(here)
    with pytest.raises(errors.ConfigError, match="are needed"):
        generate_lib.generate("toy_text", workers=1)
    (here / "corpora" / "toy").symlink_to(toy_raw)
    answer = generate_lib.generate("toy_text", workers=1)
    assert answer["problems"]["toy_text"]["status"] == "generated"
    (made,) = (here / "data" / "toy_text").glob("*/manifest.json")
    assert json.loads(made.read_text())["source"] == "manual"


def test_a_variable_names_the_folder_of_corpora(toys, toy_raw, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("T2T_MM_MANUAL_DIR", str(toy_raw.parent))
    monkeypatch.setenv("T2T_MM_DATA_DIR", "elsewhere")
    generate_lib.generate("toy_text", workers=1)
    assert list((tmp_path / "elsewhere" / "toy_text").glob("*/manifest.json"))
    assert not (tmp_path / "data").exists()


def test_what_was_asked_to_be_made_up_is_left_alone_later(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generate_lib.generate("toy_text", source="sample", sample_size=8, workers=1)
    again = generate_lib.generate("toy_text", sample_size=8, workers=1)
    assert again["problems"]["toy_text"]["status"] == "unchanged"
