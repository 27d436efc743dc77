"""Data generation: the same bytes always, and clear words for all that is wrong."""

import errno
import json
import os
from multiprocessing import synchronize

import pytest

from t2t_mm import errors
from t2t_mm.data import manifest, records
from t2t_mm.datagen import generate as generate_lib
from t2t_mm.datagen import progress, shuffle


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
