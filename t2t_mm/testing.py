r"""Helpers for tests of your own problems; they need only `unittest`.

from t2t_mm import testing

class MyReviewsTest(testing.ProblemTestCase):
    problem = "my_reviews"
    usr_dir = "my_problems"
    raw_files = {"train.tsv": "Dull\t1\nGreat\t5\n", ...}
    expected_examples = {"train": 2, ...}
"""

# ruff: noqa: PT009 (unittest's own assertions explain a failure under any runner)

from __future__ import annotations

import collections
import contextlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import tarfile
import tempfile
import time
import unittest
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from t2t_mm import plugins, registry
from t2t_mm.corpus import raw
from t2t_mm.data import manifest as manifest_lib
from t2t_mm.data import records
from t2t_mm.modality import base as modality


class ProblemTestCase(unittest.TestCase):
    """Checks a problem: declaration, raw files, records, features.

    Attributes:
      problem: its registered name.
      usr_dir: the folder of plugins that defines it, if it is not installed.
      raw_files: contents of raw files by name, written below a `--manual_dir`.
      manual_dir: a folder of raw files, instead of `raw_files`. Without either, the
        problem's sample data is used.
      sample_size: training examples of the sample data.
      max_examples: of a split, for a large corpus; None for all.
      expected_examples: the number of examples by split; splits may be left out.
    """

    problem: ClassVar[str] = ""
    usr_dir: ClassVar[str | os.PathLike[str]] = ""
    raw_files: ClassVar[Mapping[str, str | bytes]] = {}
    manual_dir: ClassVar[str | os.PathLike[str]] = ""
    sample_size: ClassVar[int] = 40
    max_examples: ClassVar[int | None] = None
    expected_examples: ClassVar[Mapping[str, int]] = {}

    _folder: ClassVar[pathlib.Path]
    _source: ClassVar[str]
    _manifest: ClassVar[manifest_lib.Manifest]

    @classmethod
    def setUpClass(cls) -> None:
        """Generates the data once, in this process."""
        super().setUpClass()
        if not cls.problem:
            raise unittest.SkipTest("A subclass names a problem")
        plugins.load_all(cls.usr_dir or None)
        scratch = tempfile.TemporaryDirectory(prefix="problem_test_")
        cls.addClassCleanup(scratch.cleanup)
        cls._folder = pathlib.Path(scratch.name)
        if cls.raw_files:
            cls.manual_dir = cls._folder / "raw"
            write_files(cls.manual_dir, cls.raw_files)
        cls._source = "manual" if cls.manual_dir else "sample"
        cls._manifest = cls._generate("data", workers=1)

    def test_declaration(self) -> None:
        """The declaration can be saved in a run folder and restored; its metrics exist."""
        declared = registry.problems.get(self.problem)
        for one in [*declared.inputs.values(), declared.targets]:
            self.assertEqual(modality.from_description(one.describe()), one)
        self.assertTrue(declared.metrics, "a problem needs a metric")
        for name in declared.metrics:
            self.assertIn(name, registry.metrics)

    def test_records_hold_what_the_problem_declares(self) -> None:
        """Every record has a key of its own and a value for each feature."""
        declared = registry.problems.get(self.problem)
        names = {*declared.inputs, "targets", "key"}
        splits = self._manifest.splits
        self.assertEqual(splits, declared.expected_splits(splits))
        for split in splits:
            examples = [e for f in self._manifest.files(split) for e in records.read_values(f)]
            self.assertTrue(examples, f"the split {split!r} is empty")
            self.assertEqual(len(examples), self._manifest.examples(split))
            if split in self.expected_examples:
                self.assertEqual(len(examples), self.expected_examples[split], split)
            for example in examples:
                self.assertEqual(set(example), names)
                for name, values in example.items():
                    self.assertTrue(all(values), f"{name} of {example['key'][0]!r} is empty")
            counts = collections.Counter(example["key"] for example in examples)
            self.assertEqual(counts.most_common(1)[0][1], 1, "a key occurs twice")

    def test_splits_are_disjoint(self) -> None:
        """No training example, inputs and targets, occurs in another split."""
        training, *others = self._manifest.splits
        contents = {split: self._contents(split) for split in (training, *others)}
        for split in others:
            self.assertFalse(contents[training] & contents[split], f"{split} overlaps")

    def test_any_number_of_workers_gives_the_same_bytes(self) -> None:
        """Records and their order do not depend on how they were made."""
        twin = self._generate("twin", workers=2)
        self.assertEqual(twin.shards, self._manifest.shards)

    def test_features(self) -> None:
        """Every example passes through the pipeline exactly once."""
        from t2t_mm.data import pipeline
        from t2t_mm.data import task as task_lib
        from t2t_mm.settings import batching

        task = task_lib.Task.from_data(self.problem, self._folder / "data")
        for split in task.splits:
            seen: list[bytes] = []
            for batch in pipeline.eval_dataset(task, split, batching.Batching()):
                self.assertEqual(set(batch["inputs"]), set(task.given()))
                self.assertEqual(len(batch["targets"]), len(batch["key"]))
                seen += batch["key"].numpy().tolist()
            self.assertEqual(len(seen), self._manifest.examples(split))
            self.assertEqual(len(set(seen)), len(seen))

    @classmethod
    def _generate(cls, name: str, *, workers: int) -> manifest_lib.Manifest:
        from t2t_mm.datagen import generate

        generate.generate(
            [cls.problem],
            cls._folder / name,
            source=cls._source,
            manual_dir=cls.manual_dir or None,
            workers=workers,
            max_examples=cls.max_examples,
            sample_size=cls.sample_size,
        )
        version = registry.problems.get(cls.problem).version
        return manifest_lib.Manifest.load(cls._folder / name, cls.problem, version)

    def _contents(self, split: str) -> set[tuple[tuple[str, tuple[bytes, ...]], ...]]:
        return {
            tuple(sorted((name, value) for name, value in example.items() if name != "key"))
            for file in self._manifest.files(split)
            for example in records.read_values(file)
        }


