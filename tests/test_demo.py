"""The demo's own part; what it trains and reaches is for the slow test."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from t2t_mm.bin import demo


def test_help_is_short(python):
    done = python("-m", "t2t_mm.bin.demo", "--help")
    assert done.returncode == 0
    assert "--folder" in done.stdout


def test_a_command_that_fails_ends_the_demo(python, tmp_path):
    done = python("-m", "t2t_mm.bin.demo", f"--folder={tmp_path}", "--sample_size=0")
    assert done.returncode == 2
    (tmp_path / "data").write_text("in the way")
    done = python("-m", "t2t_mm.bin.demo", f"--folder={tmp_path}", "--sample_size=10")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("python -m t2t_mm.bin.demo: mm-datagen ended")


def test_a_training_that_its_time_limit_has_ended_is_told(tmp_path):
    settings = "TrainSettings.train_steps = 1200\nTrainSettings.train_seconds = 400\n"
    (tmp_path / "config.gin").write_text(settings)
    assert demo._note(tmp_path, 1200) == ""
    note = demo._note(tmp_path, 810)
    assert "stopped at its limit of 400 s, at step 810 of 1,200" in note
    assert note.endswith(f"mm-trainer --output_dir={tmp_path} --train_seconds=0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_and_the_command_ends_in_order(tmp_path, monkeypatch, number):
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the signal is ignored here, as under nohup")
    command, ready, saved = (tmp_path / name for name in ("python", "ready", "saved"))
    command.write_text(
        f"#!{sys.executable}\n"
        "import os, pathlib, signal, time\n"
        "def end(*_):\n"
        "    time.sleep(0.3)\n"
        f"    pathlib.Path({str(saved)!r}).touch()\n"
        "    os._exit(130)\n"
        f"signal.signal({int(number)}, end)\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)\n"
    )
    command.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(command))

    def send():
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        demo._run("trainer")
    assert saved.exists()


@pytest.mark.slow
def test_the_demo_in_small(tmp_path):
    settings = {"train_steps": 4, "eval_every": 0, "eval_examples": 8}
    small = [f"--gin_param=TrainSettings.{name}={value}" for name, value in settings.items()]
    small += [f"--folder={tmp_path}/out", "--sample_size=60", "--json"]
    command = [sys.executable, "-m", "t2t_mm.bin.demo", *small]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer["results"]) == {"wmt_ende", "imagenet"}
    for said in ("$ mm-datagen", "$ mm-trainer", "$ mm-eval", "$ mm-decoder", "copy the source"):
        assert said in done.stderr
