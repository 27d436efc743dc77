"""Small SavedModels that follow the interface of exports, and a server of them.

`echo` answers "TEXT!" with its length as score. An empty text is a bad row, with a sentence in
`errors`; "raise" fails its whole batch; "slow SECONDS" keeps the call that long.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tensorflow as tf


class Toy(tf.Module):
    """Answers with a mark of its own, so that a version is told from another."""

    def __init__(self, mark="!"):
        super().__init__()
        self.mark = tf.constant(mark)
        self.weights = tf.Variable(tf.zeros([8]))

    def answer(self, text):
        words = tf.strings.split(text, " ")
        is_slow = tf.strings.regex_full_match(text, "slow [0-9.]+")
        seconds = tf.where(is_slow, tf.strings.regex_replace(text, "[^0-9.]", ""), "0")
        most = tf.reduce_max(tf.concat([[0.0], tf.strings.to_number(seconds)], 0))
        end = tf.timestamp() + tf.cast(most, tf.float64)
        rounds = tf.while_loop(lambda n: tf.timestamp() < end, lambda n: (n + 1,), (0,))[0]
        good = tf.debugging.Assert(tf.reduce_all(text != "raise"), ["a row raises"])
        with tf.control_dependencies([good, rounds]):
            bad = tf.equal(text, "")
            outputs = tf.where(bad, "", text + self.mark)
        scores = tf.where(bad, 0.0, -tf.cast(tf.strings.length(text), tf.float32))
        scores += 0 * tf.reduce_sum(self.weights) + 0 * tf.cast(words.nrows(), tf.float32)
        errors = tf.where(bad, "The text is empty.", "")
        return {"outputs": outputs, "scores": scores, "errors": errors}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def echo(self, inputs):
        return self.answer(inputs)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "image"),
            tf.TensorSpec([None], tf.string, "question"),
        ]
    )
    def pair(self, image, question):
        answered = self.answer(question)
        size = tf.strings.as_string(tf.strings.length(image))
        return {**answered, "outputs": answered["outputs"] + size, "image_bytes": image}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "inputs"),
            tf.TensorSpec([], tf.int64, "seed"),
        ]
    )
    def sample(self, inputs, seed):
        answered = self.answer(inputs)
        return {**answered, "outputs": inputs + tf.strings.as_string(seed)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def best(self, inputs):
        outputs = tf.stack([inputs + "1", inputs + "2"], 1)
        low = tf.fill(tf.shape(inputs), -float("inf"))
        scores = tf.stack([tf.zeros_like(low), low], 1)
        return {"outputs": tf.ensure_shape(outputs, [None, 2]), "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classes(self, inputs):
        bad = tf.equal(inputs, "")
        rows = tf.shape(inputs)[0]
        first = tf.where(bad, 0.0, tf.where(tf.equal(inputs, "cat"), 0.75, 0.25))
        names = tf.tile([["cat", "dog"]], [rows, 1])
        return {
            "outputs": tf.where(first > 0.5, "cat", "dog"),
            "probabilities": tf.stack([first, tf.where(bad, 0.0, 1 - first)], 1),
            "classes": tf.ensure_shape(names, [None, 2]),
            "errors": tf.where(bad, "The text is empty.", ""),
        }

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def numbers(self, x):
        return {"y": tf.reduce_sum(x, 1) / x[:, 0]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def letters(self, inputs):
        split = tf.strings.unicode_split(inputs, "UTF-8")
        return {"tokens": split.to_tensor(""), "scores": tf.cast(split.row_lengths(), tf.float32)}


def export(folder, number=1, *, mark="!", signatures=None, details=None):
    """Writes EXPORT/NUMBER, which appears by one rename; returns EXPORT."""
    toy = Toy(mark)
    names = signatures or {"serving_default": "echo"}
    functions = {key: getattr(toy, name).get_concrete_function() for key, name in names.items()}
    folder.mkdir(parents=True, exist_ok=True)
    made = pathlib.Path(tempfile.mkdtemp(dir=folder, prefix="."))
    tf.saved_model.save(toy, str(made), signatures=functions)
    if details is not None:
        place = made / "assets.extra" / "export.json"
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(details), encoding="utf-8")
    made.rename(folder / str(number))
    return folder


def copy_version(source, folder, number):
    """Copies a version folder, so that it appears by one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f".new{number}"
    shutil.copytree(source, place)
    place.rename(folder / str(number))


class Process:
    """mm-serve in a process of its own, on a free port."""

    def __init__(self, *flags, command=None):
        command = command or [sys.executable, "-m", "t2t_mm.bin.serve"]
        command = [*command, "--port=0", "--json", *flags]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
        line = self.child.stdout.readline()
        self.said = json.loads(line) if line else None
        self.url = self.said["url"] if self.said else None

    def end(self, number=signal.SIGTERM, timeout_s=30):
        """Sends a signal; returns exit code and what it printed on standard error."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        _, err = self.child.communicate(timeout=timeout_s)
        return self.child.returncode, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.communicate()


def until(condition, timeout_s=20):
    """Waits for something to be true, and returns it."""
    end = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found
