"""Answers rows by an export, with TensorFlow and its texts alone; run as a program of its own.

python alone.py SAVED_MODEL SIGNATURE BATCH < rows.json > answers.json

Rows are columns of base64 by input name, answers columns by output name.
"""

import base64
import json
import sys

import tensorflow as tf
import tensorflow_text  # noqa: F401 (its operations are in the graph)


class Gone:
    """Refuses what is not to be needed here."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("t2t_mm", "gin", "sentencepiece", "PIL", "soundfile"):
            raise ImportError(f"{name} is not to be had here")


def main(path, key, batch):
    sys.meta_path.insert(0, Gone())
    columns = {
        name: [base64.b64decode(value) for value in values]
        for name, values in json.load(sys.stdin).items()
    }
    serve = tf.saved_model.load(path).signatures[key]
    count = len(next(iter(columns.values())))
    answers = {}
    for start in range(0, count, int(batch)):
        part = {n: tf.constant(v[start : start + int(batch)]) for n, v in columns.items()}
        for name, values in serve(**part).items():
            answers.setdefault(name, []).extend(values.numpy().tolist())
    json.dump(answers, sys.stdout, default=lambda value: value.decode("utf-8"))


if __name__ == "__main__":
    main(*sys.argv[1:])
