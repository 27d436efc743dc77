"""TensorFlow's own lines are left out; all else is passed on."""

import os
import subprocess
import sys
import textwrap

import pytest

FAKE = """
    import gc, os, sys
    COLLECTS = gc.isenabled()
    os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\\n")
    os.write(2, b"I0000 00:00:1795456556.532184   15100 cudart_stub.cc:31] no GPU\\n")
    os.write(2, b"W0000 00:00:1795456556.532184   15100 other.cc:31] heed this\\n")
    print("from Python", file=sys.stderr)
    VALUE = 3
"""
PROGRAM = """
    import sys
    from t2t_mm.process import quiet_import
    quiet_import.install()
    quiet_import.install()
    import gc, tensorflow
    print("after", file=sys.stderr)
    print(tensorflow.VALUE, type(tensorflow.__spec__.loader).__name__)
    print(tensorflow.COLLECTS, gc.isenabled(), gc.get_freeze_count() > 0)
"""


def test_notices_are_left_out_and_warnings_passed_on(python, tmp_path):
    (tmp_path / "tensorflow.py").write_text(textwrap.dedent(FAKE))
    done = python("-c", textwrap.dedent(PROGRAM), PYTHONPATH=str(tmp_path))
    assert done.stdout == "3 SourceFileLoader\nFalse True True\n", done.stderr
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["W0000", "from", "after"]


def test_a_failing_import_shows_its_error(python, tmp_path):
    (tmp_path / "tensorflow.py").write_text(textwrap.dedent(FAKE) + "raise ImportError('broken')\n")
    done = python("-c", textwrap.dedent(PROGRAM), PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "ImportError: broken" in done.stderr
    assert "cudart_stub" not in done.stderr


PARTS = """
    import os, time
    from t2t_mm.process import quiet_import
    with quiet_import.without_notices():
        os.write(2, b"normalizer.cc(51) LOG(")
        time.sleep(0.05)
        os.write(2, b"INFO) identity\\nW kept\\nand the rest")
"""


def test_a_notice_may_come_in_parts(python):
    assert python("-c", textwrap.dedent(PARTS)).stderr == "W kept\nand the rest"


def test_it_works_where_there_is_no_standard_error():
    program = textwrap.dedent(PARTS.replace("os.write", "len and print"))
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, program], check=False
    )
    assert done.returncode == 0


TRULY = """
    import sys
    from t2t_mm import cli
    command = cli.Command("mm-try", "Tries.", example="mm-try")
    def work():
        import tensorflow as tf
        import tensorflow_text, keras
        tf.config.list_physical_devices()
        tf.random.stateless_uniform([3], tf.constant([1, 2], tf.int64))
        tf.matmul(tf.ones([2, 2], tf.int64), tf.ones([2, 2], tf.int64))
        print("ours", file=sys.stderr)
    sys.exit(command.run(work, sys.argv[1:]))
"""


@pytest.mark.parametrize("debug", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_tensorflow_itself_says_nothing_but_for_debugging(python, debug):
    environment = {"TF_CPP_MIN_LOG_LEVEL": "0"} if debug else {}
    flags = ["--debug"] if debug else []
    kept = os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)  # the tests' own
    try:
        done = python("-c", textwrap.dedent(TRULY), *flags, **environment)
    finally:
        if kept is not None:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = kept
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "ours"
    assert (done.stderr == "ours\n") is not debug
