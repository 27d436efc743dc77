"""What every test has: no network, a quiet TensorFlow, the plugins loaded."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.pop("T2T_MM_USR_DIR", None)
os.environ.pop("T2T_MM_DATA_DIR", None)
os.environ.pop("T2T_MM_OUTPUT_DIR", None)
os.environ.pop("T2T_MM_MANUAL_DIR", None)
os.environ.pop("T2T_MM_EXPORT_DIR", None)

import functools
import gc
import pathlib
import socket
import subprocess
import sys

import pytest

from t2t_mm import plugins, registry
from t2t_mm.plugins import load

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


# Two processes share the work file by file: what takes longest comes first, so that neither
# waits long for the other at the end.
LONGEST = (
    "problems/test_every_problem.py",
    "training/test_loop.py",
    "data/test_pipeline.py",
    "data/test_batches.py",
    "models/test_base.py",
    "runs/test_loaded_run.py",
    "data/test_sounds.py",
    "test_openings.py",
    "keras_api/test_model.py",
    "models/test_decoding.py",
    "decoding/test_beam.py",
    "test_tutorials.py",
    "training/test_averaging.py",
    "training/test_step.py",
    "training/test_crash.py",
    "modality/test_new_modality.py",
    "exporting/test_export.py",
    "models/test_audio.py",
    "datagen/test_killed.py",
    "problems/test_coco_caption.py",
    "test_testing.py",
    "decoding/test_language_model.py",
    "datagen/test_generate.py",
    "datagen/test_build.py",
)


gc.disable()  # while modules are imported: they free nothing; on again in collection_finish


def pytest_make_parametrize_id(val, argname):
    """Bytes are no names of tests: gzip's hold the time, and two processes must agree on names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items):
    places = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish(session):
    """Collects garbage less often: of what stands now, half a million objects, none is."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Refuses every connection but those within this machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        local = self.family == socket.AF_UNIX or str(address[0]) in ("127.0.0.1", "::1")
        if not local:
            raise OSError(f"tests run offline; something asked for {address!r}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True, scope="session")
def _plugins():
    plugins.load_all()


def _set_optimizer(*, is_on):
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not is_on})


@pytest.fixture(autouse=True, scope="session")
def _plain_graphs():
    """Runs graphs as they were traced: optimising them takes half the time of a short training.

    Commands that tests run in a process of their own optimise them.
    """
    if "tensorflow" in sys.modules:
        _set_optimizer(is_on=False)


@pytest.fixture
def optimised_graphs():
    """Lets Grappler do what it does in a training."""
    import tensorflow as tf

    before = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    _set_optimizer(is_on=True)
    yield
    _set_optimizer(is_on=not before)


@pytest.fixture
def registries(monkeypatch):
    """Lets a test register and load what it likes; all is undone at its end."""
    for registered in registry.ALL.values():
        monkeypatch.setattr(registered, "_entries", dict(registered._entries))
    monkeypatch.setattr(registry, "failed", dict(registry.failed))
    monkeypatch.setattr(load, "_reports", dict(load._reports))
    monkeypatch.setattr(load, "_usr_dirs", dict(load._usr_dirs))
    monkeypatch.setattr(load, "_done", set(load._done))
    monkeypatch.setenv("T2T_MM_USR_DIR", "")
    modules = dict(sys.modules)
    yield registry
    for name in set(sys.modules) - set(modules):
        if name.startswith("t2t_mm_usr_"):
            del sys.modules[name]


@pytest.fixture
def python(tmp_path):
    """Returns a function that runs a Python program in a process of its own.

    `python("-c", "...", T2T_MM_USR_DIR="...")` gives the finished process, run in
    an empty folder, with its output as text.
    """
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    def run(*arguments, cwd=folder, timeout=120, **environment):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def real_data():
    """Returns a function from a corpus to its folder's parent; skips where it is absent."""
    place = os.environ.get("T2T_MM_REAL_DATA")
    root = pathlib.Path(place or REPOSITORY.parent / "shared" / "data")

    def find(corpus):
        if not (root / corpus).is_dir():
            pytest.skip(f"no real corpus {corpus} in {root} (T2T_MM_REAL_DATA names another place)")
        return root

    return find


@pytest.fixture
def write_data(tmp_path):
    """Returns a function that writes records and a manifest as mm-datagen would.

    `write_data("my_problem", {"train": [{"inputs": b"...", ...}]})` gives the data
    folder. Values are those of the records; keys are made up where they are missing.
    """
    return functools.partial(write_records, tmp_path / "data")


def write_records(data_dir, name, splits, *, shards=2, classes=None):
    """Writes what `write_data` does to a folder, and returns it."""
    import hashlib

    from t2t_mm.data import manifest, records

    version = registry.problems.get(name).version
    folder = manifest.folder(data_dir, name, version)
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for split, examples in splits.items():
        entries = []
        for i in range(shards):
            part = list(enumerate(examples))[i::shards]
            data = b"".join(
                records.frame(records.encode_example({"key": f"{split}/{n}".encode(), **e}))
                for n, e in part
            )
            file = folder / f"{split}-{i:05d}-of-{shards:05d}.tfrecord"
            file.write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            entries.append(manifest.Shard(file.name, len(part), len(data), digest))
        written[split] = tuple(entries)
    details = {"classes": {"targets": list(classes)}} if classes else {}
    manifest.Manifest(folder, name, version, "manual", 0, written, details).save()
    return data_dir
