"""The other programs: where they are, how each is run, what it says.

Their scripts are given by `--peer_scripts` (folders `t2t` and `today`), their environments by
`--peers` (`t2t`, which is T2T_HOME, and the virtual environments `tf`, `torch`, `joey`). What is
not there is left out of the table with a line that says so.
"""

from __future__ import annotations

import gzip
import pathlib
import re
import shutil
import statistics
from typing import Any

from benchmarks import options as options_lib
from benchmarks import processes

T2T, TORCH, KERAS, JOEY = "Tensor2Tensor 1.9.0", "PyTorch", "Keras Hub", "JoeyNMT 2.3"
CT2 = "CTranslate2"

Command = list[str | pathlib.Path]

_WARM_UP = 2
"""Readings of Tensor2Tensor's pace that are left out, as its script asks."""

_TOKENS_PER_S = re.compile(r"Tokens per Sec:\s+([\d.]+)")


class MissingError(Exception):
    """A peer is not at hand; the text says what is missing."""


class Peers:
    """The peers of one run.

    Args:
      options: say where they are.
      log: file for what they say.
    """

    def __init__(self, options: options_lib.Options, log: pathlib.Path) -> None:
        self._options, self._log = options, log

    def t2t_train(self, case: str, steps: int | None = None) -> float:
        """Returns steps a second of `tiny_text`, `mid_text`, `tiny_img` or `mid_img`."""
        arguments = [case] if steps is None else [case, str(steps)]
        done = self._t2t("train.sh", *arguments)
        readings = [float(found) for found in re.findall(r"global_step/sec: ([\d.]+)", done.output)]
        kept = readings[_WARM_UP:] or readings[-1:]
        if not kept:
            raise processes.FailedError(f"train.sh {case} gave no reading")
        return statistics.median(kept)

    def t2t_decode(self, beam: int, sentences: int) -> float:
        """Returns the seconds of decoding so many sentences to 32 tokens, start-up included."""
        done = self._t2t("decode.sh", str(beam), str(sentences))
        found = re.search(r"Elapsed Time: *([\d.]+)", done.output)
        return float(found.group(1)) if found else done.seconds

    def t2t_datagen(self) -> float:
        """Returns the seconds of 20,000 pairs and their vocabulary."""
        return self._t2t("datagen.sh").seconds

    def t2t_raw(self) -> pathlib.Path:
        """Returns the folder with the texts that `t2t_datagen` reads."""
        return self._home("t2t", "raw/train.src").parent

    def script(self, environment: str, name: str, *arguments: str) -> dict[str, Any]:
        """Runs a script of `today` and returns the last JSON object that it prints."""
        command = self._today(environment, name, *arguments)
        return processes.last_json(processes.run(command, log=self._log).output)

    def script_rows(self, environment: str, name: str, *arguments: str) -> list[dict[str, Any]]:
        """As `script`, for one that prints a JSON object a case."""
        import json

        command = self._today(environment, name, *arguments)
        lines = processes.run(command, log=self._log).output.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def joey_folder(self, place: pathlib.Path, raw: pathlib.Path) -> pathlib.Path:
        """Prepares JoeyNMT's texts and vocabulary in `place`, once, and returns it."""
        if not (place / "vocab.txt").is_file():
            command: Command = [
                self._python("joey"),
                self._script("today", "joey_prep.py"),
                raw,
                place,
            ]
            processes.run(command, log=self._log)
        return place

    def joey_train(self, folder: pathlib.Path, readings: int) -> float:
        """Trains JoeyNMT until it has logged so many readings; returns its real tokens a second.

        Interrupted, it saves its weights in `model/`.
        """
        text = self._script("today", "joey_multi30k.yaml").read_text(encoding="utf-8")
        text = text.replace("logging_freq: 50", "logging_freq: 10")
        text = text.replace("validation_freq: 250", "validation_freq: 100000")
        (folder / "bench.yaml").write_text(text, encoding="utf-8")
        log = folder / "model" / "train.log"
        shutil.rmtree(log.parent, ignore_errors=True)

        def found() -> list[float]:
            if not log.is_file():
                return []
            return [float(n) for n in _TOKENS_PER_S.findall(log.read_text(encoding="utf-8"))]

        command: Command = [
            self._python("joey"),
            self._script("today", "joey_run.py"),
            "bench.yaml",
        ]
        processes.until(
            command, lambda: len(found()) >= readings + 1, log=self._log, cwd=folder, poll_s=0.5
        )
        return statistics.median(found()[1 : readings + 1])  # the first has the start in it

    def ct2_model(self, folder: pathlib.Path) -> pathlib.Path:
        """Converts what `joey_train` saved to CTranslate2, and returns the model's folder."""
        saved = sorted((folder / "model").glob("*.ckpt"), key=lambda path: path.stat().st_mtime)
        if not saved:
            raise MissingError("no checkpoint of JoeyNMT to convert: run its training first")
        place = folder / "ct2"
        shutil.rmtree(place, ignore_errors=True)
        command: Command = [
            self._python("torch"),
            self._script("today", "joey_to_ct2.py"),
            saved[-1],
        ]
        processes.run([*command, folder / "vocab.txt", place, "3", "4"], log=self._log)
        return place

    def _today(self, environment: str, name: str, *arguments: str | pathlib.Path) -> Command:
        return [self._python(environment), self._script("today", name), *arguments]

    def _t2t(self, script: str, *arguments: str) -> processes.Done:
        home = self._home("t2t", "venv/bin/t2t-trainer").parents[2]
        command: Command = ["bash", self._script("t2t", script), *arguments]
        return processes.run(command, log=self._log, environment={"T2T_HOME": str(home)})

    def _python(self, environment: str) -> pathlib.Path:
        return self._home(environment, "bin/python")

    def _home(self, name: str, file: str) -> pathlib.Path:
        if self._options.peers is None:
            raise MissingError("no --peers given")
        path = self._options.peers / name / file
        if not path.exists():
            raise MissingError(f"there is no {path}")
        return path

    def _script(self, folder: str, name: str) -> pathlib.Path:
        if self._options.peer_scripts is None:
            raise MissingError("no --peer_scripts given")
        path = self._options.peer_scripts / folder / name
        if not path.is_file():
            raise MissingError(f"there is no {path}")
        return path


def multi30k_raw(options: options_lib.Options) -> pathlib.Path:
    """Returns the folder of Multi30k's texts below `--manual_dir`."""
    if options.manual_dir is None:
        raise MissingError("no --manual_dir given")
    for path in sorted((options.manual_dir / "multi30k").rglob("train.en.gz")):
        return path.parent
    raise MissingError(f"there is no multi30k in {options.manual_dir}")


def test_sentences(raw: pathlib.Path, language: str) -> list[str]:
    """Returns the sentences of the test set of 2016."""
    with gzip.open(raw / f"test_2016_flickr.{language}.gz", "rt", encoding="utf-8") as file:
        return file.read().splitlines()
