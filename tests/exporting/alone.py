"""Answers rows by an export, with TensorFlow and its texts alone; run as a program of its own.

python alone.py SAVED_MODEL BATCH < rows.json > answers.json

Rows are columns of base64 by input name, answers columns by output name; both by signature.
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


def answers(serve, columns, batch):
    """Returns the columns of a signature's answers, computed in batches."""
    columns = {name: [base64.b64decode(one) for one in column] for name, column in columns.items()}
    count = len(next(iter(columns.values())))
    found = {}
    for start in range(0, count, batch):
        part = {n: tf.constant(v[start : start + batch]) for n, v in columns.items()}
        for name, values in serve(**part).items():
            found.setdefault(name, []).extend(values.numpy().tolist())
    return found


def main(path, batch):
    sys.meta_path.insert(0, Gone())
    served = tf.saved_model.load(path).signatures
    found = {
        key: answers(served[key], columns, int(batch))
        for key, columns in json.load(sys.stdin).items()
    }
    json.dump(found, sys.stdout, default=lambda value: value.decode("utf-8"))


if __name__ == "__main__":
    main(*sys.argv[1:])
