"""Shells set up for other work with Keras do not disturb ours."""

PROGRAM = """
import t2t_mm, keras
print(keras.config.backend(), keras.__version__[0])
"""


def test_the_backend_is_tensorflow(python):
    done = python("-c", PROGRAM, KERAS_BACKEND="jax", TF_USE_LEGACY_KERAS="1")
    assert done.stdout == "tensorflow 3\n", done.stderr


def test_keras_on_another_backend_already_is_one_line(python, tmp_path):
    (tmp_path / "keras.py").write_text("class config:\n    backend = staticmethod(lambda: 'jax')\n")
    program = (
        "import keras, t2t_mm, t2t_mm.errors as e\n"
        "try: t2t_mm.train\nexcept e.ConfigError as x: print(x)"
    )
    done = python("-c", program, PYTHONPATH=str(tmp_path))
    assert "Received: jax. Expected: tensorflow." in done.stdout, done.stderr