def write_files(folder: str | os.PathLike[str], files: Mapping[str, str | bytes]) -> None:
    """Writes texts (as UTF-8) and bytes under their names, making folders as needed."""
    for name, content in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def tar(files: Mapping[str, str | bytes], *, packing: str = "") -> bytes:
    """Returns a tar archive of texts (as UTF-8) and bytes under their names.

    Args:
      files: contents by name.
      packing: of the archive as a whole: `gz`, `bz2`, `xz`, or nothing.
    """
    buffer = io.BytesIO()
    mode: Any = f"w:{packing}"
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            data = content.encode("utf-8") if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def generated(
    problem: str,
    split: str,
    folder: str | os.PathLike[str],
    *,
    follow_links: bool = False,
) -> list[tuple[str, dict[str, Any]]]:
    """Returns the examples that a problem's generator yields for raw files in `folder`.

    Nothing is encoded or written: the quickest test of how a corpus is read.
    """
    instance = registry.problems.get(problem)()
    files = raw.RawFiles.of(folder, instance.corpus, instance.layout, follow_links=follow_links)
    return list(instance.generate_examples(split, files))


def two_devices() -> list[str]:
    """Splits the CPU into two logical devices, for tests of distributed training.

    Call it before TensorFlow runs its first operation; otherwise the test is skipped,
    unless the devices exist already.

    Returns:
      the names of the two devices, for `tf.distribute.MirroredStrategy`.
    """
    import tensorflow as tf

    (processor, *_) = tf.config.list_physical_devices("CPU")
    # Once TensorFlow has started, the devices cannot change.
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * 2
        )
    names = [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(names) < 2:
        raise unittest.SkipTest("TensorFlow has started with one device")
    return names[:2]


def assert_exact_resume(
    start: Callable[[pathlib.Path], Sequence[subprocess.Popen[str]]],
    folder: str | os.PathLike[str],
    *,
    ends: Mapping[int, signal.Signals],
    timeout_s: float = 300.0,
) -> None:
    """Asserts that an interrupted and resumed training equals an uninterrupted one.

    It compares all numbers of the last checkpoint, bit for bit, and the lines of
    metrics.jsonl without times, speeds and memory.

    Example:
        testing.assert_exact_resume(start, tmp_path, ends={12: signal.SIGKILL})

    Args:
      start: starts or resumes the training in a run folder; returns its processes, one for
        each worker, with their standard error piped as text.
      folder: for the runs `alone`, `twin` and `ended`.
      ends: by step, the signal that is sent to the processes once the log shows the step.
      timeout_s: seconds for one start of the training.

    Raises:
      AssertionError: names the differences; or a process failed, or ended before its signal.
    """
    place = pathlib.Path(folder)
    for name in ("alone", "twin"):
        _finish(start(place / name), timeout_s)
    for step, number in ends.items():
        processes = start(place / "ended")
        _wait_for(place / "ended" / "metrics.jsonl", step, processes, timeout_s)
        for process in processes:
            process.send_signal(number)
        for process in processes:
            process.communicate(timeout=timeout_s)
            if process.returncode == 0:
                raise AssertionError(f"The training was over before {number.name} ended it")
    _finish(start(place / "ended"), timeout_s)
    for name in ("twin", "ended"):
        differing = differing_parts(place / "alone", place / name)
        if differing:
            raise AssertionError(f"{name} is not the run left alone: {', '.join(differing[:5])}")


def differing_parts(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> list[str]:
    """Returns the differences between two runs: names of tensors, and lines of the log.

    Args:
      one: a run folder; its last checkpoint is compared.
      other: another.
    """
    tensors = [_last_tensors(pathlib.Path(run)) for run in (one, other)]
    names = sorted({*tensors[0], *tensors[1]})
    differing = [name for name in names if tensors[0].get(name) != tensors[1].get(name)]
    logs = [_log(pathlib.Path(run)) for run in (one, other)]
    if len(logs[0]) != len(logs[1]):
        differing.append(f"{len(logs[0])} and {len(logs[1])} lines of metrics.jsonl")
    pairs = enumerate(zip(*logs, strict=False), start=1)
    return differing + [f"line {n} of metrics.jsonl: {a} and {b}" for n, (a, b) in pairs if a != b]


_NOT_REPEATED = re.compile(r".*_per_s|(peak_)?memory_bytes")


def _log(run: pathlib.Path) -> list[str]:
    """Returns the lines of a log without times, speeds and memory."""
    lines = []
    for text in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        del line["time"]
        metrics = line["metrics"].items()
        line["metrics"] = {n: v for n, v in metrics if not _NOT_REPEATED.fullmatch(n)}
        lines.append(json.dumps(line, sort_keys=True))
    return lines


def _last_tensors(run: pathlib.Path) -> dict[str, bytes]:
    """Returns the bytes of all numbers in the last checkpoint, without iterators' states."""
    import tensorflow as tf

    from t2t_mm.runs import checkpoint_files

    folder = run / "checkpoints"
    step = checkpoint_files.steps(folder)[-1]
    prefix = folder / checkpoint_files.read_sidecar(folder, step)["prefix"]
    reader = tf.train.load_checkpoint(str(prefix))
    types = reader.get_variable_to_dtype_map()
    numbers = [name for name, kind in types.items() if kind.is_floating or kind.is_integer]
    return {"step": str(step).encode(), **{n: reader.get_tensor(n).tobytes() for n in numbers}}


def _finish(processes: Sequence[subprocess.Popen[str]], timeout_s: float) -> None:
    """Waits for all processes, which must succeed."""
    try:
        said = [process.communicate(timeout=timeout_s)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, text in zip(processes, said, strict=True):
        if process.returncode:
            raise AssertionError(f"A training ended with {process.returncode}: {text[-2000:]}")


def _wait_for(
    log: pathlib.Path, step: int, processes: Sequence[subprocess.Popen[str]], timeout_s: float
) -> None:
    """Waits until a log shows a step of training."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        lines = log.read_text(encoding="utf-8").split("\n")[:-1] if log.exists() else []
        shown = [line for line in map(json.loads, lines) if line["split"] == "train"]
        if any(line["step"] >= step for line in shown):
            return
        if any(process.poll() is not None for process in processes):
            _finish(processes, timeout_s)
            raise AssertionError(f"A training ended before step {step} was in its log")
        time.sleep(0.02)
    raise AssertionError(f"No step {step} in {log} within {timeout_s:g} s")
