"""An export answers raw inputs as mm-decoder does, without the framework."""

import json
import subprocess
import sys

import pytest

import t2t_mm

ALONE = """
import json, sys
import tensorflow as tf, tensorflow_text

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("t2t_mm", "gin", "sentencepiece"):
            raise ImportError(f"{name} is not to be had here")

sys.meta_path.insert(0, Gone())
path, key, given = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
serve = tf.saved_model.load(path).signatures[key]
answer = serve(**{name: tf.constant(values, tf.string) for name, values in given.items()})
lists = {name: values.numpy().tolist() for name, values in answer.items()}
print(json.dumps(lists, default=lambda value: value.decode("utf-8")))
"""


def served_alone(path, key, **given):
    """Answers in a process that has TensorFlow, its texts and nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(path), key, json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=path,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_text_in_a_process_without_the_framework(loaded, tmp_path):
    answer = t2t_mm.export(loaded, tmp_path, problems=["text"])
    assert answer["step"] == 10
    assert answer["exports"] == {
        "text": str(tmp_path / "text" / "1"),
        "multi_model": str(tmp_path / "multi_model" / "1"),
    }
    texts = ["a red ball", "", "où est le chat", "a\x07b", "the box " * 30]
    wanted = t2t_mm.decode(loaded, texts, problem="text", strict=False)
    for name, key in (("text", "serving_default"), ("multi_model", "text")):
        found = served_alone(answer["exports"][name], key, inputs=texts)
        assert found["outputs"] == [each.outputs for each in wanted]
        assert found["scores"] == pytest.approx([each.score for each in wanted], abs=1e-4)
        assert [not error for error in found["errors"]] == [True, False, True, False, True]
        assert "U+0007 at character 2" in found["errors"][3]
    described = json.loads((tmp_path / "text" / "export.json").read_text())
    assert described["signatures"]["serving_default"]["problem"] == "text"
